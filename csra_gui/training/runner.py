"""Trainings and teachings, one at a time, in a process of their own that gives way to all else."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.engine_client import EngineFactory
from csra_gui.base.jobs import Job, JobRunner
from csra_gui.training.record import TrainingRecord
from engine.api.engine import TaggingEngine
from engine.api.errors import EngineError, EngineStoppedError
from engine.api.teaching import TeachProgress, TeachReport, TeachRequest
from engine.api.training import TrainRequest
from engine.api.training_control import Wish
from engine.api.training_reports import (
    PauseReport,
    Preflight,
    TrainingEnded,
    TrainingStarted,
    TrainReport,
)
from engine.records.trainings import TrainingRun, TrainingRuns

_LOOK_S = 0.1


class Phase(Enum):
    """What a training is about."""

    PREPARING = auto()
    ASKING = auto()
    RUNNING = auto()
    PAUSING = auto()
    PAUSED = auto()
    STOPPING = auto()
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class TrainingEnd:
    """How a training ended.

    Attributes:
        run: which one.
        report: its last report; ``None`` if it failed or was thrown away before it began.
        error: why it failed.
    """

    run: TrainingRun
    report: TrainingEnded | None = None
    error: EngineError | None = None


class TrainingRunner(QObject):
    """Runs what learns. The engine's process is made for it and ended after it.

    Signals:
        phase_changed: ``phase`` is another one; also when a training begins.
        reported: a tuple of reports; ``record`` has them already.
        ended: a ``TrainingEnd``.
        busy_changed: whether anything learns.
    """

    phase_changed = Signal()
    reported = Signal(object)
    ended = Signal(object)
    busy_changed = Signal()

    def __init__(self, factory: EngineFactory, runs: TrainingRuns, parent: QObject) -> None:
        super().__init__(parent)
        self._factory = factory
        self._runs = runs
        self._jobs = JobRunner(self)
        self._job: Job | None = None
        self._error: EngineError | None = None
        self._lock = threading.Lock()
        self._engine: TaggingEngine | None = None
        self._closed = threading.Event()
        self._go = threading.Event()
        self.run: TrainingRun | None = None
        self.record = TrainingRecord()
        self.phase = Phase.ENDED

    @property
    def is_busy(self) -> bool:
        """Whether something learns, or waits to."""
        return self._job is not None

    @property
    def is_training(self) -> bool:
        """Whether a training goes on, even if it waits."""
        return self.phase is not Phase.ENDED

    # Wishes.

    def start(self, run: TrainingRun, *, asks: bool) -> None:
        """Begin or go on with a training; nothing happens while something else learns.

        Args:
            run: as it was kept.
            asks: wait after the pre-flight for ``go_on``.
        """
        if self.is_busy:
            return
        self.run, self.record, self._error = run, TrainingRecord(run.name), None
        for epoch in run.epochs:
            self.record.add(epoch)
        self._go.set()
        job = self._jobs.prepare(lambda: self._reports(run.request, asks), "train")
        job.yielded.connect(self._on_job_yielded)
        job.failed.connect(self._on_job_failed)
        self._begin(job)
        self._set_phase(Phase.PREPARING)
        job.start()

    def teach(self, request: TeachRequest) -> Job | None:
        """A job that yields how far a teaching is and at last its report; the caller starts it.

        Returns:
            ``None`` while something else learns.
        """
        if self.is_busy:
            return None
        job = self._jobs.prepare(lambda: self._teaching(request), "teach")
        self._begin(job)
        return job

    @Slot()
    def go_on(self) -> None:
        """After the pre-flight or a pause."""
        if self.phase in (Phase.ASKING, Phase.PAUSED):
            self._set_phase(Phase.PREPARING if self.phase is Phase.ASKING else Phase.RUNNING)
            self._go.set()
        elif self.phase in (Phase.PAUSING, Phase.STOPPING):
            self._set_phase(Phase.RUNNING)
            self._steer(Wish.NONE)

    @Slot()
    def pause(self) -> None:
        """After the step that goes on; the state is saved."""
        if self.phase is Phase.RUNNING:
            self._set_phase(Phase.PAUSING)
            self._steer(Wish.PAUSE)

    @Slot()
    def stop_after_epoch(self) -> None:
        """Finish the epoch, then end and keep the best model."""
        self._stop(Wish.STOP_AFTER_EPOCH)

    @Slot()
    def stop_now(self) -> None:
        """End after the step that goes on; what is there is kept."""
        self._stop(Wish.STOP_NOW)

    def shut_down(self, timeout_s: float) -> bool:
        """End everything, with the state on the disk; ``False`` if it took too long."""
        self._closed.set()
        self._jobs.cancel_all()
        with self._lock:
            engine = self._engine
        if engine is not None:
            closer = threading.Thread(target=engine.close, name="close trainer", daemon=True)
            closer.start()
            closer.join(timeout_s)
        return self._jobs.shut_down(timeout_s)

    # In the worker thread.

    def _reports(self, request: TrainRequest, asks: bool) -> Generator[TrainReport, None, None]:
        self._runs.set_ending(request.output, None)
        engine = self._made_engine()
        try:
            with closing(engine.train(request)) as reports:
                for report in reports:
                    if isinstance(report, TrainingEnded) and not self._closed.is_set():
                        self._runs.set_ending(request.output, report.ending)
                    waits = isinstance(report, PauseReport) or (
                        asks and isinstance(report, Preflight)
                    )
                    if waits:
                        self._go.clear()
                    yield report
                    if waits and not self._may_go_on():
                        return
        finally:
            self._end_engine(engine)

    def _teaching(
        self, request: TeachRequest
    ) -> Generator[TeachProgress | TeachReport, None, None]:
        engine = self._made_engine()
        try:
            yield from engine.teach(request)
        finally:
            self._end_engine(engine)

    def _may_go_on(self) -> bool:
        while not self._go.wait(_LOOK_S):
            if self._closed.is_set():
                return False
        return True

    def _made_engine(self) -> TaggingEngine:
        engine = self._factory()
        with self._lock:
            if not self._closed.is_set():
                self._engine = engine
                return engine
        engine.close()
        raise EngineStoppedError("The window was closed before the training began.")

    def _end_engine(self, engine: TaggingEngine) -> None:
        with self._lock:
            self._engine = None
        engine.close()

    # In the GUI thread.

    def _begin(self, job: Job) -> None:
        self._job = job
        job.finished.connect(self._on_job_finished)
        self.busy_changed.emit()

    def _stop(self, wish: Wish) -> None:
        if self.is_training:
            waits = self.phase in (Phase.ASKING, Phase.PAUSED)
            self._set_phase(Phase.STOPPING)
            self._steer(wish, then_go=waits)

    def _steer(self, wish: Wish, *, then_go: bool = False) -> None:
        with self._lock:
            engine = self._engine
        if engine is None:
            return
        job = self._jobs.prepare(lambda: engine.steer_training(wish), "steer training")
        if then_go:  # only once the wish is known
            job.finished.connect(self._go.set)
        job.start()

    def _set_phase(self, phase: Phase) -> None:
        self.phase = phase
        self.phase_changed.emit()

    @Slot(object)
    def _on_job_yielded(self, reports: tuple[TrainReport, ...]) -> None:
        for report in reports:
            self.record.add(report)
            self._follow(report)
        self.reported.emit(reports)

    def _follow(self, report: TrainReport) -> None:
        if isinstance(report, Preflight) and not self._go.is_set():
            self._set_phase(Phase.ASKING)
        elif isinstance(report, PauseReport) and self.phase is Phase.PAUSING:
            self._set_phase(Phase.PAUSED)
        elif isinstance(report, PauseReport):  # taken back, or a greater wish came meanwhile
            self._go.set()
        elif isinstance(report, TrainingStarted) and self.phase is Phase.PREPARING:
            self._set_phase(Phase.RUNNING)

    @Slot(object)
    def _on_job_failed(self, error: EngineError) -> None:
        self._error = error

    @Slot()
    def _on_job_finished(self) -> None:
        self._job = None
        if self.is_training and self.run is not None:
            end = TrainingEnd(self.run, self.record.ended, self._error)
            self._set_phase(Phase.ENDED)
            self.ended.emit(end)
        self.busy_changed.emit()
