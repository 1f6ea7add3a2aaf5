"""From which score on a category is a label: thresholds learned from held-out images.

Rare categories are the difficulty. The best threshold of one with three positives says more about
those three than about the category, so what all categories have in common helps out: as
pseudo-positives for all, and as a fallback for those with too few positives of their own. Learn
thresholds on a validation split, never on the images that the model is then tested on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import ConfigError, DataError
from engine.metrics.checks import BoolColumns, FloatColumns, Scored, require_images, scored
from engine.metrics.curves import RankedCounts


@dataclass(frozen=True, slots=True)
class Thresholds:
    """One threshold per category; a score that reaches it is a label.

    Attributes:
        values: one per category, on the scale of the scores.
        common: the one threshold that is best for all categories together.
        is_fallback: per category, whether it had too few positives and got the common one.
        is_reached: per category, whether the goal was reached on these images; where it could
            not be, the value is the highest that still labels something.
    """

    values: tuple[float, ...]
    common: float
    is_fallback: tuple[bool, ...]
    is_reached: tuple[bool, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "values": list(self.values),
            "common": self.common,
            "is_fallback": list(self.is_fallback),
            "is_reached": list(self.is_reached),
        }


@dataclass(frozen=True, slots=True)
class ThresholdSettings:
    """How cautious to be with few positives.

    Attributes:
        min_positives: a category with fewer gets the common threshold.
        pseudo_positives: so many positives that behave like those of all categories together are
            added to each category when F1 is optimised; 0 does not smooth.
    """

    min_positives: int = 15
    pseudo_positives: float = 5.0

    def __post_init__(self) -> None:
        if self.min_positives < 1:
            raise ConfigError("A category needs at least one positive for a threshold of its own.")
        if self.pseudo_positives < 0:
            raise ConfigError("The number of pseudo-positives cannot be negative.")


DEFAULT_SETTINGS = ThresholdSettings()

# From counts at falling thresholds: which of them to take, or None if none reaches the goal.
_Choice = Callable[[RankedCounts, RankedCounts | None], int | None]


def best_f1_thresholds(
    scores: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    settings: ThresholdSettings = DEFAULT_SETTINGS,
) -> Thresholds:
    """The thresholds with the best F1 of each category, smoothed; of equal ones the highest.

    Args:
        scores: (N, C) in [0, 1], or logits.
        targets: (N, C).
        ignored: (N, C); these entries do not count. ``None`` ignores nothing.
        settings: for rare categories.

    Raises:
        ConfigError: the arrays do not belong together.
        DataError: there are no images or no positives, or a score is NaN.
    """

    def choose(own: RankedCounts, pooled: RankedCounts | None) -> int:
        correct = own.correct.astype(np.float64)
        labels_and_positives = (own.predicted + own.positives).astype(np.float64)
        if pooled is not None and settings.pseudo_positives:
            share = settings.pseudo_positives / pooled.positives
            at = np.searchsorted(-pooled.thresholds, -own.thresholds, side="right")
            correct += share * np.concatenate([[0], pooled.correct])[at]
            labels_and_positives += share * np.concatenate([[0], pooled.predicted])[at]
            labels_and_positives += settings.pseudo_positives
        return int(np.argmax(2.0 * correct / labels_and_positives))

    return _thresholds(scored(scores, targets, ignored), settings, choose)


def precision_thresholds(
    scores: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    *,
    precision: float,
    settings: ThresholdSettings = DEFAULT_SETTINGS,
) -> Thresholds:
    """The lowest thresholds at which at least this share of the labels is right.

    Args and errors as in ``best_f1_thresholds``.
    """
    _check_share("precision", precision)

    def choose(own: RankedCounts, _: RankedCounts | None) -> int | None:
        enough = np.flatnonzero(own.correct >= precision * own.predicted)
        return int(enough[-1]) if enough.size else None

    return _thresholds(scored(scores, targets, ignored), settings, choose)


def recall_thresholds(
    scores: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    *,
    recall: float,
    settings: ThresholdSettings = DEFAULT_SETTINGS,
) -> Thresholds:
    """The highest thresholds at which at least this share of the positives is found.

    Args and errors as in ``best_f1_thresholds``.
    """
    _check_share("recall", recall)

    def choose(own: RankedCounts, _: RankedCounts | None) -> int:
        return int(np.argmax(own.correct >= recall * own.positives))

    return _thresholds(scored(scores, targets, ignored), settings, choose)


def _check_share(name: str, value: float) -> None:
    if not 0.0 < value <= 1.0:
        raise ConfigError(f"A {name} to reach is above 0 and at most 1, not {value}.")


def _thresholds(data: Scored, settings: ThresholdSettings, choose: _Choice) -> Thresholds:
    require_images(data)
    pooled = RankedCounts.of(data.scores[data.counted], data.targets[data.counted])
    if not pooled.positives:
        raise DataError("No image has any of the categories; there is nothing to learn from.")
    common, common_reached = _between(pooled, choose(pooled, None))
    values, fallback, reached = [], [], []
    for c, rows in enumerate(data.counted.T):
        own = RankedCounts.of(data.scores[rows, c], data.targets[rows, c])
        is_rare = own.positives < settings.min_positives
        value, is_reached = (
            (common, common_reached) if is_rare else _between(own, choose(own, pooled))
        )
        values.append(value)
        fallback.append(is_rare)
        reached.append(is_reached)
    return Thresholds(tuple(values), common, tuple(fallback), tuple(reached))


def _between(counts: RankedCounts, chosen: int | None) -> tuple[float, bool]:
    """The middle between the chosen score and the next lower one: safest for new images."""
    if chosen is None:
        return float(counts.thresholds[0]), False
    here: NDArray[np.float64] = counts.thresholds[chosen : chosen + 2]
    middle = here.mean()
    # Scores are float32 elsewhere, where the middle of two neighbours may be the lower one.
    is_apart = np.float32(middle) > np.float32(here[-1])
    return float(middle if is_apart else here[0]), True
