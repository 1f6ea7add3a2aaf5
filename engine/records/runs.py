"""Evaluations that were made, kept: they can be compared, and scored again without the model."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_data_path

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.api.values import FloatArray
from engine.atomic import atomic_path, write_text
from engine.data.datasets.labelled import LabelledImages
from engine.metrics.pointing import MeterState

_FORMAT = 1
_MAX_DESCRIPTION = 64 << 20
_DAMAGE = (
    AttributeError,
    BadZipFile,
    EOFError,
    KeyError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")
_DATA_VARIABLE = "CSRA_GUI_DATA"


@dataclass(frozen=True, eq=False)
class EvaluationRun:
    """One model on one data set: everything that the numbers are computed from.

    Attributes:
        model: name, id and what else is known of the model.
        dataset: name, split, kind and hash of the data set.
        settings: flip, input size and so on.
        date: when it was made, ISO 8601 in UTC.
        categories: the shared ones, in the order of the columns.
        ids: N samples that were read.
        logits: (N, C) float32; their sigmoid is the score.
        targets: (N, C) bool.
        ignored: (N, C) bool.
        failed: id and reason of each image that could not be read.
        problems: what was left out of the data set, one sentence each.
        localisation: what the maps point at; ``None`` if there were no boxes.
    """

    model: Mapping[str, str]
    dataset: Mapping[str, str]
    settings: Mapping[str, str]
    date: str
    categories: Categories
    ids: tuple[str, ...]
    logits: FloatArray
    targets: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    failed: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    localisation: MeterState | None = None

    @property
    def id(self) -> str:
        """Date and a fingerprint of the logits: the name of its folder."""
        stamp = datetime.fromisoformat(self.date).strftime("%Y%m%d-%H%M%S")
        digest = hashlib.sha256(np.ascontiguousarray(self.logits).tobytes())
        digest.update(json.dumps([dict(self.model), dict(self.dataset)]).encode())
        return f"{stamp}-{digest.hexdigest()[:8]}"


def now() -> str:
    """The present moment as a run's date."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def dataset_hash(images: LabelledImages) -> str:
    """A fingerprint of which images have which labels, wherever they lie; hexadecimal."""
    digest = hashlib.sha256(
        "\n".join((*images.categories, "", *images.ids)).encode("utf-8", "replace")
    )
    digest.update(np.packbits(images.targets).tobytes())
    digest.update(np.packbits(images.ignored).tobytes())
    return digest.hexdigest()[:16]


def runs_folder() -> Path:
    """Where runs are kept, in the person's own data."""
    own = os.environ.get(_DATA_VARIABLE)
    return (Path(own) if own else user_data_path("csra-gui")) / "evaluations"


def save_run(run: EvaluationRun, folder: Path) -> Path:
    """Keep a run: scores and a description, each written atomically.

    Args:
        run: to keep.
        folder: of all runs; made if missing.

    Returns:
        The run's own folder.

    Raises:
        DataError: it cannot be written.
    """
    own = folder / run.id
    try:
        own.mkdir(parents=True, exist_ok=True)
        with atomic_path(own / "scores.npz") as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, logits=run.logits, targets=run.targets, ignored=run.ignored)
        # The description comes last: a folder without one is no run.
        write_text(own / "run.json", json.dumps(_description(run), indent=1))
    except OSError as error:
        raise DataError(f"The run could not be kept in {own}: {error.strerror}.") from error
    return own


def load_run(folder: Path) -> EvaluationRun:
    """A kept run.

    Args:
        folder: of the run.

    Raises:
        DataError: there is none, or it is damaged.
    """
    try:
        path = folder / "run.json"
        if path.stat().st_size > _MAX_DESCRIPTION:
            raise DataError(f"{path} is too large for a run.")
        body = json.loads(path.read_text(encoding="utf-8"))
        # Opened here: if the archive is damaged, numpy forgets to close what it opened itself.
        with (
            (folder / "scores.npz").open("rb") as file,
            np.load(file, allow_pickle=False) as arrays,
        ):
            return _parse(body, arrays)
    except FileNotFoundError as error:
        raise DataError(f"There is no evaluation run in {folder}.") from error
    except _DAMAGE as error:
        raise DataError(f"The evaluation run in {folder} is damaged: {error}.") from error


def list_runs(folder: Path) -> list[Path]:
    """The folders of all kept runs, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if _ID.fullmatch(path.name) and (path / "run.json").exists()
    )


def find_run(name: str, folder: Path) -> Path:
    """A run by its id, the beginning of it, its folder, or ``last``.

    Raises:
        DataError: there is none, or more than one.
    """
    if (Path(name) / "run.json").exists():
        return Path(name)
    runs = list_runs(folder)
    found = runs[-1:] if name == "last" else [run for run in runs if run.name.startswith(name)]
    if len(found) != 1:
        what = "no evaluation run" if not found else f"{len(found)} evaluation runs"
        raise DataError(f"There are {what} called {name!r}; 'csra runs list' shows all.")
    return found[0]


def _description(run: EvaluationRun) -> dict[str, object]:
    return {
        "format": _FORMAT,
        "model": dict(run.model),
        "dataset": dict(run.dataset),
        "settings": dict(run.settings),
        "date": run.date,
        "categories": list(run.categories),
        "ids": list(run.ids),
        "failed": [list(item) for item in run.failed],
        "problems": list(run.problems),
        "localisation": run.localisation,
    }


def _parse(body: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> EvaluationRun:
    if body["format"] != _FORMAT:
        raise ValueError(f"it has format {body['format']}, this program reads {_FORMAT}")
    run = EvaluationRun(
        model=_texts(body["model"]),
        dataset=_texts(body["dataset"]),
        settings=_texts(body["settings"]),
        date=datetime.fromisoformat(body["date"]).isoformat(timespec="seconds"),
        categories=Categories(tuple(body["categories"])),
        ids=tuple(str(name) for name in body["ids"]),
        logits=arrays["logits"].astype(np.float32),
        targets=arrays["targets"].astype(np.bool_),
        ignored=arrays["ignored"].astype(np.bool_),
        failed=tuple((str(name), str(reason)) for name, reason in body["failed"]),
        problems=tuple(str(problem) for problem in body["problems"]),
        localisation=body["localisation"],
    )
    shape = (len(run.ids), len(run.categories))
    if not run.logits.shape == run.targets.shape == run.ignored.shape == shape:
        raise ValueError("its scores, labels and images do not belong together")
    return run


def _texts(table: dict[str, object]) -> dict[str, str]:
    return {str(key): str(value) for key, value in table.items()}
