"""Ctrl-C, which a terminal sends to all processes of a program, where the first alone answers."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Generator


@contextlib.contextmanager
def interrupts_blocked() -> Generator[None, None, None]:
    """Block Ctrl-C in this thread: a process started meanwhile never gets it, even while young.

    Where the system cannot (Windows), nothing is blocked.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
