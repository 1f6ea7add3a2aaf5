"""What the person decided on photos, as a data set: to learn from, and to measure a model by."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.api.training import LabelSource
from engine.api.values import ModelInfo
from engine.library.columns import VERDICT_CODES, Columns
from engine.library.values import Verdict
from engine.records.evaluations import EvaluationRun, StoredFit, now

#: The kind of data set of an evaluation by decisions.
DECISIONS = "decisions"
_POSITIVE = [
    VERDICT_CODES[verdict] for verdict in (Verdict.ACCEPTED, Verdict.ADDED, Verdict.IMPORTED)
]
_NOBODY_ASKED = (
    "Only labels that you accepted, rejected, added or imported count; on all others nobody can "
    "say. You "
    "mostly decide on labels that the model gave, so it looks better here than on images that "
    "were labelled without it."
)
_COMPLETE = "Said to be complete, so that photos without the label count as without: {}."
_HALF_PRECISION = "Scores are kept in half precision; very high ones are alike."


@dataclass(frozen=True, eq=False)
class DecidedLabels:
    """All photos of which something was said.

    Accepted, added and imported labels are there, rejected ones are certainly not, and nothing is
    known of all others.

    Attributes:
        categories: K names.
        rows: (N,) of the photo table.
        targets: (N, K) bool; false where nothing is known.
        known: (N, K) bool.
    """

    categories: tuple[str, ...]
    rows: NDArray[np.intp]
    targets: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @property
    def yes(self) -> int:
        """How many labels are certainly there."""
        return int(self.targets.sum())

    @property
    def no(self) -> int:
        """How many certainly not."""
        return int((~self.targets & self.known).sum())

    def source(self, paths: Sequence[Path]) -> LabelSource:
        """As data for a training of its own; categories that no photo has are left out.

        Args:
            paths: of the photo table.

        Raises:
            DataError: no label is certainly there.
        """
        used = np.flatnonzero(self.targets.any(axis=0))
        if not used.size:
            raise DataError("Accept or add some labels first; a model learns from them.")
        rows = np.flatnonzero(self.known[:, used].any(axis=1))
        return LabelSource(
            name="my labels",
            categories=Categories(tuple(self.categories[int(place)] for place in used)),
            paths=tuple(paths[int(row)] for row in self.rows[rows]),
            targets=self.targets[np.ix_(rows, used)],
            ignored=~self.known[np.ix_(rows, used)],
        )


def decided_labels(columns: Columns, model: Categories | None = None) -> DecidedLabels:
    """Everything that was said of the open photos that can be read.

    Args:
        columns: of the photos.
        model: the categories of the model whose scores are in the columns: only what is said of
            them counts, and they have the names that the model gives them.
    """
    number = len(columns.categories) if model is None else columns.model_categories
    verdicts = columns.verdicts[:, :number]
    rows = np.flatnonzero(verdicts.any(axis=1) & ~columns.failed)
    said = verdicts[rows]
    names = tuple(columns.categories if model is None else model)
    return DecidedLabels(names, rows, np.isin(said, _POSITIVE), said != 0)


@dataclass(frozen=True, slots=True)
class DecidedCategory:
    """A category of a model of which something was said.

    Attributes:
        name: as the model calls it.
        given: how many photos have it, by what was said.
        imported: how many of these have it from a file alone.
    """

    name: str
    given: int
    imported: int


def decided_categories(columns: Columns, model: Categories) -> tuple[DecidedCategory, ...]:
    """The categories that photos were given or that were imported, as a model calls them."""
    verdicts = columns.verdicts[:, : columns.model_categories]
    given = np.count_nonzero(np.isin(verdicts, _POSITIVE), axis=0).tolist()
    imported = np.count_nonzero(verdicts == VERDICT_CODES[Verdict.IMPORTED], axis=0).tolist()
    found = zip(model, given, imported, strict=True)
    return tuple(DecidedCategory(*one) for one in found if one[1])


def _with_absent(said: DecidedLabels, columns: Columns, complete: Collection[str]) -> DecidedLabels:
    """The same, but photos that nothing is said of do not have what is complete."""
    places = [place for place, name in enumerate(said.categories) if name in complete]
    if not places:
        return said
    rows = np.flatnonzero(~columns.failed)
    targets = np.zeros((len(rows), len(said.categories)), dtype=np.bool_)
    known = np.zeros_like(targets)
    where = np.searchsorted(rows, said.rows)
    targets[where], known[where] = said.targets, said.known
    known[:, places] = True
    return DecidedLabels(said.categories, rows, targets, known)


def decided_run(
    columns: Columns, model: ModelInfo, complete: Collection[str] = ()
) -> tuple[EvaluationRun, Path]:
    """The model's stored scores beside the person's decisions, and the folder that ids begin at.

    Args:
        columns: of the photos, with the scores of this model.
        model: whose scores they are.
        complete: categories, as the model calls them, of which the person says that every photo
            has the label that shows it; of all others nothing is known where nothing was said.

    Raises:
        DataError: there is no decision on a photo that has scores.
    """
    said = _with_absent(decided_labels(columns, model.categories), columns, complete)
    tagged = np.flatnonzero(columns.tagged[said.rows])
    rows, places = said.rows[tagged], np.flatnonzero(said.known[tagged].any(axis=0))
    if not len(rows):
        raise DataError(
            "You have not accepted, rejected or added a label of a photo that is tagged yet. Do "
            "so with some photos; then the model can be measured by what you said."
        )
    root, ids = _ids(columns, rows)
    categories = Categories(tuple(said.categories[place] for place in places.tolist()))
    known = [model.categories.index_of(name) for name in categories]
    run = EvaluationRun(
        model={"name": model.full_name, "id": model.id, "backbone": model.backbone},
        dataset={"name": f"My decisions, {len(rows):,} photos", "kind": DECISIONS, "split": "all"},
        settings={},
        date=now(),
        categories=categories,
        ids=ids,
        logits=_logits(columns.scores[np.ix_(rows, places)]),
        targets=said.targets[np.ix_(tagged, places)],
        ignored=~said.known[np.ix_(tagged, places)],
        problems=(
            *((_COMPLETE.format(", ".join(sorted(complete))),) if complete else ()),
            _NOBODY_ASKED,
            _HALF_PRECISION,
        ),
        stored=StoredFit.of(model.thresholds, model.calibration, known),
    )
    return run, root


def _ids(columns: Columns, rows: NDArray[np.intp]) -> tuple[Path, tuple[str, ...]]:
    folders = [columns.folders[int(place)] for place in columns.folder_of[rows]]
    share_a_root = len({Path(folder).anchor for folder in folders}) == 1
    root = os.path.commonpath(folders) if share_a_root else ""
    paths = [
        os.path.join(folder, columns.names[int(row)])  # noqa: PTH118  # texts, a hundred thousand
        for folder, row in zip(folders, rows, strict=True)
    ]
    return Path(root), tuple(os.path.relpath(path, root) if root else path for path in paths)


def _logits(scores: NDArray[np.float16]) -> NDArray[np.float32]:
    # Half floats next to 0 and 1 would become infinite.
    values = np.clip(scores.astype(np.float64), 2.0**-24, 1.0 - 2.0**-11)
    return (np.log(values) - np.log1p(-values)).astype(np.float32)
