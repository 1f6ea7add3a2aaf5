"""Average precision, in the four definitions that are in use: pure NumPy.

They differ by points, so a number says nothing without its definition. The multi-label literature
since ML-GCN prints the non-interpolated one, and so does ``average_precision``.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engine.metrics.checks import BoolColumns, FloatColumns, defined_mean, scored

_ELEVEN = np.arange(11)


class ApKind(StrEnum):
    """How the points of a precision–recall curve become one number.

    NON_INTERPOLATED: the mean of precision at each positive's rank; equal scores keep the order
        of the images. What the paper prints.
    TIES_COLLAPSED: the same, but equal scores are one threshold, so that the order of the images
        does not matter (what scikit-learn and torchmetrics compute).
    INTERPOLATED: precision is replaced by the best one at that recall or a higher one (VOC from
        2010 on).
    ELEVEN_POINT: the mean of that best precision at recall 0, 0.1, …, 1 (VOC until 2009).
    """

    NON_INTERPOLATED = "non-interpolated"
    TIES_COLLAPSED = "ties collapsed"
    INTERPOLATED = "interpolated"
    ELEVEN_POINT = "11-point"


def average_precision(
    scores: FloatColumns, targets: BoolColumns, ignored: BoolColumns | None = None
) -> NDArray[np.float64]:
    """The average precision of each category: the mean of precision at each positive's rank.

    This is the non-interpolated area that the multi-label literature prints, not VOC's 11-point
    or interpolated one. Equal scores keep the order of the images.

    Args:
        scores: (N, C); logits or scores in float32 or 64 (rounded ones make ties).
        targets: (N, C).
        ignored: (N, C); these entries do not count. ``None`` ignores nothing.

    Returns:
        (C,); NaN for a category without positives, and for one whose ignored entries leave no
        negatives: any order of its images would be perfect.

    Raises:
        ConfigError: the arrays do not belong together.
        DataError: a score is NaN.
    """
    return average_precisions(scores, targets, ignored, (ApKind.NON_INTERPOLATED,))[
        ApKind.NON_INTERPOLATED
    ]


def mean_average_precision(
    scores: FloatColumns, targets: BoolColumns, ignored: BoolColumns | None = None
) -> float:
    """The mean of ``average_precision`` over the categories that have one, 0 to 1.

    NaN if no category has.

    Args:
        scores: (N, C); logits or scores in float32 or 64 (rounded ones make ties).
        targets: (N, C).
        ignored: (N, C); these entries do not count. ``None`` ignores nothing.

    Raises:
        ConfigError: the arrays do not belong together.
        DataError: a score is NaN.
    """
    return defined_mean(average_precision(scores, targets, ignored))


def average_precisions(
    scores: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    kinds: tuple[ApKind, ...] = tuple(ApKind),
) -> dict[ApKind, NDArray[np.float64]]:
    """Average precision of each category in several definitions, from one sorting.

    Args and errors as in ``average_precision``.

    Returns:
        For each kind (C,); NaN as in ``average_precision``.
    """
    data = scored(scores, targets, ignored)
    count = data.scores.shape[1]
    result = {kind: np.full(count, np.nan) for kind in kinds}
    for category in np.flatnonzero(data.ranks).tolist():
        counted = ~data.ignored[:, category]
        falling = -data.scores[counted, category]
        order = np.argsort(falling, kind="stable")
        ranks = np.flatnonzero(data.targets[counted, category][order]) + 1
        for kind in kinds:
            ends = ranks
            if kind is ApKind.TIES_COLLAPSED:
                ordered = falling[order]
                ends = np.searchsorted(ordered, ordered[ranks - 1], side="right")
            result[kind][category] = _area(kind, ranks, ends)
    return result


def _area(kind: ApKind, ranks: NDArray[np.intp], ends: NDArray[np.intp]) -> float:
    """Average precision from where the positives are.

    Args:
        kind: the definition.
        ranks: of the positives, from 1, rising.
        ends: how many entries have a score at least as high as each positive's; the same as
            ``ranks`` if ties are to keep their order.
    """
    if kind is ApKind.TIES_COLLAPSED:
        found = np.searchsorted(ranks, ends, side="right")
    else:
        found = np.arange(1, len(ranks) + 1)
    precision = found / ends
    if kind in (ApKind.NON_INTERPOLATED, ApKind.TIES_COLLAPSED):
        return float(precision.mean())
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    if kind is ApKind.INTERPOLATED:
        return float(best_from_here.mean())
    # The first positive with recall >= t / 10, in whole numbers: 0.1 has no exact float.
    needed = np.maximum(1, -(-_ELEVEN * len(ranks) // 10))
    return float(best_from_here[needed - 1].mean())
