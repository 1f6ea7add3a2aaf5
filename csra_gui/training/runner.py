"""What learns, one at a time, in a process of its own that gives way to all else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.engine_client import EngineFactory
from csra_gui.base.jobs import JobRunner, JobSlot, Policy
from csra_gui.base.paths import photo_feature_folder
from csra_gui.training.record import TrainingRecord
from engine.api.engine import TaggingEngine
from engine.api.errors import DataError, EngineError, EngineStoppedError
from engine.api.teaching import TeachProgress, TeachReport, TeachRequest
from engine.api.training import TrainRequest
from engine.api.training_control import Wish
from engine.api.training_reports import (
    Ending,
    PauseReport,
    Preflight,
    TrainingEnded,
    TrainingStarted,
    TrainReport,
)
from engine.records.training_lock import TrainingGoesOnError, goes_on_text, is_running
from engine.records.trainings import TrainingRun, TrainingStore

_LOOK_S = 0.1
_GIVEN_UP = (
    "The training got no further and was ended. What it saved is kept: Train ▸ All trainings "
    "can go on from there."
)


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

    def __init__(self, factory: EngineFactory, store: TrainingStore, parent: QObject) -> None:
        super().__init__(parent)
        self._factory = factory
        self._store = store
        self._jobs = JobRunner(self)
        self._slot = JobSlot(self._jobs, "train", self, Policy.IGNORE)
        self._error: EngineError | None = None
        self._is_given_up = False
        self._lock = threading.Lock()
        self._engine: TaggingEngine | None = None
        self._closed = threading.Event()
        self._is_stop_wished = False
        self._go = threading.Event()
        self.run: TrainingRun | None = None
        self.record = TrainingRecord()
        self.phase = Phase.ENDED

    @property
    def is_busy(self) -> bool:
        """Whether something learns, or waits to."""
        return self._slot.is_running

    @property
    def is_teaching(self) -> bool:
        """Whether a model learns from a person, outside of a training."""
        return self.is_busy and not self.is_training

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
        self._is_given_up = False
        for epoch in run.epochs:
            self.record.add(epoch)
        self._go.set()
        self._slot.run(
            lambda: self._reports(run.request, asks),
            on_values=self._take_reports,
            on_failure=self._take_error,
            on_end=self._finish,
        )
        self._set_phase(Phase.PREPARING)
        self.busy_changed.emit()

    def teach(
        self,
        make_request: Callable[[], TeachRequest],
        on_values: Callable[[Sequence[TeachProgress | TeachReport]], None],
        on_failure: Callable[[EngineError], None],
        on_end: Callable[[bool], None],
    ) -> None:
        """Learn from a person; nothing happens while something else learns.

        Args:
            make_request: says in a worker what to learn.
            on_values: takes how far it is, and at last its report.
            on_failure: takes the error that ended it.
            on_end: called last, with whether it was cancelled.
        """
        if self.is_busy:
            return

        def finish() -> None:
            self.busy_changed.emit()
            on_end(self._slot.is_cancelled)

        self._slot.run(
            lambda: self._teaching(make_request),
            on_values=on_values,
            on_failure=on_failure,
            on_end=finish,
        )
        self.busy_changed.emit()

    def cancel_teaching(self) -> None:
        """End learning from a person at its next step."""
        if self.is_teaching:
            self._slot.cancel()

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

    def end_process(self) -> None:
        """End the process of a training that gets no further; what it saved is there to go on."""
        with self._lock:
            engine = self._engine
        if engine is None or not self.is_training:
            return
        self._is_given_up = True
        self._jobs.run(engine.close, "end trainer")

    def shut_down(self, timeout_s: float) -> bool:
        """End everything, with the state on the disk; ``False`` if it took too long."""
        self._is_stop_wished = self.phase in (Phase.STOPPING, Phase.ENDED)
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
        if is_running(request.output):
            raise TrainingGoesOnError(goes_on_text(request.output.name))
        self._store.set_ending(request.output, None)
        engine = self._made_engine()
        try:
            with closing(engine.train(request)) as reports:
                for report in reports:
                    if isinstance(report, TrainingEnded) and not self._closed.is_set():
                        self._store.set_ending(request.output, report.ending)
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
            if self._closed.is_set() and not self._is_stop_wished:
                self._note_interrupted(request.output)

    def _note_interrupted(self, folder: Path) -> None:
        """An engine that ends with the window may have noted that the person stopped it."""
        with suppress(DataError):
            if self._store.read(folder).ending is Ending.STOPPED:
                self._store.set_ending(folder, None)

    def _teaching(
        self, make_request: Callable[[], TeachRequest]
    ) -> Generator[TeachProgress | TeachReport, None, None]:
        request = replace(make_request(), cache=photo_feature_folder())
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

    def _stop(self, wish: Wish) -> None:
        if self.is_training:
            waits = self.phase in (Phase.ASKING, Phase.PAUSED)
            self._set_phase(Phase.STOPPING)
            self._steer(wish, then_go=waits)

    def _steer(self, wish: Wish, *, then_go: bool = False) -> None:
        with self._lock:
            engine = self._engine
        if engine is not None:
            then = self._go.set if then_go else None  # only once the wish is known
            self._jobs.run(lambda: engine.steer_training(wish), "steer training", on_end=then)

    def _set_phase(self, phase: Phase) -> None:
        self.phase = phase
        self.phase_changed.emit()

    def _take_reports(self, reports: tuple[TrainReport, ...]) -> None:
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

    def _take_error(self, error: EngineError) -> None:
        self._error = EngineStoppedError(_GIVEN_UP) if self._is_given_up else error

    def _finish(self) -> None:
        if self.is_training and self.run is not None:
            end = TrainingEnd(self.run, self.record.ended, self._error)
            self._set_phase(Phase.ENDED)
            self.ended.emit(end)
        self.busy_changed.emit()
