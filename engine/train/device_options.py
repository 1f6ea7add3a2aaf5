"""What a device is told so that it trains fast; none of it is for processors, whose bits stay."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class DeviceOptions:
    """How to train on a device.

    Attributes:
        is_fused: the optimiser is one kernel over all weights. A processor has such a kernel too,
            but it rounds otherwise, and runs go on to the bit there.
        is_pinned: batches are made in memory that the device copies from by itself.
        tries_convolutions: cuDNN times its convolutions for each size it meets and keeps the
            fastest; a run meets few sizes. Which one wins differs from start to start.
    """

    is_fused: bool = False
    is_pinned: bool = False
    tries_convolutions: bool = False


def device_options(device: torch.device) -> DeviceOptions:
    """The options for a device, as PyTorch is set up now.

    Whoever wants determinism of PyTorch (``torch.use_deterministic_algorithms``, or
    ``torch.backends.cudnn.deterministic``) gets convolutions that are not chosen by the clock.
    """
    if device.type != "cuda":
        return DeviceOptions()
    wants_same = torch.are_deterministic_algorithms_enabled() or torch.backends.cudnn.deterministic
    return DeviceOptions(is_fused=True, is_pinned=True, tries_convolutions=not wants_same)


@contextlib.contextmanager
def fast_convolutions(options: DeviceOptions) -> Generator[None, None, None]:
    """Let cuDNN try its convolutions within, where the options say so.

    The switch is the whole process's, so it is on no longer than a step takes.
    """
    if not options.tries_convolutions:
        yield
        return
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
