"""Waiting for another process; a standstill of everything, as of a laptop, does not count."""

from __future__ import annotations

import time

_TURN_S = 1.0
# A turn that takes longer than this was no waiting: nothing ran.
_LONGEST_TURN_S = 3.0


class TimeLeft:
    """Counts seconds down, and of a standstill one turn at most: who is waited for slept, too.

    The monotonic clock of Linux does not count while the computer is suspended. Those of other
    systems may, and none knows of processes that were stopped together.

    Args:
        seconds: to wait in all.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._last = time.monotonic()

    def turn(self) -> float:
        """Seconds to wait now, before this is asked again; 0 if none are left."""
        now = time.monotonic()
        passed, self._last = now - self._last, now
        if passed > _LONGEST_TURN_S:
            passed = _TURN_S
        self._left -= passed
        return min(max(self._left, 0.0), _TURN_S)
