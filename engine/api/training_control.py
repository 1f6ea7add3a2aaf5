"""Wishes that a running training meets as soon as it well can; light."""

from __future__ import annotations

import threading
from enum import IntEnum


class Wish(IntEnum):
    """What somebody wants of a running training; the greater one wins.

    NONE: nothing, or nothing any more.
    PAUSE: finish the step, save the state, and wait.
    STOP_AFTER_EPOCH: finish the epoch, validate it, and end.
    STOP_NOW: finish the step, save the state, and end.
    """

    NONE = 0
    PAUSE = 1
    STOP_AFTER_EPOCH = 2
    STOP_NOW = 3


class TrainingControl:
    """Wishes to a run, from any thread.

    A run looks after each step. Whoever consumes it may also close its generator, which stops it
    at once, or ask for no more reports for a while, which makes it wait; a pause by wish saves the
    state first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wish = Wish.NONE

    def stop_after_epoch(self) -> None:
        """Finish the epoch, judge it, keep the best model, and end."""
        self._want(Wish.STOP_AFTER_EPOCH)

    def stop_now(self) -> None:
        """Finish the step, save the state and the model as it is, and end."""
        self._want(Wish.STOP_NOW)

    def pause(self) -> None:
        """Finish the step, save the state, and send a ``PauseReport``."""
        self._want(Wish.PAUSE)

    def take_back(self) -> None:
        """Go on as if nothing had been wished, if the run has not ended yet."""
        with self._lock:
            self._wish = Wish.NONE

    @property
    def wish(self) -> Wish:
        """What is wanted now."""
        return self._wish

    def met(self, wish: Wish) -> None:
        """A wish that does not end the run was met; a greater one that came meanwhile stays."""
        with self._lock:
            if self._wish == wish:
                self._wish = Wish.NONE

    def _want(self, wish: Wish) -> None:
        with self._lock:
            self._wish = max(self._wish, wish)
