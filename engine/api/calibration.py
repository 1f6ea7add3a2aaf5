"""How often a score is right: a slope and an offset per category, as a model's file carries them.

A score ranks; it need not be a frequency. Scores that decide and are stored stay the model's own,
``sigmoid(logit)``, and thresholds are compared with those. The calibrated score is said beside it:
of 100 such labels, about so many are right. ``engine.metrics.fit_calibration`` learns it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import ConfigError

#: Scores of float32 can be 0 or 1, which have no logit; these are the nearest ones that count.
_LEAST_SCORE = 1e-12


@dataclass(frozen=True, slots=True)
class LogitScaling:
    """Calibrated score = sigmoid(slope · logit + offset), one pair per category.

    The slope is positive, so the order of the images, and with it average precision, stays as it
    is. ``(1, 0)`` changes nothing.

    Attributes:
        slopes: one per category, finite, > 0.
        offsets: one per category, finite.
    """

    slopes: tuple[float, ...]
    offsets: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.slopes) != len(self.offsets):
            raise ConfigError("There must be one offset for each slope.")
        if not all(map(math.isfinite, (*self.slopes, *self.offsets))):
            raise ConfigError("Slopes and offsets must be finite numbers.")
        if not all(slope > 0 for slope in self.slopes):
            raise ConfigError("A slope must be positive; otherwise it would turn the order round.")

    def scores(self, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """Calibrated scores in [0, 1] of logits (…, C).

        Raises:
            ConfigError: the last axis is not the categories.
        """
        if logits.shape[-1:] != (len(self.slopes),):
            raise ConfigError(
                f"This calibration is for {len(self.slopes)} categories, not for logits of shape "
                f"{logits.shape}."
            )
        scaled = logits.astype(np.float64) * np.array(self.slopes) + np.array(self.offsets)
        # The sigmoid without overflow.
        calibrated: NDArray[np.float32] = (0.5 * (1.0 + np.tanh(0.5 * scaled))).astype(np.float32)
        return calibrated

    def of_scores(self, scores: NDArray[np.floating]) -> NDArray[np.float32]:
        """Calibrated scores in [0, 1] of a model's scores (…, C), for whoever has no logits.

        This is also the way for a model whose scores are a softmax: its logits mean nothing one
        by one, and the logit of a score is ln(score / (1 − score)).

        Raises:
            ConfigError: the last axis is not the categories.
        """
        known = np.clip(scores.astype(np.float64), _LEAST_SCORE, 1.0 - _LEAST_SCORE)
        return self.scores(np.log(known) - np.log1p(-known))

    def of_score(self, score: float, category: int) -> float:
        """The calibrated score of one category's score; both in [0, 1]."""
        one = LogitScaling((self.slopes[category],), (self.offsets[category],))
        return float(one.of_scores(np.array([score]))[0])

    def as_dict(self) -> dict[str, list[float]]:
        """For JSON."""
        return {"slopes": list(self.slopes), "offsets": list(self.offsets)}
