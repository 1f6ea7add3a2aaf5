"""What training tells while it works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StepReport:
    """What one step brought.

    Attributes:
        step: optimiser steps so far.
        total: steps of the whole run.
        epoch: from 1.
        loss: mean over the labels of the batch that count.
        lr: learning rate of the backbone.
        grad_norm: length of the gradient before it was cut.
        seconds: that the step took.
    """

    step: int
    total: int
    epoch: int
    loss: float
    lr: float
    grad_norm: float
    seconds: float


@dataclass(frozen=True)
class EpochReport:
    """What one epoch brought.

    Attributes:
        epoch: from 1.
        loss: mean over the training entries that count.
        val_map: mean average precision on the validation images, 0 to 1; NaN without any.
        is_best: whether no epoch before was better.
    """

    epoch: int
    loss: float
    val_map: float
    is_best: bool = True
