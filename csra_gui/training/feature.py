"""Training, put together: most of this room is imported when something is to be trained."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.base.activity import Activity
from csra_gui.base.engine_client import EngineFactory
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.models.manager import ModelManager
from csra_gui.session.session import Session
from csra_gui.training.actions import TrainingActions
from csra_gui.widgets.notifier import Notifier, Topic

if TYPE_CHECKING:
    from csra_gui.training.controller import TrainingController
    from engine.records.trainings import TrainingRun

_OLD_S = 24 * 3600.0


class TrainingFeature(QObject):
    """Makes the controller when it is needed.

    Args:
        factory: makes the engine of each training.
        window: over which dialogs open.

    Signals:
        learning_ended: nothing learns any more.
    """

    learning_ended = Signal()

    def __init__(
        self,
        session: Session,
        manager: ModelManager,
        factory: EngineFactory,
        decoder: ImageDecoder,
        notifier: Notifier,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._manager = manager
        self._factory = factory
        self._decoder = decoder
        self._notifier = notifier
        self._window = window
        self._controller: TrainingController | None = None
        show = ("Show training", self._show_running)
        self.activity = Activity(self, show=show, name="Progress of the training")
        self.actions = TrainingActions(session, self.activity, lambda: self.controller)

    @property
    def controller(self) -> TrainingController:
        """Of all that is asked and answered."""
        if self._controller is None:
            from csra_gui.training.controller import TrainingController
            from csra_gui.training.runner import TrainingRunner
            from engine.records.trainings import TrainingStore

            runner = TrainingRunner(self._factory, TrainingStore(), self)
            self._controller = TrainingController(
                self._session, self._manager, runner, self._notifier, self._decoder, self._window
            )
            self._controller.progressed.connect(self.activity.set_progress)
            runner.busy_changed.connect(self._on_runner_busy_changed)
        return self._controller

    @property
    def is_busy(self) -> bool:
        """Whether something learns, or waits to."""
        return self._controller is not None and self._controller.runner.is_busy

    def look_for_interrupted(self) -> None:
        """Offer to go on with what was interrupted when the window was closed."""
        self._session.jobs.run(
            _last_interrupted,
            "look for trainings",
            self._offer_to_go_on,
            lambda error: self._notifier.error(str(error), Topic.TRAINING),
        )

    def closing_text(self) -> str:
        """What becomes of a training if the window is closed; empty for nothing."""
        return "" if self._controller is None else self._controller.closing_text()

    def shut_down(self, timeout_s: float) -> bool:
        """End everything; ``False`` if something would not end in time."""
        return self._controller is None or self._controller.shut_down(timeout_s)

    @Slot(str)
    def teach(self, label: str) -> None:
        """Ask for photos that show a label, so that the model learns it."""
        self.controller.teaching.show_teach(label)

    @Slot()
    def _on_runner_busy_changed(self) -> None:
        if not self.is_busy:
            self.learning_ended.emit()

    def _show_running(self) -> None:
        self.controller.show_running()

    def _offer_to_go_on(self, run: TrainingRun | None) -> None:
        if run is not None:
            self.controller.offer_to_go_on(run)


def _last_interrupted() -> TrainingRun | None:
    """In a worker; what was asked for long ago and never began is cleared away."""
    from engine.records.trainings import TrainingStore

    store = TrainingStore()
    runs = store.values()
    for run in runs:
        if not (run.has_begun or run.is_running) and time.time() - run.created > _OLD_S:
            store.delete(run.folder)
    left = (run for run in runs if run.ending is None and run.has_state and not run.is_running)
    return next(left, None)
