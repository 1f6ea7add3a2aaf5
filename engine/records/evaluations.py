"""Evaluations that were made, kept: they can be compared, and scored again without the model."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api.calibration import LogitScaling
from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.api.values import FloatArray
from engine.data.datasets.labelled import LabelledImages
from engine.metrics.pointing import MeterState
from engine.metrics.ranking import mean_average_precision
from engine.records.folders import RecordStore, open_arrays

#: Of a run's data set: what it says of the entries that are ignored (``LabelledImages``).
IGNORED_AS = "ignored as"
#: Where its labels are all known, and entries are ignored for lack of scores.
NO_SCORES = "without scores"
_SCORES, _PLACE, _MARKS = "scores.npz", "place.json", "marks.json"


@dataclass(frozen=True, slots=True)
class StoredFit:
    """What was fitted to a model's scores before and lies in its file, for a run's categories.

    Attributes:
        thresholds: in [0, 1], one per category; ``None`` if the file has none.
        calibration: of the scores; ``None`` if the file has none.
        thresholds_from: the images that they were learned from, for people; empty if unknown.
        calibration_from: likewise.
        is_in_sample: whether images that are measured were among those.
    """

    thresholds: tuple[float, ...] | None = None
    calibration: LogitScaling | None = None
    thresholds_from: str = ""
    calibration_from: str = ""
    is_in_sample: bool = False

    @classmethod
    def of(
        cls,
        thresholds: Sequence[float] | None,
        calibration: LogitScaling | None,
        places: Sequence[int],
    ) -> StoredFit:
        """Those of some of a model's categories.

        Args:
            thresholds: of all its categories.
            calibration: likewise.
            places: of the run's categories among them.
        """
        own = None if thresholds is None else tuple(thresholds[place] for place in places)
        if calibration is None:
            return cls(own)
        slopes = tuple(calibration.slopes[place] for place in places)
        offsets = tuple(calibration.offsets[place] for place in places)
        return cls(own, LogitScaling(slopes, offsets))


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
        logits: (N, C) float32, or float64 of other programs' scores; their sigmoid is the score.
        targets: (N, C) bool.
        ignored: (N, C) bool.
        failed: id and reason of each image that could not be read.
        problems: what was left out of the data set, one sentence each.
        localisation: what the maps point at; ``None`` if there were no boxes.
        stored: thresholds and calibration of the model's file; ``None`` if nobody noted them.
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
    stored: StoredFit | None = None

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


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """A kept run in a line.

    Attributes:
        model: its name.
        dataset: its name.
        date: ISO 8601, in UTC.
        num_images: that were read.
        mean_average_precision: 0 to 1; NaN if nothing can be said.
        rate_per_s: images per second; 0 if nobody noted it.
        note: of the person.
    """

    model: str
    dataset: str
    date: str
    num_images: int
    mean_average_precision: float
    rate_per_s: float
    note: str = ""


@dataclass(frozen=True, slots=True, order=True)
class LabelMark:
    """A label of the data set that a person holds for wrong.

    Attributes:
        sample: the image's id in the run.
        category: name of the label's category.
        is_label: what the data set says: the image has the category, or has not.
    """

    sample: str
    category: str
    is_label: bool


class EvaluationStore(RecordStore[EvaluationSummary]):
    """The kept runs, and what a person says of each: a note, where its images lie, wrong labels.

    The numbers of a run do not change, so each is summed up only once. ``path`` is always the
    folder of one run; ``find`` gives it.

    Args:
        root: where they lie, made when first needed; ``None`` takes the person's own data.
    """

    noun = "evaluation run"
    place = "evaluations"
    names = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")
    version = ("format", 1)

    def __init__(self, root: Path | None = None) -> None:
        super().__init__(root)
        self._known: dict[Path, EvaluationSummary] = {}

    def save(self, run: EvaluationRun, images: Path | None = None) -> Path:
        """Keep a run, and where its images lie on this machine; that is no part of the run itself.

        Args:
            run: what was found.
            images: the folder of the data set; ``None`` notes none.

        Returns:
            The run's own folder.

        Raises:
            DataError: it cannot be written.
        """
        arrays = {"logits": run.logits, "targets": run.targets, "ignored": run.ignored}
        folder = self.root / run.id
        self._keep(folder, _description(run), _SCORES, arrays)
        if images is not None:
            self.set_images(folder, images)
        return folder

    def load(self, path: Path) -> EvaluationRun:
        """A whole run.

        Raises:
            DataError: there is none, or it is damaged.
        """
        with self._reading(path), open_arrays(path / _SCORES) as arrays:
            return _run(self._described(path), arrays)

    def find(self, name: str) -> Path:
        """A run by its ``name``: its id, the beginning of it, its folder, or ``last``.

        Raises:
            DataError: there is none, or more than one.
        """
        if (Path(name) / self.description).exists():
            return Path(name)
        runs = self.paths()
        found = runs[:1] if name == "last" else [run for run in runs if run.name.startswith(name)]
        if len(found) != 1:
            what = f"are {len(found)} evaluation runs" if found else "is no evaluation run"
            raise DataError(f"There {what} called {name!r}; 'csra runs list' shows all.")
        return found[0]

    def images(self, path: Path) -> Path | None:
        """Where the images of a run lay; ``None`` if nobody noted it. Raises nothing."""
        root = self._beside(path, _PLACE).get("root")
        return Path(root) if isinstance(root, str) and root else None

    def set_images(self, path: Path, root: Path) -> None:
        """Note that the images of a run lie in the folder ``root``.

        Raises:
            DataError: it cannot be written.
        """
        self._change(path, _PLACE, root=str(root.absolute()))

    def marks(self, path: Path) -> frozenset[LabelMark]:
        """Which labels of a run's data set a person holds for wrong. Raises nothing."""
        rows = self._beside(path, _MARKS).get("wrong labels")
        return frozenset(
            LabelMark(str(row[0]), str(row[1]), bool(row[2]))
            for row in (rows if isinstance(rows, list) else ())
            if isinstance(row, list) and len(row) == 3
        )

    def set_marks(self, path: Path, marks: frozenset[LabelMark]) -> None:
        """Keep ``marks`` as the labels that a person holds for wrong, instead of those before.

        Raises:
            DataError: they cannot be written.
        """
        rows = [[mark.sample, mark.category, mark.is_label] for mark in sorted(marks)]
        self._change(path, _MARKS, **{"wrong labels": rows})

    def _parse(self, path: Path) -> EvaluationSummary:
        if path not in self._known:
            self._known[path] = _summary(self.load(path))
        return replace(self._known[path], note=self._note(path))


def _summary(run: EvaluationRun) -> EvaluationSummary:
    try:
        rate = float(run.settings.get("images per second", ""))
    except ValueError:
        rate = 0.0
    return EvaluationSummary(
        run.model.get("name", ""),
        run.dataset.get("name", ""),
        run.date,
        len(run.ids),
        float(mean_average_precision(run.logits, run.targets, run.ignored)),
        rate,
    )


def _description(run: EvaluationRun) -> dict[str, object]:
    return {
        "model": dict(run.model),
        "dataset": dict(run.dataset),
        "settings": dict(run.settings),
        "date": run.date,
        "categories": list(run.categories),
        "ids": list(run.ids),
        "failed": [list(item) for item in run.failed],
        "problems": list(run.problems),
        "localisation": run.localisation,
        "stored": None if run.stored is None else _stored_description(run.stored),
    }


def _stored_description(stored: StoredFit) -> dict[str, object]:
    calibration = stored.calibration
    return {
        "thresholds": None if stored.thresholds is None else list(stored.thresholds),
        "calibration": None if calibration is None else calibration.as_dict(),
        "thresholds from": stored.thresholds_from,
        "calibration from": stored.calibration_from,
        "is in sample": stored.is_in_sample,
    }


def _run(body: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> EvaluationRun:
    run = EvaluationRun(
        model=_texts(body["model"]),
        dataset=_texts(body["dataset"]),
        settings=_texts(body["settings"]),
        date=datetime.fromisoformat(body["date"]).isoformat(timespec="seconds"),
        categories=Categories(tuple(body["categories"])),
        ids=tuple(str(name) for name in body["ids"]),
        logits=_floats(arrays["logits"]),
        targets=arrays["targets"].astype(np.bool_),
        ignored=arrays["ignored"].astype(np.bool_),
        failed=tuple((str(name), str(reason)) for name, reason in body["failed"]),
        problems=tuple(str(problem) for problem in body["problems"]),
        localisation=body["localisation"],
        stored=_stored(body.get("stored"), len(body["categories"])),
    )
    shape = (len(run.ids), len(run.categories))
    if not run.logits.shape == run.targets.shape == run.ignored.shape == shape:
        raise ValueError("its scores, labels and images do not belong together")
    return run


def _floats(logits: NDArray[Any]) -> FloatArray:
    return logits if logits.dtype == np.float64 else logits.astype(np.float32)


def _stored(body: dict[str, Any] | None, count: int) -> StoredFit | None:
    """Nothing for a run of a program that noted nothing of it."""
    if body is None:
        return None
    thresholds, scaling = body["thresholds"], body["calibration"]
    calibration = None
    if scaling is not None:
        calibration = LogitScaling(tuple(scaling["slopes"]), tuple(scaling["offsets"]))
    lengths = {
        *(() if thresholds is None else (len(thresholds),)),
        *(() if calibration is None else (len(calibration.slopes),)),
    }
    if lengths - {count}:
        raise ValueError("its thresholds or its calibration are of other categories")
    return StoredFit(
        None if thresholds is None else tuple(float(value) for value in thresholds),
        calibration,
        str(body["thresholds from"]),
        str(body["calibration from"]),
        bool(body["is in sample"]),
    )


def _texts(table: dict[str, object]) -> dict[str, str]:
    return {str(key): str(value) for key, value in table.items()}
