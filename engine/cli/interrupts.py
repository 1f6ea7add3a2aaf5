"""Ctrl-C, or a request to end, while a command runs."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any, Self

from engine.cli.common import say

#: What a shell adds to the number of the signal that ended a program.
_BY_SIGNAL = 128


class Interrupts:
    """The first one raises ``KeyboardInterrupt`` in the main thread, a second one ends the process.

    What came is remembered, whatever was made of it: a library that is interrupted while it loads
    says that it cannot be loaded. Where a signal is ignored (``nohup``) it stays so, and elsewhere
    than in the main thread nothing is done.

    Attributes:
        status: the exit status that tells of what came; ``None``: nothing did.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _numbers():
                before = signal.getsignal(number)
                if before not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.status is not None:
            say("Stopped at once.")
            os._exit(self.status)
        self.status = _BY_SIGNAL + number
        raise KeyboardInterrupt


def ignore_interrupts() -> None:
    """All is done but the end of the process, which takes a moment where PyTorch is in it."""
    for number in _numbers():
        signal.signal(number, signal.SIG_IGN)


def _numbers() -> tuple[int, ...]:
    """Where torchrun started us, it ends us, and at once: the others wait for nobody."""
    if "WORLD_SIZE" in os.environ:
        return (signal.SIGINT,)
    return (signal.SIGINT, signal.SIGTERM)
