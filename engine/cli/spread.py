"""One of the processes that torchrun started for a command; importing this takes seconds."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from engine.pytorch.device import choose_device
from engine.pytorch.distributed import Processes, is_first_to_fail, local_device, processes

__all__ = ["is_first_to_fail", "spread"]


@contextlib.contextmanager
def spread(wish: str) -> Generator[tuple[Processes, str], None, None]:
    """Work together with the others; which one this is, and the device for it.

    Raises:
        ModelError: this machine has no such device.
    """
    device = choose_device(local_device(wish))
    with processes(device) as process:
        yield process, str(device)
