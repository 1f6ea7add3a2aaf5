"""How good scores are: pure NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatColumns = NDArray[np.floating]


def average_precision(
    scores: FloatColumns, targets: NDArray[np.bool_], ignored: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """The average precision of each category: the mean of precision at each positive's rank.

    This is the non-interpolated area that the multi-label literature prints, not VOC's 11-point
    or interpolated one. Equal scores keep the order of the images.

    Args:
        scores: (N, C); logits or scores in float32 or 64 (rounded ones make ties).
        targets: (N, C).
        ignored: (N, C); these entries do not count. ``None`` ignores nothing.

    Returns:
        (C,); NaN for a category without positives.
    """
    result = np.full(scores.shape[1], np.nan)
    for category in range(scores.shape[1]):
        counted = slice(None) if ignored is None else ~ignored[:, category]
        column, truth = scores[counted, category], targets[counted, category]
        hits = truth[np.argsort(-column, kind="stable")]
        if hits.any():
            precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
            result[category] = precision[hits].mean()
    return result


def mean_average_precision(
    scores: FloatColumns, targets: NDArray[np.bool_], ignored: NDArray[np.bool_] | None = None
) -> float:
    """The mean of ``average_precision`` over the categories that have positives, 0 to 1."""
    return float(np.nanmean(average_precision(scores, targets, ignored)))
