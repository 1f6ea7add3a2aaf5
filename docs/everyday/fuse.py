"""One logit per category out of its parts: weights and offsets, by as much as the photos say.

Each part (learned head, ImageNet group, detector) gives a pooled log-odds. A logistic regression
with a normal prior adds them up: of categories with many labelled photos the photos decide, of
those with few the prior, which is what all labelled categories have in common.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

FloatArray = NDArray[np.float64]
PARTS = ("learned", "groups", "detector")
#: How far weights and offsets of one category may lie from those of all.
_SPREAD = np.array([0.5, 0.25, 0.5])
_OFFSET_SPREAD = 1.5


@dataclass(frozen=True)
class Fused:
    """``parts @ weights + offset`` is the logit.

    Attributes:
        weights: (3,), 0 for a part that the category does not have.
        offset: in logits.
    """

    weights: FloatArray
    offset: float

    def logits(self, parts: FloatArray) -> FloatArray:
        """(N, 3) → (N,)."""
        found: FloatArray = parts @ self.weights + self.offset
        return found


@dataclass(frozen=True)
class Prior:
    """What categories with the same parts have in common."""

    weights: FloatArray
    offset: float


def fit(
    parts: FloatArray,
    has: NDArray[np.bool_],
    yes: NDArray[np.bool_],
    weight: FloatArray,
    prior: Prior,
) -> Fused:
    """The most likely weights of one category.

    Args:
        parts: (n, 3) pooled log-odds.
        has: (3,): which parts the category has.
        yes: (n,): which photos have it.
        weight: (n,): how much each photo counts.
        prior: of the weights and the offset.
    """
    used = np.flatnonzero(has)
    x, counted = torch.from_numpy(parts[:, used]), torch.from_numpy(weight)
    targets = torch.from_numpy(yes.astype(np.float64))
    centre = torch.tensor([*prior.weights[used], prior.offset], dtype=torch.float64)
    spread = torch.tensor([*_SPREAD[used], _OFFSET_SPREAD], dtype=torch.float64)
    # Softplus of these are the weights, so that none is below 0.
    free = torch.log(torch.expm1(centre[:-1].clamp(min=0.05))).requires_grad_()
    offset = centre[-1].clone().requires_grad_()
    optimizer = torch.optim.LBFGS([free, offset], max_iter=200, line_search_fn="strong_wolfe")

    def price() -> torch.Tensor:
        optimizer.zero_grad()
        weights = functional.softplus(free)
        losses = functional.binary_cross_entropy_with_logits(
            x @ weights + offset, targets, reduction="none"
        )
        away = (torch.cat((weights, offset[None])) - centre) / spread
        total = (losses * counted).sum() + 0.5 * (away * away).sum()
        total.backward()
        return total

    optimizer.step(price)
    found = np.zeros(len(PARTS))
    found[used] = functional.softplus(free).detach().numpy()
    return Fused(found, float(offset.detach()))


def common(
    problems: list[tuple[FloatArray, NDArray[np.bool_], NDArray[np.bool_], FloatArray]],
    start: Prior,
) -> Prior:
    """What several categories have in common: the mean of their weights, found by turns."""
    prior = start
    for _ in range(4):
        fits = [fit(*problem, prior) for problem in problems]
        weights = prior.weights.copy()
        for part in range(len(PARTS)):
            of = [
                one.weights[part]
                for one, problem in zip(fits, problems, strict=True)
                if problem[1][part]
            ]
            if of:
                weights[part] = float(np.mean(of))
        prior = Prior(weights, float(np.mean([one.offset for one in fits])))
    return prior
