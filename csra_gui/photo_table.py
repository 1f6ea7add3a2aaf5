"""The photos that are open and what the model said of each: plain values, no Qt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np

from engine.values import FloatArray

_FIRST_CHUNK = 1024
#: Models whose scores are kept.
KEPT_MODELS = 4


@dataclass(frozen=True, slots=True)
class ScoredLabel:
    """A label to show: the category's index and name, and its score in [0, 1]."""

    index: int
    category: str
    score: float


@dataclass(slots=True)
class _Results:
    """What one model said: (N, C) float32 scores, NaN where it has not yet, and errors by row."""

    categories: Sequence[str]
    scores: FloatArray
    errors: dict[int, str] = field(default_factory=dict)


class PhotoTable:
    """Paths in the order they were found, a row of scores for each, and what went wrong.

    Scores are one (N, C) float32 array per model, grown by doubling. Those of the models used
    last are kept, so that going back to one costs nothing.
    """

    def __init__(self) -> None:
        self._paths: list[Path] = []
        self._rows: dict[Path, int] = {}
        self._kept: OrderedDict[str, _Results] = OrderedDict()
        self._now = _Results((), _no_scores(0, 0))

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def paths(self) -> Sequence[Path]:
        """All photos, in order."""
        return self._paths

    @property
    def errors(self) -> Mapping[int, str]:
        """What went wrong, by row; a view that changes with the table."""
        return MappingProxyType(self._now.errors)

    @property
    def scores(self) -> FloatArray:
        """(N, C) float32; a row of NaN is a photo that is not tagged yet."""
        return self._now.scores[: len(self._paths)]

    def clear(self) -> None:
        """Forget every photo; the categories stay."""
        self._paths.clear()
        self._rows.clear()
        for results in (self._now, *self._kept.values()):
            results.errors.clear()
            results.scores = _no_scores(0, len(results.categories))

    def use_model(self, model_id: str, categories: Sequence[str]) -> None:
        """Show what another model said; nothing yet if it was not used lately."""
        if model_id not in self._kept:
            self._kept[model_id] = _Results(categories, _no_scores(0, len(categories)))
        self._kept.move_to_end(model_id)
        while len(self._kept) > KEPT_MODELS:
            self._kept.popitem(last=False)
        self._now = self._kept[model_id]
        self._make_room()

    def add(self, paths: Iterable[Path]) -> tuple[int, int]:
        """Append the photos that are not there yet; the half-open range of their rows."""
        first = len(self._paths)
        for path in paths:
            if path not in self._rows:
                self._rows[path] = len(self._paths)
                self._paths.append(path)
        self._make_room()
        return first, len(self._paths)

    def row_of(self, path: Path) -> int | None:
        """Where a photo is, or ``None``."""
        return self._rows.get(path)

    def set_scores(self, row: int, scores: FloatArray) -> None:
        """Store one photo's scores, (C,), and forget its error."""
        self._now.scores[row] = scores
        self._now.errors.pop(row, None)

    def set_error(self, row: int, message: str) -> None:
        """Mark a photo as one that cannot be read."""
        self._now.errors[row] = message

    def error(self, row: int) -> str | None:
        """What went wrong with a photo, or ``None``."""
        return self._now.errors.get(row)

    def is_tagged(self, row: int) -> bool:
        """Whether the photo has scores."""
        return bool(self._now.scores.shape[1]) and not bool(np.isnan(self._now.scores[row, 0]))

    def tagged_count(self) -> int:
        """How many photos have scores."""
        scores = self.scores
        return int(np.count_nonzero(~np.isnan(scores[:, 0]))) if scores.shape[1] else 0

    def untagged_rows(self) -> list[int]:
        """Photos that have neither scores nor an error, in order."""
        scores = self.scores
        missing = np.flatnonzero(np.isnan(scores[:, 0])) if scores.shape[1] else range(len(self))
        return [int(row) for row in missing if int(row) not in self._now.errors]

    def forget_results(self) -> None:
        """Make every photo untagged again."""
        self._now.scores[:] = np.nan
        self._now.errors.clear()

    def row_scores(self, row: int) -> FloatArray | None:
        """(C,) scores of one photo, or ``None`` while it has none."""
        return self._now.scores[row] if self.is_tagged(row) else None

    def labels(self, row: int, threshold: float | FloatArray) -> list[ScoredLabel]:
        """The categories of a photo whose score reaches the threshold, best first.

        Args:
            row: of the photo.
            threshold: one for all, or (C,).
        """
        scores = self.row_scores(row)
        if scores is None:
            return []
        above = np.flatnonzero(scores >= np.asarray(threshold, dtype=np.float32))
        ranked = above[np.argsort(-scores[above], kind="stable")]
        return [ScoredLabel(int(i), self._now.categories[i], float(scores[i])) for i in ranked]

    def _make_room(self) -> None:
        results = self._now
        needed, have = len(self._paths), len(results.scores)
        if needed <= have:
            return
        grown = _no_scores(max(needed, 2 * have, _FIRST_CHUNK), len(results.categories))
        grown[:have] = results.scores
        results.scores = grown


def _no_scores(rows: int, columns: int) -> FloatArray:
    return np.full((rows, columns), np.nan, dtype=np.float32)
