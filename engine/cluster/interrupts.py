"""Ctrl+C while Ray works: what it raises may end in a callback of Ray's, and nobody hears of it."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self


class Interrupts:
    """Remembers Ctrl+C for as long as it is entered; elsewhere than in the main thread, nothing."""

    def __init__(self) -> None:
        self._is_asked = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise what was lost.

        Raises:
            KeyboardInterrupt: somebody pressed Ctrl+C.
        """
        if self._is_asked:
            raise KeyboardInterrupt

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._is_asked = True
        raise KeyboardInterrupt
