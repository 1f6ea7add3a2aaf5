"""Why a label: the numbers from the position scores of a category to its score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.api.calibration import LogitScaling
from engine.api.config import Activation
from engine.api.values import PositionScores
from engine.explain.evidence import activate, attention, heads_knowing, logits


@dataclass(frozen=True, slots=True)
class HeadTerms:
    """What one head adds to a logit.

    Attributes:
        temperature: T; ``math.inf`` is max pooling.
        base: the mean of the position scores.
        attention: the position scores where the head looks, averaged by its attention.
        weighted: λ · attention.
        has_part: whether the head knows the category at all; if not, all it adds is 0.
    """

    temperature: float
    base: float
    attention: float
    weighted: float
    has_part: bool = True

    @property
    def logit(self) -> float:
        """Base and λ times attention, added."""
        return self.base + self.weighted


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the score of one category of one image comes about.

    Attributes:
        category: its index in the model's order.
        lam: λ.
        heads: in the model's order.
        logit: the heads' logits added.
        score: in [0, 1].
        threshold: that the score is compared with; ``None`` if there is none.
        activation: how the score comes from the logit; with ``softmax`` the other categories'
            logits have a part in it.
        calibrated: how often such a score is right, in [0, 1], by the images that the model's
            calibration was learned from; ``None`` without one. It decides nothing.
        follows_from: the index of the kind that the score comes from, whose heads and logit these
            are; ``None`` for a category that stands for itself.
        is_silenced: nothing is left of it, since every head that knows it is off; the score is 0.
    """

    category: int
    lam: float
    heads: tuple[HeadTerms, ...]
    logit: float
    score: float
    threshold: float | None = None
    activation: Activation = "sigmoid"
    calibrated: float | None = None
    follows_from: int | None = None
    is_silenced: bool = False

    @property
    def right_of_100(self) -> int | None:
        """Of 100 such scores about so many are right; ``None`` without a calibration."""
        return None if self.calibrated is None else round(100 * self.calibrated)

    @property
    def is_label(self) -> bool | None:
        """Whether the score reaches the threshold; ``None`` without one."""
        return None if self.threshold is None else self.score >= self.threshold


def explanation(
    scores: PositionScores,
    category: int,
    threshold: float | None = None,
    calibration: LogitScaling | None = None,
) -> Explanation:
    """The numbers behind a label: per head base + λ·attention, their sum, and the score.

    Args:
        scores: of one image, from ``following`` if the model's categories have parents.
        category: its index in the model's order.
        threshold: in [0, 1], to compare the score with.
        calibration: of the model (``ModelInfo.calibration``).
    """
    values = scores.values[:, category].astype(np.float64)
    attended = (values * attention(scores, category)).sum(axis=(1, 2))
    knowing = heads_knowing(scores, category)
    heads = tuple(
        HeadTerms(
            *(temperature, float(base), float(looked), scores.lam * float(looked)),
            has_part=place in knowing,
        )
        for place, (temperature, base, looked) in enumerate(
            zip(scores.temperatures, values.mean(axis=(1, 2)), attended, strict=True)
        )
    )
    score = float(activate(logits(scores), scores.activation)[category])
    return Explanation(
        category=category,
        lam=scores.lam,
        heads=heads,
        logit=sum(head.logit for head in heads),
        score=score,
        threshold=threshold,
        activation=scores.activation,
        calibrated=None if calibration is None else calibration.of_score(score, category),
        follows_from=scores.follows.get(category),
        is_silenced=category in scores.silenced,
    )
