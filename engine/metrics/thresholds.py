"""From which score on a category is a label: thresholds learned from held-out images.

Rare categories are the difficulty. The best threshold of one with three positives says more about
those three than about the category, so what all categories have in common helps out: as
pseudo-positives for all, and as a fallback for those with too few positives of their own. Learn
thresholds on a validation split, never on the images that the model is then tested on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import ConfigError, DataError
from engine.metrics.checks import BoolColumns, FloatColumns, require_images, scored
from engine.metrics.curves import RankedCounts


@dataclass(frozen=True, slots=True)
class Thresholds:
    """One threshold per category; a score that reaches it is a label.

    Attributes:
        values: one per category, on the scale of the scores.
        common: the one threshold that is best for all categories together, a score too.
        is_fallback: per category, whether it had too few positives and got the common one.
    """

    values: tuple[float, ...]
    common: float
    is_fallback: tuple[bool, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "values": list(self.values),
            "common": self.common,
            "is_fallback": list(self.is_fallback),
            "is_reached": [True] * len(self.values),  # there is always a best F1
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
    data = scored(scores, targets, ignored)
    require_images(data)
    pooled = RankedCounts.of(data.scores[data.counted], data.targets[data.counted])
    if not pooled.positives:
        raise DataError("No image has any of the categories; there is nothing to learn from.")
    common = _best_f1(pooled)
    values, fallback = [], []
    for c, rows in enumerate(data.counted.T):
        own = RankedCounts.of(data.scores[rows, c], data.targets[rows, c])
        is_rare = own.positives < settings.min_positives
        values.append(common if is_rare else _best_f1(own, pooled, settings.pseudo_positives))
        fallback.append(is_rare)
    return Thresholds(tuple(values), common, tuple(fallback))


def _best_f1(
    own: RankedCounts, pooled: RankedCounts | None = None, pseudo_positives: float = 0.0
) -> float:
    """The threshold with the best F1, with so many positives like the pooled ones added."""
    correct = own.correct.astype(np.float64)
    labels_and_positives = (own.predicted + own.positives).astype(np.float64)
    if pooled is not None and pseudo_positives:
        share = pseudo_positives / pooled.positives
        at = np.searchsorted(-pooled.thresholds, -own.thresholds, side="right")
        correct += share * np.concatenate([[0], pooled.correct])[at]
        labels_and_positives += share * np.concatenate([[0], pooled.predicted])[at]
        labels_and_positives += pseudo_positives
    return _between(own, int(np.argmax(2.0 * correct / labels_and_positives)))


def _between(counts: RankedCounts, chosen: int) -> float:
    """The middle between the chosen score and the next lower one: safest for new images."""
    here: NDArray[np.float64] = counts.thresholds[chosen : chosen + 2]
    middle = here.mean()
    # Scores are float32 elsewhere, where the middle of two neighbours may be the lower one.
    is_apart = np.float32(middle) > np.float32(here[-1])
    return float(middle if is_apart else here[0])
