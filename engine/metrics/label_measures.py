"""What labelled images say of each label of a model: average precision, precision and recall."""

from __future__ import annotations

import math

import numpy as np

from engine.api.label_measures import LEAST_LIMITED, LEVEL, Estimate, LabelMeasure
from engine.metrics.bootstrap import BootstrapSettings, Interval, bootstrap_intervals
from engine.metrics.checks import BoolColumns, FloatColumns, finished, scored
from engine.metrics.decisions import Threshold, predicted_labels

#: The quantile of the normal distribution that belongs to ``LEVEL``.
_Z = 1.959964
_SETTINGS = BootstrapSettings(resamples=200, level=LEVEL)


def label_measures(
    scores: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None,
    threshold: Threshold,
    settings: BootstrapSettings = _SETTINGS,
) -> tuple[LabelMeasure, ...]:
    """One measure per category.

    Args:
        scores: (N, C), or logits, if the thresholds are on the same scale.
        targets: (N, C).
        ignored: (N, C); these entries do not count. ``None`` ignores nothing.
        threshold: from which on a score is a label; one for all or (C,).
        settings: of the intervals of average precision. Those of precision and recall are
            Wilson's (1927), which hold for few images and for shares near 0 and 1, too.

    Raises:
        ConfigError: the arrays or thresholds do not belong together.
        DataError: there are no images, or a score is NaN.
    """
    data = scored(scores, targets, ignored)
    intervals = finished(
        bootstrap_intervals(scores, targets, ignored, threshold=threshold, settings=settings)
    )
    given = predicted_labels(data.scores, threshold) & data.counted
    counts = (
        np.count_nonzero(cells, axis=0).tolist()
        for cells in (data.positives, given, given & data.positives)
    )
    return tuple(
        LabelMeasure(
            positives,
            _ranking(interval) if positives >= LEAST_LIMITED else None,
            wilson(hits, named) if positives else None,
            wilson(hits, positives),
        )
        for interval, positives, named, hits in zip(
            intervals.average_precision, *counts, strict=True
        )
    )


def wilson(hits: int, of: int) -> Estimate | None:
    """A share with Wilson's score interval of 95 %; ``None`` of nothing."""
    if not of:
        return None
    share, weight = hits / of, _Z * _Z / of
    middle = (share + weight / 2) / (1 + weight)
    reach = _Z * math.sqrt(share * (1 - share) / of + weight / (4 * of)) / (1 + weight)
    # Rounding may leave an end just inside a share of 0 or 1.
    low, high = min(middle - reach, share), max(middle + reach, share)
    return Estimate(share, max(0.0, low), min(1.0, high))


def _ranking(interval: Interval) -> Estimate | None:
    """Resamples may all lie on one side of what the images say as they are."""
    if math.isnan(interval.value):
        return None
    value, low, high = (
        min(1.0, max(0.0, number)) for number in (interval.value, interval.low, interval.high)
    )
    return Estimate(value, min(low, value), max(high, value))
