"""One pass of the model over photos, with its progress."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.workers.job import Job
from engine.errors import EngineError
from engine.values import Prediction

_AVERAGE_OVER_S = 8.0


@dataclass(frozen=True, slots=True)
class TagProgress:
    """How far a run is.

    Attributes:
        done: photos the model has been through, readable or not.
        total: photos in the run.
        rate_per_s: photos per second lately; ``None`` while nothing is known.
        remaining_s: seconds left at that rate; ``None`` while nothing is known.
    """

    done: int
    total: int
    rate_per_s: float | None = None
    remaining_s: float | None = None


@dataclass(frozen=True, slots=True)
class TagSummary:
    """How a run ended: what was tagged, what could not be read, and why it ended early."""

    total: int
    tagged: int
    unreadable: int
    cancelled: bool = False
    error: EngineError | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the model has been through every photo."""
        return self.tagged + self.unreadable == self.total


class MovingRate:
    """Items per second over the last few seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, done: int) -> float | None:
        """Note that so many are done now; the rate, or ``None`` while it is unknown."""
        self._points.append((now_s, done))
        while len(self._points) > 2 and now_s - self._points[1][0] >= _AVERAGE_OVER_S:
            self._points.popleft()
        first_s, first_done = self._points[0]
        if done == first_done or now_s <= first_s:
            return None
        return (done - first_done) / (now_s - first_s)


class TagRun(QObject):
    """Consumes a predict job: hands on its predictions, counts, and sums up.

    Signals:
        predictions_arrived: a tuple of ``Prediction``.
        progress_changed: a ``TagProgress``.
        finished: a ``TagSummary``; always, and always last.
    """

    predictions_arrived = Signal(object)
    progress_changed = Signal(object)
    finished = Signal(object)

    def __init__(self, job: Job, total: int, parent: QObject) -> None:
        super().__init__(parent)
        self._job = job
        self._total = total
        self._tagged = 0
        self._unreadable = 0
        self._error: EngineError | None = None
        self._rate = MovingRate()
        job.yielded.connect(self._on_job_yielded)
        job.failed.connect(self._on_job_failed)
        job.finished.connect(self._on_job_finished)

    def start(self) -> None:
        """Begin; once only."""
        self._rate.add(time.monotonic(), 0)
        self.progress_changed.emit(TagProgress(0, self._total))
        self._job.start()

    def cancel(self) -> None:
        """Stop within one batch; what has arrived is kept."""
        self._job.cancel()

    @Slot(object)
    def _on_job_yielded(self, predictions: tuple[Prediction, ...]) -> None:
        unreadable = sum(p.error is not None for p in predictions)
        self._unreadable += unreadable
        self._tagged += len(predictions) - unreadable
        self.predictions_arrived.emit(predictions)
        done = self._tagged + self._unreadable
        rate = self._rate.add(time.monotonic(), done)
        remaining = (self._total - done) / rate if rate else None
        self.progress_changed.emit(TagProgress(done, self._total, rate, remaining))

    @Slot(object)
    def _on_job_failed(self, error: EngineError) -> None:
        self._error = error

    @Slot()
    def _on_job_finished(self) -> None:
        self.finished.emit(
            TagSummary(
                self._total, self._tagged, self._unreadable, self._job.is_cancelled, self._error
            )
        )
        self.deleteLater()
