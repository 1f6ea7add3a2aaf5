"""Evaluations that were stopped before their end: what they found, to go on from there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import DataError
from engine.api.values import FloatArray
from engine.atomic import atomic_path
from engine.metrics.pointing import MeterState
from engine.records.runs import runs_folder

_FORMAT = 1
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
_FILE = re.compile(r"[0-9a-f]{16}\.npz")


@dataclass(frozen=True, eq=False)
class UnfinishedRun:
    """What was found before an evaluation was stopped.

    Attributes:
        key: see ``unfinished_key``.
        facts: what was asked for, as texts: model, dataset, root, split and so on.
        total: images in all.
        rows: (K,) which images of the data set were read.
        logits: (K, C) float32.
        failed: row and reason of each image that could not be read.
        localisation: what the maps point at; ``None`` if there were no boxes.
    """

    key: str
    facts: Mapping[str, str]
    total: int
    rows: NDArray[np.int64]
    logits: FloatArray
    failed: tuple[tuple[int, str], ...]
    localisation: MeterState | None

    @property
    def done(self) -> int:
        """Images that need not be looked at again."""
        return len(self.rows) + len(self.failed)


def unfinished_key(*parts: object) -> str:
    """A name for everything that must be the same for results to be put together."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:16]


def unfinished_folder() -> Path:
    """Where they are kept, in the person's own data."""
    return runs_folder() / "unfinished"


def save_unfinished(run: UnfinishedRun, folder: Path) -> None:
    """Keep what was found, in place of what was kept under the same key.

    Raises:
        DataError: it cannot be written.
    """
    facts = {
        "format": _FORMAT,
        "facts": dict(run.facts),
        "total": run.total,
        "failed": [list(item) for item in run.failed],
        "localisation": run.localisation,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(_path(run.key, folder)) as temporary, temporary.open("wb") as file:
            np.savez(file, rows=run.rows, logits=run.logits, facts=np.array(json.dumps(facts)))
    except OSError as error:
        raise DataError(
            f"The results so far could not be kept in {folder}: {error.strerror}."
        ) from error


def load_unfinished(key: str, folder: Path) -> UnfinishedRun | None:
    """What was found under a key; ``None`` if there is nothing, or nothing that can be read."""
    try:
        # Opened here: if the archive is damaged, numpy forgets to close what it opened itself.
        with (
            _path(key, folder).open("rb") as file,
            np.load(file, allow_pickle=False) as arrays,
        ):
            return _parse(key, json.loads(str(arrays["facts"])), arrays)
    except _DAMAGE:
        return None  # doing it again is no harm


def list_unfinished(folder: Path) -> list[UnfinishedRun]:
    """All that can be gone on with, the one stopped last first."""
    if not folder.is_dir():
        return []
    files = [path for path in folder.iterdir() if _FILE.fullmatch(path.name)]
    files.sort(key=lambda path: -path.stat().st_mtime_ns)
    found = (load_unfinished(path.stem, folder) for path in files)
    return [run for run in found if run is not None]


def forget_unfinished(key: str, folder: Path) -> None:
    """Delete what was found under a key; nothing there is no harm."""
    with contextlib.suppress(OSError):
        _path(key, folder).unlink(missing_ok=True)


def _path(key: str, folder: Path) -> Path:
    return folder / f"{key}.npz"


def _parse(key: str, body: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> UnfinishedRun:
    if body["format"] != _FORMAT:
        raise ValueError(f"format {body['format']}")
    rows, logits = arrays["rows"].astype(np.int64), arrays["logits"].astype(np.float32)
    failed = tuple((int(row), str(reason)) for row, reason in body["failed"])
    total = int(body["total"])
    places = [*rows.tolist(), *(row for row, _ in failed)]
    if logits.ndim != 2 or len(logits) != len(rows) or len(set(places)) != len(places):
        raise ValueError("its scores and images do not belong together")
    if places and not (min(places) >= 0 and max(places) < total):
        raise ValueError("it names images that do not exist")
    facts = {str(name): str(text) for name, text in body["facts"].items()}
    return UnfinishedRun(key, facts, total, rows, logits, failed, body["localisation"])
