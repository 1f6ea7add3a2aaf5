"""One pass of the model over photos, with its progress."""

from __future__ import annotations

import time
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.activity import MovingRate
from csra_gui.base.jobs import Job
from csra_gui.session.tag_job import FileChanged, NotStored, Outcome
from engine.api.errors import EngineError
from engine.api.values import Prediction


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
    """How a run ended: what was tagged, what could not be read, and why it ended early.

    Attributes:
        total: photos in the run.
        tagged: photos that have scores now.
        unreadable: photos that the model could not be run on.
        cancelled: whether the person ended it.
        error: what ended it.
        paused: whether the person means to go on with it.
        changed: photos whose files changed meanwhile; they have to be tagged again.
        is_held_back: whether the results count only once they are accepted.
    """

    total: int
    tagged: int
    unreadable: int
    cancelled: bool = False
    error: EngineError | None = None
    paused: bool = False
    changed: int = 0
    is_held_back: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether the model has been through every photo."""
        return self.tagged + self.unreadable + self.changed == self.total


class TagRun(QObject):
    """Consumes a predict job: hands on its predictions, counts, and sums up.

    Args:
        job: yields what ``kept_predictions`` does.
        total: photos in the run, with those done before a pause.
        parent: in the GUI thread.
        before: how an earlier part of the run ended, if it was paused.

    Signals:
        predictions_arrived: a tuple of ``Prediction``.
        files_changed: a tuple of ``FileChanged``.
        storing_failed: why predictions could not be written, an ``EngineError``.
        progress_changed: a ``TagProgress``.
        finished: a ``TagSummary``; always, and always last.
    """

    predictions_arrived = Signal(object)
    files_changed = Signal(object)
    storing_failed = Signal(object)
    progress_changed = Signal(object)
    finished = Signal(object)

    def __init__(
        self, job: Job, total: int, parent: QObject, before: TagSummary | None = None
    ) -> None:
        super().__init__(parent)
        self._job = job
        self._total = total
        self._tagged = 0 if before is None else before.tagged
        self._unreadable = 0 if before is None else before.unreadable
        self._changed = 0
        self._is_paused = False
        self._error: EngineError | None = None
        self._rate = MovingRate()
        job.yielded.connect(self._on_job_yielded)
        job.failed.connect(self._on_job_failed)
        job.finished.connect(self._on_job_finished)

    def start(self) -> None:
        """Begin; once only."""
        done = self._tagged + self._unreadable
        self._rate.add(time.monotonic(), done)
        self.progress_changed.emit(TagProgress(done, self._total))
        self._job.start()

    def cancel(self) -> None:
        """Stop within one batch; what has arrived is kept."""
        self._job.cancel()

    def pause(self) -> None:
        """The same, to go on later."""
        self._is_paused = True
        self._job.cancel()

    @Slot(object)
    def _on_job_yielded(self, outcomes: tuple[Outcome, ...]) -> None:
        changed = tuple(x for x in outcomes if isinstance(x, FileChanged))
        if changed:
            self._changed += len(changed)
            self.files_changed.emit(changed)
        for outcome in outcomes:
            if isinstance(outcome, NotStored):
                self.storing_failed.emit(outcome.error)
        self._take(tuple(x for x in outcomes if isinstance(x, Prediction)))

    def _take(self, predictions: tuple[Prediction, ...]) -> None:
        unreadable = sum(p.error is not None for p in predictions)
        self._unreadable += unreadable
        self._tagged += len(predictions) - unreadable
        self.predictions_arrived.emit(predictions)
        done = self._tagged + self._unreadable + self._changed
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
                self._total,
                self._tagged,
                self._unreadable,
                self._job.is_cancelled and not self._is_paused,
                self._error,
                self._job.is_cancelled and self._is_paused,
                self._changed,
            )
        )
        self.deleteLater()
