"""How learning rates go over a run: one factor per step."""

from __future__ import annotations

import math
from collections.abc import Callable

from engine.api.training_config import TrainConfig

#: One-cycle: the share of the run that rises, and the rates at both ends as shares of the peak.
_RISE, _START, _END = 0.2, 1 / 25, 1e-4


def lr_factor(config: TrainConfig, steps_per_epoch: int) -> Callable[[int], float]:
    """What the peak learning rates are multiplied by at each step.

    With warm-up the first step has rate 0 exactly, as in the official code, where warm-up and
    decay by steps are two schedulers; this is their product in closed form.

    Args:
        config: of the run.
        steps_per_epoch: optimiser steps.

    Returns:
        Step from 0 → factor of at least 0.
    """
    warmup = config.warmup_epochs * steps_per_epoch
    total = config.epochs * steps_per_epoch

    def factor(step: int) -> float:
        rise = min(1.0, step / warmup) if warmup else 1.0
        if config.schedule == "step":
            epoch: int = step // steps_per_epoch
            return rise * float(0.1 ** (epoch // config.step_epochs))
        if config.schedule == "one-cycle":
            return _one_cycle(step / max(1, total - 1))
        if config.schedule == "cosine" and step >= warmup:
            return _cosine(1.0, 0.0, (step - warmup) / max(1.0, total - warmup))
        return rise

    return factor


def _one_cycle(share: float) -> float:
    if share < _RISE:
        return _cosine(_START, 1.0, share / _RISE)
    return _cosine(1.0, _END, min(1.0, (share - _RISE) / (1.0 - _RISE)))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1.0 + math.cos(math.pi * min(1.0, share))) / 2.0
