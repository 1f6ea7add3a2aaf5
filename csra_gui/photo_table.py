"""The photos that are open and what the model said of each: plain values, no Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from engine.values import FloatArray

_FIRST_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class ScoredLabel:
    """A label to show: the category's index and name, and its score in [0, 1]."""

    index: int
    category: str
    score: float


class PhotoTable:
    """Paths in the order they were found, a row of scores for each, and what went wrong.

    Scores are one (N, C) float32 array, grown by doubling; NaN means not tagged yet.
    """

    def __init__(self) -> None:
        self._paths: list[Path] = []
        self._rows: dict[Path, int] = {}
        self._errors: dict[int, str] = {}
        self._categories: Sequence[str] = ()
        self._scores: FloatArray = np.empty((0, 0), dtype=np.float32)

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def paths(self) -> Sequence[Path]:
        """All photos, in order."""
        return self._paths

    @property
    def errors(self) -> Mapping[int, str]:
        """What went wrong, by row; a view that changes with the table."""
        return MappingProxyType(self._errors)

    @property
    def scores(self) -> FloatArray:
        """(N, C) float32; a row of NaN is a photo that is not tagged yet."""
        return self._scores[: len(self._paths)]

    def clear(self) -> None:
        """Forget every photo; the categories stay."""
        self._paths.clear()
        self._rows.clear()
        self._errors.clear()
        self._scores = np.empty((0, len(self._categories)), dtype=np.float32)

    def set_categories(self, categories: Sequence[str]) -> None:
        """Use another model's categories; all scores and errors are forgotten."""
        self._categories = categories
        self._errors.clear()
        self._scores = np.full((len(self._paths), len(categories)), np.nan, dtype=np.float32)

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
        self._scores[row] = scores
        self._errors.pop(row, None)

    def set_error(self, row: int, message: str) -> None:
        """Mark a photo as one that cannot be read."""
        self._errors[row] = message

    def error(self, row: int) -> str | None:
        """What went wrong with a photo, or ``None``."""
        return self._errors.get(row)

    def is_tagged(self, row: int) -> bool:
        """Whether the photo has scores."""
        return bool(self._scores.shape[1]) and not bool(np.isnan(self._scores[row, 0]))

    def tagged_count(self) -> int:
        """How many photos have scores."""
        scores = self.scores
        return int(np.count_nonzero(~np.isnan(scores[:, 0]))) if scores.shape[1] else 0

    def untagged_rows(self) -> list[int]:
        """Photos that have neither scores nor an error, in order."""
        scores = self.scores
        missing = np.flatnonzero(np.isnan(scores[:, 0])) if scores.shape[1] else range(len(self))
        return [int(row) for row in missing if int(row) not in self._errors]

    def forget_results(self) -> None:
        """Make every photo untagged again."""
        self._scores[:] = np.nan
        self._errors.clear()

    def row_scores(self, row: int) -> FloatArray | None:
        """(C,) scores of one photo, or ``None`` while it has none."""
        return self._scores[row] if self.is_tagged(row) else None

    def labels(self, row: int, threshold: float) -> list[ScoredLabel]:
        """The categories of a photo whose score reaches the threshold, best first."""
        scores = self.row_scores(row)
        if scores is None:
            return []
        above = np.flatnonzero(scores >= np.float32(threshold))
        ranked = above[np.argsort(-scores[above], kind="stable")]
        return [ScoredLabel(int(i), self._categories[i], float(scores[i])) for i in ranked]

    def _make_room(self) -> None:
        needed, have = len(self._paths), len(self._scores)
        if needed <= have:
            return
        grown = np.full(
            (max(needed, 2 * have, _FIRST_CHUNK), len(self._categories)), np.nan, dtype=np.float32
        )
        grown[:have] = self._scores
        self._scores = grown
