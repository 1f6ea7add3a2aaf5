"""A training that somebody else asks for reports, and that can be ended from another thread."""

from __future__ import annotations

import threading
from collections.abc import Generator

from engine.api.training import TrainRequest
from engine.api.training_control import TrainingControl, Wish
from engine.api.training_reports import TrainReport
from engine.train.session import run_training


class RunningTraining:
    """One run of training.

    Args:
        request: what is asked.
    """

    def __init__(self, request: TrainRequest) -> None:
        self._control = TrainingControl()
        self._run = run_training(request, self._control)
        self._lock = threading.Lock()
        self._closed = False

    def reports(self) -> Generator[TrainReport, None, None]:
        """What it tells; ends early if it is closed."""
        try:
            while (report := self._next()) is not None:
                yield report
        finally:
            self.close()

    def steer(self, wish: Wish) -> None:
        """Pause, stop, or take back what was wished."""
        wishes = {
            Wish.NONE: self._control.take_back,
            Wish.PAUSE: self._control.pause,
            Wish.STOP_AFTER_EPOCH: self._control.stop_after_epoch,
            Wish.STOP_NOW: self._control.stop_now,
        }
        wishes[wish]()

    def close(self) -> None:
        """End it after the step that goes on, with its state on the disk; twice is harmless."""
        self._control.stop_now()
        with self._lock:
            self._closed = True
            self._run.close()

    def _next(self) -> TrainReport | None:
        with self._lock:
            return None if self._closed else next(self._run, None)
