"""A slope and an offset per category that turn logits into honest scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.calibration import LogitScaling
from engine.api.errors import ConfigError
from engine.metrics.checks import BoolColumns, FloatColumns, require_images, scored

Column = NDArray[np.float64]
#: Slope and offset.
Pair = tuple[float, float]

_UNCHANGED: Pair = (1.0, 0.0)
_MIN_SLOPE = 1e-2
_MAX_STEPS = 100
_MAX_HALVINGS = 30
_SMALL_STEP = 1e-9


def fit_calibration(
    logits: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    strength: float = 16.0,
    centre: Pair | None = None,
) -> LogitScaling:
    """Fit slope and offset of each category by logistic regression.

    Fit on held-out images, never on those that the model is then tested on. What a category with
    few positives says of its own slope is mostly chance, so a normal prior keeps it near the slope
    and offset of all categories taken together; one without images gets exactly these. The prior
    also keeps the values finite where a logit separates the positives perfectly.

    Args:
        logits: (N, C).
        targets: (N, C).
        ignored: (N, C); these entries do not count. ``None`` ignores nothing.
        strength: of the prior, as its inverse variance; > 0. The default had the lowest log loss
            on held-out fifths of VOC2007 val, from 1,500 images as from 200 (tried: 1 to 256 and
            no category on its own, each four times the one before).
        centre: of the prior; ``None`` is what all categories have in common.

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
    if centre is None:
        everything = data.scores[data.counted].astype(np.float64), data.targets[data.counted]
        centre = _fit(_Problem(*everything, strength=1.0, centre=_UNCHANGED))
    fits = [
        _fit(_Problem(data.scores[rows, c].astype("f8"), data.targets[rows, c], strength, centre))
        for c, rows in enumerate(data.counted.T)
    ]
    return LogitScaling(tuple(a for a, _ in fits), tuple(b for _, b in fits))


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Logits (n,), which of them are positives, and a normal prior around a pair."""

    logits: Column
    targets: NDArray[np.bool_]
    strength: float
    centre: Pair

    def loss(self, at: Column) -> float:
        scaled = at[0] * self.logits + at[1]
        # log(1 + e^x) without overflow; the loss of a positive is that of the negated logit.
        loss = np.logaddexp(0.0, np.where(self.targets, -scaled, scaled)).sum()
        return float(loss + 0.5 * self.strength * ((at - self.centre) ** 2).sum())

    def newton_step(self, at: Column, moves: NDArray[np.bool_]) -> Column:
        logits = self.logits
        score = 0.5 * (1.0 + np.tanh(0.5 * (at[0] * logits + at[1])))
        error, curvature = score - self.targets, score * (1.0 - score)
        gradient = np.array([error @ logits, error.sum()]) + self.strength * (at - self.centre)
        cross = float(curvature @ logits)
        hessian = np.array([[curvature @ logits**2, cross], [cross, curvature.sum()]])
        hessian += self.strength * np.eye(2)
        if not moves.all():
            hessian *= np.eye(2)
        step: Column = np.where(moves, -np.linalg.solve(hessian, gradient), 0.0)
        return step


def _fit(problem: _Problem) -> Pair:
    free = _newton(problem, np.array(problem.centre), np.array([True, True]))
    if free[0] >= _MIN_SLOPE:
        return float(free[0]), float(free[1])
    # The scores of this category rank no better than chance: all that is left is its frequency.
    start = np.array([_MIN_SLOPE, 0.0])
    fixed = _newton(problem, start, np.array([False, True]))
    return float(fixed[0]), float(fixed[1])


def _newton(problem: _Problem, start: Column, moves: NDArray[np.bool_]) -> Column:
    """Newton's method on a convex loss, with steps halved until they go down.

    Args:
        problem: what to fit.
        start: (2,), slope and offset.
        moves: (2,), which of the two may change.
    """
    at, loss = start, problem.loss(start)
    for _ in range(_MAX_STEPS):
        step = problem.newton_step(at, moves)
        for _ in range(_MAX_HALVINGS):
            lower = problem.loss(at + step)
            if lower <= loss:
                break
            step = step / 2.0
        else:
            return at
        at, loss = at + step, lower
        if np.abs(step).max() < _SMALL_STEP:
            return at
    return at
