"""What a what-if does to the labels: before and after, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.api.values import FloatArray, PositionScores
from engine.explain.evidence import activate, logits

_MOST = 12
#: A category that is no label is listed if its score moves by at least this much.
_NOTABLE = 0.02


@dataclass(frozen=True, slots=True)
class LabelChange:
    """One category before and after.

    Attributes:
        category: its index.
        name: of the category.
        before: the stored score.
        after: the score under the what-if.
        threshold: that both are compared with.
        is_silenced: nothing is left of it under the what-if, so ``after`` is 0 and says nothing.
    """

    category: int
    name: str
    before: float
    after: float
    threshold: float
    is_silenced: bool = False

    @property
    def was_label(self) -> bool:
        """Whether the stored score reaches the threshold."""
        return self.before >= self.threshold

    @property
    def is_label(self) -> bool:
        """Whether the score under the what-if does."""
        return self.after >= self.threshold


def label_changes(
    stored: PositionScores,
    now: PositionScores,
    categories: Sequence[str],
    thresholds: float | FloatArray,
) -> list[LabelChange]:
    """The labels before or after, and what else moved most; the highest stored score first.

    Args:
        stored: of the photo as it is.
        now: of the same photo and model under the what-if.
        categories: of the model, as labels are called.
        thresholds: one for all, or one per category.
    """
    before = activate(logits(stored), stored.activation)
    after = activate(logits(now), now.activation)
    least = np.broadcast_to(np.asarray(thresholds, dtype=np.float32), before.shape)
    is_label = (before >= least) | (after >= least)
    moved = np.abs(after - before)
    ranked = np.lexsort((-moved, ~is_label))  # labels first, then by how far they moved
    listed = [int(c) for c in ranked if is_label[c] or moved[c] >= _NOTABLE][:_MOST]
    rows = [
        LabelChange(
            *(c, categories[c], float(before[c]), float(after[c]), float(least[c])),
            is_silenced=c in now.silenced,
        )
        for c in listed
    ]
    return sorted(rows, key=lambda row: -row.before)
