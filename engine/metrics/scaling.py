"""A slope and an offset per category that turn logits into honest scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError
from engine.evidence import sigmoid
from engine.metrics.checks import BoolColumns, FloatColumns, require_images, scored
from engine.values import FloatArray

Column = NDArray[np.float64]

_MIN_SLOPE = 1e-2
_MAX_STEPS = 100
_MAX_HALVINGS = 30
_SMALL_STEP = 1e-9


@dataclass(frozen=True, slots=True)
class LogitScaling:
    """Calibrated score = sigmoid(slope · logit + offset), one pair per category.

    The slope is positive, so the order of the images, and with it average precision, stays as it
    is. ``(1, 0)`` changes nothing.

    Attributes:
        slopes: one per category, > 0.
        offsets: one per category.
    """

    slopes: tuple[float, ...]
    offsets: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.slopes) != len(self.offsets):
            raise ConfigError("There must be one offset for each slope.")
        if not all(slope > 0 for slope in self.slopes):
            raise ConfigError("A slope must be positive; otherwise it would turn the order round.")

    def scores(self, logits: FloatColumns) -> FloatArray:
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
        return sigmoid(scaled)

    def as_dict(self) -> dict[str, list[float]]:
        """For JSON."""
        return {"slopes": list(self.slopes), "offsets": list(self.offsets)}


def fit_scaling(
    logits: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    strength: float = 1.0,
) -> LogitScaling:
    """Fit slope and offset of each category by logistic regression.

    Fit on held-out images, never on those that the model is then tested on. A normal prior around
    (1, 0) keeps the values finite where a logit separates the positives perfectly, and leaves a
    category without any images as it is.

    Args:
        logits: (N, C).
        targets: (N, C).
        ignored: (N, C); these entries do not count. ``None`` ignores nothing.
        strength: of the prior, as its inverse variance; > 0.

    Raises:
        ConfigError: the arrays do not belong together, a logit is infinite, or the strength is not
            positive.
        DataError: there are no images, or a logit is NaN.
    """
    data = scored(logits, targets, ignored)
    require_images(data)
    if not strength > 0:
        raise ConfigError("The strength of the prior must be positive.")
    if not np.isfinite(data.scores).all():
        raise ConfigError("Logits must be finite to be scaled.")
    fits = [
        _fit(data.scores[rows, c].astype(np.float64), data.targets[rows, c], strength)
        for c, rows in enumerate(data.counted.T)
    ]
    return LogitScaling(tuple(a for a, _ in fits), tuple(b for _, b in fits))


def _fit(logits: Column, targets: NDArray[np.bool_], strength: float) -> tuple[float, float]:
    free = _newton(logits, targets, strength, np.array([1.0, 0.0]), np.array([True, True]))
    if free[0] >= _MIN_SLOPE:
        return float(free[0]), float(free[1])
    # The scores of this category rank no better than chance: all that is left is its frequency.
    start = np.array([_MIN_SLOPE, 0.0])
    fixed = _newton(logits, targets, strength, start, np.array([False, True]))
    return float(fixed[0]), float(fixed[1])


def _newton(
    logits: Column,
    targets: NDArray[np.bool_],
    strength: float,
    start: Column,
    moves: NDArray[np.bool_],
) -> Column:
    """Newton's method on a convex loss, with steps halved until they go down.

    Args:
        logits: (n,).
        targets: (n,).
        strength: of the prior.
        start: (2,), slope and offset.
        moves: (2,), which of the two may change.
    """
    at, loss = start, _loss(start, logits, targets, strength)
    for _ in range(_MAX_STEPS):
        step = np.where(moves, _newton_step(at, logits, targets, strength, moves), 0.0)
        for _ in range(_MAX_HALVINGS):
            lower = _loss(at + step, logits, targets, strength)
            if lower <= loss:
                break
            step = step / 2.0
        else:
            return at
        at, loss = at + step, lower
        if np.abs(step).max() < _SMALL_STEP:
            return at
    return at


def _newton_step(
    at: Column,
    logits: Column,
    targets: NDArray[np.bool_],
    strength: float,
    moves: NDArray[np.bool_],
) -> Column:
    score = 0.5 * (1.0 + np.tanh(0.5 * (at[0] * logits + at[1])))
    error, curvature = score - targets, score * (1.0 - score)
    gradient = np.array([error @ logits, error.sum()]) + strength * (at - [1.0, 0.0])
    cross = float(curvature @ logits)
    hessian = np.array([[curvature @ logits**2, cross], [cross, curvature.sum()]])
    hessian += strength * np.eye(2)
    if not moves.all():
        hessian *= np.eye(2)
    step: Column = -np.linalg.solve(hessian, gradient)
    return step


def _loss(at: Column, logits: Column, targets: NDArray[np.bool_], strength: float) -> float:
    scaled = at[0] * logits + at[1]
    # log(1 + e^x) without overflow; the loss of a positive is that of the negated logit.
    loss = np.logaddexp(0.0, np.where(targets, -scaled, scaled)).sum()
    return float(loss + 0.5 * strength * ((at[0] - 1.0) ** 2 + at[1] ** 2))
