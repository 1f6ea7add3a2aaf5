"""Whether one model is better than another on the same images, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import ConfigError
from engine.metrics.bootstrap import (
    DEFAULT_BOOTSTRAP,
    BootstrapSettings,
    Interval,
    draws,
    percentile_interval,
    row_means,
    weighted_average_precision,
)
from engine.metrics.checks import (
    BoolColumns,
    FloatColumns,
    Scored,
    defined_mean,
    plain,
    require_images,
    scored,
)
from engine.metrics.ranking import average_precision

#: With fewer positives a category's resamples say too little to test it.
FEWEST_POSITIVES = 10
#: The share of wrong "differs" that is allowed over all categories together.
SIGNIFICANCE = 0.05


@dataclass(frozen=True, eq=False)
class PairedDifferences:
    """After minus before in average precision, with what resampling the same images says of it.

    Attributes:
        mean: of the mean average precision, with its percentile interval.
        by_category: (C,) of each category's average precision; NaN without positives.
        p_values: (C,) two-sided, of no difference: the difference over its bootstrap standard
            error, by the normal distribution. NaN where a category is not tested: without
            ``FEWEST_POSITIVES`` positives that count.
        adjusted: (C,) the same after Holm's correction for all tested categories.
        resamples: how many were drawn.
        seed: of the draw.
    """

    mean: Interval
    by_category: tuple[Interval, ...]
    p_values: NDArray[np.float64]
    adjusted: NDArray[np.float64]
    resamples: int
    seed: int

    @property
    def differs(self) -> NDArray[np.bool_]:
        """(C,): categories whose difference is no chance, wrongly so in 5 % of comparisons."""
        return np.nan_to_num(self.adjusted, nan=1.0) < SIGNIFICANCE

    @property
    def is_told(self) -> bool:
        """Whether the interval of the mean leaves out 0."""
        return self.mean.low > 0.0 or self.mean.high < 0.0

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "mAP": self.mean.as_dict(),
            "AP": [interval.as_dict() for interval in self.by_category],
            "p": [plain(value) for value in self.p_values.tolist()],
            "p_adjusted": [plain(value) for value in self.adjusted.tolist()],
            "p_from": "bootstrap standard error, normal distribution, two-sided",
            "correction": "Holm",
            "fewest_positives": FEWEST_POSITIVES,
            "resamples": self.resamples,
            "seed": self.seed,
        }


def paired_differences(
    before: Sequence[FloatColumns],
    after: Sequence[FloatColumns],
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    settings: BootstrapSettings = DEFAULT_BOOTSTRAP,
) -> Generator[None, None, PairedDifferences]:
    """Draw whole images again and again, the same ones for both sides: a paired bootstrap.

    Two models err on the same hard images, so their difference is far surer than either number.
    In many small steps, after each of which it can be given up.

    Args:
        before: one (N, C) array of scores or logits, or several of the same recipe (seeds), whose
            average precisions are averaged.
        after: likewise.
        targets: (N, C).
        ignored: (N, C); these entries do not count. ``None`` ignores nothing.
        settings: how many resamples, which seed, which level.

    Raises:
        ConfigError: a side is empty, or the arrays do not belong together.
        DataError: there are no images, or a score is NaN.
    """
    if not before or not after:
        raise ConfigError("A comparison needs scores on both sides.")
    sides = tuple([scored(one, targets, ignored) for one in side] for side in (before, after))
    first = sides[0][0]
    require_images(first)
    blocks = []
    for counts in draws(len(first.scores), settings):
        old = yield from _mean_of(sides[0], counts)
        new = yield from _mean_of(sides[1], counts)
        blocks.append(new - old)
    resampled = np.concatenate(blocks)
    value = _values(sides[1]) - _values(sides[0])
    is_tested = first.positives.sum(axis=0) >= FEWEST_POSITIVES
    p_values = np.where(is_tested, _p_values(value, resampled), np.nan)
    return PairedDifferences(
        mean=percentile_interval(defined_mean(value), row_means(resampled), settings.level),
        by_category=tuple(
            percentile_interval(one, column, settings.level)
            for one, column in zip(value.tolist(), resampled.T, strict=True)
        ),
        p_values=p_values,
        adjusted=holm(p_values),
        resamples=settings.resamples,
        seed=settings.seed,
    )


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """P values corrected for being many, by Holm's step-down method; NaN stays and does not count.

    Whatever the tests have to do with each other, the chance that any true "no difference" comes
    out below a limit is at most that limit.

    Args:
        p_values: (C,), 0 to 1 or NaN.

    Returns:
        (C,), 0 to 1 or NaN.
    """
    result = np.full(p_values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    result[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1.0)
    return result


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """One recipe trained several times.

    Attributes:
        mean: of the runs' numbers, 0 to 1.
        deviation: their standard deviation, 0 to 1, with n − 1; NaN of a single run.
        count: of runs.
    """

    mean: float
    deviation: float
    count: int

    def as_dict(self) -> dict[str, float | int | None]:
        """For JSON."""
        return {"mean": plain(self.mean), "sd": plain(self.deviation), "runs": self.count}


def seed_spread(values: Sequence[float]) -> SeedSpread:
    """Mean and standard deviation of at least one number."""
    array = np.asarray(values, dtype=np.float64)
    deviation = float(array.std(ddof=1)) if len(array) > 1 else math.nan
    return SeedSpread(float(array.mean()), deviation, len(array))


def welch_interval(before: SeedSpread, after: SeedSpread, level: float = 0.95) -> Interval:
    """How far the difference of two recipes would move with other seeds (Welch's t interval).

    Its ends are NaN unless both sides have at least two runs; it has no width without any spread.
    """
    value = after.mean - before.mean
    if min(before.count, after.count) < 2:
        return Interval(value, math.nan, math.nan, level)
    parts = [side.deviation**2 / side.count for side in (before, after)]
    error = math.sqrt(sum(parts))
    if error == 0.0:
        return Interval(value, value, value, level)
    freedom = sum(parts) ** 2 / sum(
        part**2 / (side.count - 1) for part, side in zip(parts, (before, after), strict=True)
    )
    half = error * student_quantile(0.5 + level / 2.0, freedom)
    return Interval(value, value - half, value + half, level)


def student_quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's t distribution.

    Args:
        probability: above one half and below 1.
        freedom: degrees of freedom, at least 1; need not be whole.
    """
    low, high = 0.0, 1.0
    while _student_cdf(high, freedom) < probability:
        high *= 2.0
    for _ in range(80):  # halves far more often than a float has bits
        middle = 0.5 * (low + high)
        if _student_cdf(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _student_cdf(value: float, freedom: float) -> float:
    """Of a value that is not negative: the density is a smooth function of the angle atan(t/√ν)."""
    end = math.atan(value / math.sqrt(freedom))
    angles, weights = _legendre()
    power = np.cos(0.5 * end * (angles + 1.0)) ** (freedom - 1.0)
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    return 0.5 + scale * 0.5 * end * float(weights @ power)


@cache
def _legendre() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where from −1 to 1 to take a smooth function, and with which weight, to integrate it."""
    return np.polynomial.legendre.leggauss(100)


def _mean_of(
    side: Sequence[Scored], counts: NDArray[np.int32]
) -> Generator[None, None, NDArray[np.float64]]:
    """(B, C): average precision in each resample, averaged over the runs of a side."""
    total = yield from weighted_average_precision(side[0], counts)
    for one in side[1:]:
        total = total + (yield from weighted_average_precision(one, counts))
    return total / len(side)


def _values(side: Sequence[Scored]) -> NDArray[np.float64]:
    runs = [average_precision(one.scores, one.targets, one.ignored) for one in side]
    mean: NDArray[np.float64] = np.mean(runs, axis=0)
    return mean


def _p_values(value: NDArray[np.float64], resampled: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.full(value.shape, np.nan)
    for place, column in enumerate(resampled.T):
        defined = column[~np.isnan(column)]
        if len(defined) < 2 or np.isnan(value[place]):
            continue
        error = float(defined.std(ddof=1))
        if error > 0.0:
            result[place] = math.erfc(abs(float(value[place])) / (error * math.sqrt(2.0)))
        else:  # not even a resample differs; where all differ alike, there is but one image
            result[place] = 1.0
    return result
