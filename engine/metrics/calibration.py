"""Whether a score of 0.8 is right eight times in ten, and how to make it so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import ConfigError
from engine.metrics.checks import (
    BoolColumns,
    FloatColumns,
    defined_mean,
    plain,
    require_images,
    scored,
)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Scores of about the same height.

    Attributes:
        low: lowest score that belongs here, or the bin's lower edge.
        high: highest score that belongs here, or the bin's upper edge.
        count: of entries.
        mean_score: what was promised; NaN if empty.
        frequency: the share that are positives, what was true; NaN if empty.
    """

    low: float
    high: float
    count: int
    mean_score: float
    frequency: float

    def as_dict(self) -> dict[str, float | int | None]:
        """For JSON."""
        return {
            "low": self.low,
            "high": self.high,
            "count": self.count,
            "mean_score": plain(self.mean_score),
            "frequency": plain(self.frequency),
        }


@dataclass(frozen=True)
class CalibrationReport:
    """How far scores are from frequencies, over all categories at once unless it says otherwise.

    Attributes:
        ece_equal_width: expected calibration error, bins of equal width; 0 is perfect.
        ece_equal_mass: the same, bins with equally many entries.
        brier: mean squared distance of score and truth.
        brier_by_category: the same for each category; NaN where nothing counts.
        ece_by_category: expected calibration error of each category, bins of equal mass.
        bins: of equal width, for the reliability diagram.
    """

    ece_equal_width: float
    ece_equal_mass: float
    brier: float
    brier_by_category: tuple[float, ...]
    ece_by_category: tuple[float, ...]
    bins: tuple[ReliabilityBin, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "ECE_equal_width": plain(self.ece_equal_width),
            "ECE_equal_mass": plain(self.ece_equal_mass),
            "ECE_mean_of_categories": plain(defined_mean(np.array(self.ece_by_category))),
            "Brier": plain(self.brier),
            "ECE_by_category": [plain(value) for value in self.ece_by_category],
            "Brier_by_category": [plain(value) for value in self.brier_by_category],
            "bins": [one.as_dict() for one in self.bins],
        }


def calibration_report(
    scores: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    num_bins: int = 15,
) -> CalibrationReport:
    """Measure calibration.

    Args:
        scores: (N, C) in [0, 1].
        targets: (N, C).
        ignored: (N, C); these entries do not count. ``None`` ignores nothing.
        num_bins: in each division of the scores.

    Raises:
        ConfigError: the arrays do not belong together, a score is outside [0, 1], or there is no
            bin.
        DataError: there are no images, or a score is NaN.
    """
    data = scored(scores, targets, ignored)
    require_images(data)
    if num_bins < 1:
        raise ConfigError("Calibration needs at least one bin.")
    if data.scores.min() < 0 or data.scores.max() > 1:
        raise ConfigError("Calibration is measured on scores from 0 to 1, not on logits.")
    columns = [
        (data.scores[rows, c].astype(np.float64), data.targets[rows, c])
        for c, rows in enumerate(data.counted.T)
    ]
    everything = np.concatenate([s for s, _ in columns]), np.concatenate([t for _, t in columns])
    bins = reliability_bins(*everything, num_bins)
    return CalibrationReport(
        ece_equal_width=_expected_error(bins),
        ece_equal_mass=_expected_error(reliability_bins(*everything, num_bins, equal_mass=True)),
        brier=_brier(*everything),
        brier_by_category=tuple(_brier(*column) for column in columns),
        ece_by_category=tuple(
            _expected_error(reliability_bins(*column, num_bins, equal_mass=True))
            for column in columns
        ),
        bins=bins,
    )


def reliability_bins(
    scores: NDArray[np.float64],
    targets: NDArray[np.bool_],
    num_bins: int,
    equal_mass: bool = False,
) -> tuple[ReliabilityBin, ...]:
    """Divide (N,) scores in [0, 1] into bins.

    Bins of equal width may be empty, and 1.0 belongs to the last. Bins of equal mass hold numbers
    of entries that differ by one at most; there are fewer of them if there are fewer entries.
    """
    if equal_mass:
        order = np.argsort(scores, kind="stable")
        parts = [part for part in np.array_split(order, num_bins) if part.size]
        edges = [(float(scores[part[0]]), float(scores[part[-1]])) for part in parts]
        index = np.empty(len(scores), dtype=np.intp)
        for number, part in enumerate(parts):
            index[part] = number
    else:
        index = np.minimum((scores * num_bins).astype(np.intp), num_bins - 1)
        edges = [(i / num_bins, (i + 1) / num_bins) for i in range(num_bins)]
    counts = np.bincount(index, minlength=len(edges))
    promised = np.bincount(index, weights=scores, minlength=len(edges))
    found = np.bincount(index, weights=targets.astype(np.float64), minlength=len(edges))
    return tuple(
        ReliabilityBin(
            low=low,
            high=high,
            count=int(counts[i]),
            mean_score=float(promised[i] / counts[i]) if counts[i] else float("nan"),
            frequency=float(found[i] / counts[i]) if counts[i] else float("nan"),
        )
        for i, (low, high) in enumerate(edges)
    )


def _expected_error(bins: tuple[ReliabilityBin, ...]) -> float:
    total = sum(one.count for one in bins)
    if not total:
        return float("nan")
    return sum(one.count * abs(one.mean_score - one.frequency) for one in bins if one.count) / total


def _brier(scores: NDArray[np.float64], targets: NDArray[np.bool_]) -> float:
    return float(np.mean((scores - targets) ** 2)) if scores.size else float("nan")
