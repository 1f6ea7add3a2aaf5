"""How far a number would move with other images: bootstrap intervals."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import ConfigError
from engine.api.values import DEFAULT_THRESHOLD
from engine.metrics.checks import (
    BoolColumns,
    FloatColumns,
    Scored,
    defined_mean,
    plain,
    require_images,
    scored,
)
from engine.metrics.decisions import Threshold, predicted_labels
from engine.metrics.ranking import average_precision

# So many that a block stays in a processor's cache; larger ones take more than twice as long.
_BLOCK_ENTRIES = 2**20


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with the range that resampled images give it.

    Attributes:
        value: measured on the images as they are, 0 to 1 for all that is measured here.
        low: lower end, 0 to 1 as well.
        high: upper end, 0 to 1 as well.
        level: the share of the resamples inside, for example 0.95.
    """

    value: float
    low: float
    high: float
    level: float

    def as_dict(self) -> dict[str, float | None]:
        """For JSON."""
        return {
            "value": plain(self.value),
            "low": plain(self.low),
            "high": plain(self.high),
            "level": self.level,
        }


@dataclass(frozen=True)
class Intervals:
    """Intervals of the numbers that are compared most.

    Attributes:
        mean_average_precision: non-interpolated.
        class_f1: CF1, ignored entries never count.
        overall_f1: OF1, ignored entries never count.
        average_precision: one per category; all NaN where ``average_precision`` is.
        resamples: how many were drawn.
        seed: of the draw.
    """

    mean_average_precision: Interval
    class_f1: Interval
    overall_f1: Interval
    average_precision: tuple[Interval, ...]
    resamples: int
    seed: int

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "mAP": self.mean_average_precision.as_dict(),
            "CF1": self.class_f1.as_dict(),
            "OF1": self.overall_f1.as_dict(),
            "AP": [interval.as_dict() for interval in self.average_precision],
            "resamples": self.resamples,
            "seed": self.seed,
        }


@dataclass(frozen=True, slots=True)
class BootstrapSettings:
    """How to resample.

    Attributes:
        resamples: how many sets of N images to draw from the N images, with replacement.
        level: the share of them that an interval holds.
        seed: of the draw; the same seed gives the same intervals.
    """

    resamples: int = 1000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 2:
            raise ConfigError("An interval needs at least 2 resamples.")
        if not 0.0 < self.level < 1.0:
            raise ConfigError("The level of an interval is between 0 and 1.")


DEFAULT_BOOTSTRAP = BootstrapSettings()


def bootstrap_intervals(
    scores: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    *,
    threshold: Threshold = DEFAULT_THRESHOLD,
    settings: BootstrapSettings = DEFAULT_BOOTSTRAP,
) -> Generator[None, None, Intervals]:
    """Percentile intervals from resampling whole images, so that labels stay together.

    In many small steps, after each of which it can be given up.

    A category without positives in a resample is left out of that resample's means. The thresholds
    are not tuned anew: intervals of thresholds tuned on the same images would be too narrow. So
    are, a little, those of average precision with only some two dozen positives per category.

    Args:
        scores: (N, C).
        targets: (N, C).
        ignored: (N, C); these entries do not count. ``None`` ignores nothing.
        threshold: of the labels that F1 is measured on; one for all or (C,).
        settings: how many resamples, which seed, which level.

    Raises:
        ConfigError: the arrays or thresholds do not belong together.
        DataError: there are no images, or a score is NaN.
    """
    data = scored(scores, targets, ignored)
    require_images(data)
    labels = predicted_labels(data.scores, threshold) & data.counted
    precisions, class_f1, overall_f1 = [], [], []
    for counts in draws(len(data.scores), settings):
        precisions.append((yield from weighted_average_precision(data, counts)))
        class_part, overall_part = _weighted_f1(data, labels, counts)
        class_f1.append(class_part)
        overall_f1.append(overall_part)
    by_category = np.concatenate(precisions)
    ones = np.ones((len(data.scores), 1), dtype=np.int32)
    class_value, overall_value = _weighted_f1(data, labels, ones)
    value = average_precision(data.scores, data.targets, data.ignored)

    def interval(value: float, resampled: NDArray[np.float64]) -> Interval:
        return percentile_interval(float(value), resampled, settings.level)

    return Intervals(
        mean_average_precision=interval(defined_mean(value), row_means(by_category)),
        class_f1=interval(class_value[0], np.concatenate(class_f1)),
        overall_f1=interval(overall_value[0], np.concatenate(overall_f1)),
        average_precision=tuple(map(interval, value.tolist(), by_category.T)),
        resamples=settings.resamples,
        seed=settings.seed,
    )


def percentile_interval(value: float, resampled: NDArray[np.float64], level: float) -> Interval:
    """The range that holds the middle of what resamples gave; NaN among them does not count.

    Args:
        value: measured on the images as they are.
        resampled: (B,).
        level: the share of the resamples inside.
    """
    defined = resampled[~np.isnan(resampled)]
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(defined, [tail, 1.0 - tail]) if defined.size else (np.nan, np.nan)
    return Interval(value, float(low), float(high), level)


def weighted_average_precision(
    data: Scored, counts: NDArray[np.int32]
) -> Generator[None, None, NDArray[np.float64]]:
    """Non-interpolated average precision of B resamples at once, each category sorted once.

    The copies of a positive that was drawn w times take w ranks in a row. With t entries and h
    positives before them, precision at the j-th copy is (h + j) / (t + j), and the sum over
    the copies is w + (h − t) · (H(t + w) − H(t)), with H the harmonic numbers.

    Args:
        data: N images, C categories.
        counts: (N, B), how often each resample holds each image.

    Returns:
        (B, C); NaN where the resample has no positive, and where ``average_precision`` is NaN.
    """
    harmonic = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, counts.sum(axis=0).max() + 1))])
    result = np.full((counts.shape[1], data.scores.shape[1]), np.nan)
    for category in np.flatnonzero(data.ranks):
        rows = np.flatnonzero(~data.ignored[:, category])
        rows = rows[np.argsort(-data.scores[rows, category], kind="stable")]
        at = np.flatnonzero(data.targets[rows, category])
        copies = counts[rows[at]]
        # Draws from after one positive up to and with the next; what follows the last one has no
        # influence on the precision of any.
        stretches = np.concatenate([[0], at[:-1] + 1])
        upto = np.cumsum(np.add.reduceat(counts[rows[: at[-1] + 1]], stretches, axis=0), axis=0)
        found = np.cumsum(copies, axis=0)
        before, found_before = upto - copies, found - copies
        sums = copies + (found_before - before) * (harmonic[upto] - harmonic[before])
        drawn = found[-1] > 0
        result[drawn, category] = sums.sum(axis=0)[drawn] / found[-1][drawn]
        yield
    return result


def _weighted_f1(
    data: Scored, labels: BoolColumns, counts: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """CF1 and OF1 of B resamples: (B,) each."""
    # Sums of at most N² small whole numbers: exact in float64, and BLAS is fast in it.
    weights = counts.T.astype(np.float64)
    predicted = weights @ labels.astype(np.float64)
    correct = weights @ (labels & data.positives).astype(np.float64)
    positives = weights @ data.positives.astype(np.float64)
    known = positives > 0
    precision = np.where(known, correct / np.maximum(predicted, 1.0), np.nan)
    recall = np.where(known, correct / np.maximum(positives, 1.0), np.nan)
    class_f1 = _f1(row_means(precision), row_means(recall))
    total = correct.sum(axis=1)
    overall_f1 = _f1(
        total / np.maximum(predicted.sum(axis=1), 1.0),
        np.where(known.any(axis=1), total / np.maximum(positives.sum(axis=1), 1.0), np.nan),
    )
    return class_f1, overall_f1


def _f1(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> NDArray[np.float64]:
    both = precision + recall
    return 2.0 * precision * recall / np.where(both == 0.0, 1.0, both)


def row_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each row over what is not NaN; NaN for a row of NaN."""
    defined = ~np.isnan(values)
    number = defined.sum(axis=1)
    sums = np.where(defined, values, 0.0).sum(axis=1)
    return np.where(number > 0, sums / np.maximum(number, 1), np.nan)


def draws(num_images: int, settings: BootstrapSettings) -> Iterator[NDArray[np.int32]]:
    """Blocks of resamples, (N, B) each: how often each image was drawn.

    The images are drawn one resample after the other, so the size of the blocks has no influence.
    """
    generator = np.random.default_rng(settings.seed)
    block = max(1, min(settings.resamples, _BLOCK_ENTRIES // num_images))
    for start in range(0, settings.resamples, block):
        width = min(block, settings.resamples - start)
        counts = np.empty((num_images, width), dtype=np.int32)
        for column in range(width):
            drawn = generator.integers(0, num_images, num_images)
            counts[:, column] = np.bincount(drawn, minlength=num_images)
        yield counts
