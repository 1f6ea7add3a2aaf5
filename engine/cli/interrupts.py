"""Ctrl-C, or a request to end, while a command runs."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any, Self

from engine.cli.common import EXIT_BY_SIGNAL, say

#: Until it is tried again.
_WAIT_S = 0.05


class Interrupts:
    """The first one raises ``KeyboardInterrupt`` in the main thread, a second one ends the process.

    While a library loads, the first one waits until that is over: PyTorch, interrupted there, may
    abort the process, and others say that they cannot be loaded. One that ends in a function that
    Python calls by itself (when an object goes) is lost there, and raised again. What came is
    remembered, whatever else was made of it. Where a signal is ignored (``nohup``) it stays so, and
    elsewhere than in the main thread nothing is done.

    Attributes:
        status: the exit status that tells of what came; ``None``: nothing did.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self._before: dict[int, Any] = {}
        self._waiting: threading.Timer | None = None
        self._is_again = False
        self._hook = sys.unraisablehook

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _numbers():
                before = signal.getsignal(number)
                if before not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._on_signal)
        if self._before:
            self._hook, sys.unraisablehook = sys.unraisablehook, self._on_lost
        return self

    def __exit__(self, *_: object) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._before:
            sys.unraisablehook = self._hook

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        is_first = self.status is None or self._is_again
        self._is_again = False
        if not is_first:
            say("Stopped at once.")
            os._exit(EXIT_BY_SIGNAL + number)
        self.status = EXIT_BY_SIGNAL + number
        if not _is_loading(frame):
            raise KeyboardInterrupt
        self._wait(number)

    def _on_lost(self, unraisable: sys.UnraisableHookArgs) -> None:
        if self.status is not None and issubclass(unraisable.exc_type, KeyboardInterrupt):
            self._wait(self.status - EXIT_BY_SIGNAL)
        else:
            self._hook(unraisable)

    def _wait(self, number: int) -> None:
        self._waiting = threading.Timer(_WAIT_S, self._again, (number,))
        self._waiting.daemon = True
        self._waiting.start()

    def _again(self, number: int) -> None:
        self._is_again = True
        if sys.platform == "win32":
            _thread.interrupt_main(signal.Signals(number))
        else:  # also wakes the thread where it waits for the system
            signal.pthread_kill(threading.main_thread().ident or 0, number)


def _is_loading(frame: FrameType | None) -> bool:
    """Whether an import is going on in this thread."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def ignore_interrupts() -> None:
    """All is done but the end of the process, which takes a moment where PyTorch is in it."""
    for number in _numbers():
        signal.signal(number, signal.SIG_IGN)


def _numbers() -> tuple[int, ...]:
    """Where torchrun started us, it ends us, and at once: the others wait for nobody."""
    if "WORLD_SIZE" in os.environ:
        return (signal.SIGINT,)
    return (signal.SIGINT, signal.SIGTERM)
