"""Weights in half the space, rounded so that a model says almost the same."""

from __future__ import annotations

import torch
from torch import Tensor

#: Smaller ones stay whole. They hardly add to a file, and rounding the first layers, the depthwise
#: ones and the heads would double what rounding changes in the scores.
HALVED_FROM = 65_536


def halved(weight: Tensor) -> Tensor:
    """A weight as float16, if that is worth it; otherwise as it is.

    The inputs of most layers come from a ReLU and are positive, so errors of one sign add up in an
    output channel. Of its numbers, those near the middle of two float16 are rounded the other way
    until the channel's errors cancel; a model's scores then change by about a third less.

    Args:
        weight: float32; the first axis is the output channels. Vectors stay whole: a batch norm's
            variance can be too small or too large for half precision.
    """
    if weight.ndim < 2 or weight.numel() < HALVED_FROM:
        return weight
    rows = weight.reshape(len(weight), -1)
    nearest = rows.half()
    error = nearest.double() - rows.double()
    other = _neighbour(nearest, down=error > 0)
    gain = nearest.double() - other.double()  # what the sum loses if this one goes the other way
    excess = error.sum(dim=1, keepdim=True)
    helps = (gain.sign() == excess.sign()) & torch.isfinite(other)
    cost = (error - gain).square() - error.square()
    order = cost.masked_fill(~helps, torch.inf).argsort(dim=1)
    taken = (gain.abs() * helps).gather(1, order)
    # The last one still brings the sum nearer to 0 if at most half of it is too much.
    is_turned = taken.cumsum(dim=1) - 0.5 * taken <= excess.abs()
    turned = torch.zeros_like(helps).scatter(1, order, is_turned) & helps
    return torch.where(turned, other, nearest).reshape(weight.shape)


def _neighbour(values: Tensor, *, down: Tensor) -> Tensor:
    """The next float16 below or above each."""
    ends = torch.where(down, -torch.inf, torch.inf).to(values.dtype)
    return torch.nextafter(values, ends)
