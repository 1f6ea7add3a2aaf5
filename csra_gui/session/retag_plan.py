"""Tagging again: what is wanted, and what came out of it before it counts. Plain values, no Qt."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from engine.api.values import FloatArray
from engine.library.columns import BoolArray, Columns, IntArray, reach
from engine.library.predictions import HalfArray


class RetagMode(StrEnum):
    """What happens to photos that have labels: nothing, more labels, or labels made anew."""

    SKIP = "skip"
    UPDATE = "update"
    REPLACE = "replace"


@dataclass(frozen=True)
class RetagPlan:
    """What the person wants.

    Attributes:
        mode: for photos that have labels.
        source: the model's name or file; ``None`` is the one in use.
        folders: which of the open folders; ``None`` for all.
    """

    mode: RetagMode
    source: str | None = None
    folders: tuple[str, ...] | None = None


@dataclass(frozen=True)
class CategoryChange:
    """How many photos would gain and lose a label, and whether it can be left as it is."""

    category: str
    gained: int
    lost: int
    can_stay: bool


@dataclass(frozen=True, eq=False)
class Difference:
    """What tagging again would change: the machine's labels of photos, before and after.

    Labels that the person has decided on are not in it: nothing changes them.

    Attributes:
        rows: (M,) photos of the table.
        categories: of the new model, then those only the old one knows (K in all).
        known: how many are the new model's (C).
        scores: (M, C) float16, of the new model.
        old_scores: (M, C) float16 in the same order, of the old one; NaN where it said nothing.
        gained: (M, K) labels that would come.
        lost: (M, K) labels that would go.
        errors: what went wrong with photos, by row.
    """

    rows: IntArray
    categories: tuple[str, ...]
    known: int
    scores: HalfArray
    old_scores: HalfArray
    gained: BoolArray
    lost: BoolArray
    errors: dict[int, str]

    @property
    def changed_photos(self) -> int:
        """How many photos would have other labels."""
        return int(np.count_nonzero((self.gained | self.lost).any(axis=1)))

    def changes(self) -> list[CategoryChange]:
        """The categories that change anything, the most changes first."""
        gained = np.count_nonzero(self.gained, axis=0).tolist()
        lost = np.count_nonzero(self.lost, axis=0).tolist()
        found = [
            CategoryChange(category, gained[i], lost[i], i < self.known)
            for i, category in enumerate(self.categories)
            if gained[i] or lost[i]
        ]
        return sorted(found, key=lambda change: -(change.gained + change.lost))

    def photos(self, category: str) -> tuple[IntArray, IntArray]:
        """The rows that would gain a label, and those that would lose it."""
        place = self.categories.index(category)
        return self.rows[self.gained[:, place]], self.rows[self.lost[:, place]]

    def accepted_scores(self, categories: Collection[str]) -> HalfArray:
        """(M, C) float16: the new scores of some categories; of others, what was there before."""
        taken = np.array([c in categories for c in self.categories[: self.known]], dtype=bool)
        before = np.nan_to_num(self.old_scores, nan=0.0)  # never tagged: no label
        # A label of a category without changes is the same either way: it gets the new score.
        still = np.count_nonzero(self.gained | self.lost, axis=0)[: self.known] == 0
        scores: HalfArray = np.where(taken | still, self.scores, before).astype(np.float16)
        return scores


@dataclass(frozen=True, eq=False)
class Retagged:
    """What a model said of photos again: rows of the table, and for each its scores.

    Attributes:
        rows: (M,) photos that have scores.
        scores: (M, C) float16.
        errors: what went wrong with others, by row.
        categories: of the model, as labels are called.
        thresholds: (C,) at which its scores are labels.
    """

    rows: IntArray
    scores: HalfArray
    errors: dict[int, str]
    categories: tuple[str, ...]
    thresholds: FloatArray


def difference(
    before: Columns, thresholds: FloatArray, after: Retagged, mode: RetagMode
) -> Difference:
    """What would change if the new scores counted.

    Args:
        before: all photos with what counts now.
        thresholds: (C of the old model,) at which its scores are labels.
        after: what was said now.
        mode: ``UPDATE`` keeps labels that the model no longer gives.
    """
    names = tuple(dict.fromkeys((*after.categories, *before.categories)))
    place = {name: i for i, name in enumerate(names)}
    rows, known = after.rows, len(after.categories)
    old_scores = np.full((len(rows), len(names)), np.nan, dtype=np.float16)
    old = np.zeros((len(rows), len(names)), dtype=bool)
    said = np.zeros((len(rows), len(names)), dtype=bool)
    old_places = [place[name] for name in before.categories]
    model_places = old_places[: before.model_categories]
    old_scores[:, model_places] = before.scores[rows]
    old[:, model_places] = reach(np.ascontiguousarray(before.scores[rows]), thresholds)
    said[:, old_places] = before.verdicts[rows] > 0
    scores = after.scores
    if mode is RetagMode.UPDATE:
        scores = np.fmax(scores, old_scores[:, :known])
    new = np.zeros_like(old)
    new[:, :known] = reach(np.ascontiguousarray(scores), after.thresholds)
    return Difference(
        rows,
        names,
        known,
        scores,
        old_scores[:, :known],
        new & ~old & ~said,
        old & ~new & ~said,
        after.errors,
    )
