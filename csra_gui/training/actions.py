"""Training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csra_gui.base.actions import ActionSpec, Slots
from csra_gui.session.session import Session
from csra_gui.training.controller import TrainingController

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "improve_model",
        "&Improve the model with my corrections…",
        tip="Let the model learn from the labels that you accepted, added and rejected.",
    ),
    ActionSpec(
        "teach_label",
        "&Teach a new label…",
        ("Ctrl+Shift+N",),
        tip="Show the model ten or more photos of something that it does not know.",
    ),
    ActionSpec(
        "new_training", "&New training…", tip="Train a model on a data set or on your labels."
    ),
    ActionSpec(
        "show_training", "&Show the training", tip="How the training goes that was started last."
    ),
    ActionSpec("trainings", "&All trainings…", tip="Compare, go on with, use or delete trainings."),
)


class TrainCommands:
    """What makes models learn."""

    def __init__(self, session: Session, controller: TrainingController) -> None:
        self._session = session
        self._controller = controller

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        controller = self._controller
        return {
            "improve_model": controller.teachings.show_improve,
            "teach_label": controller.teachings.show_teach,
            "new_training": controller.show_new,
            "show_training": controller.show_running,
            "trainings": controller.show_runs,
        }

    def update(self, actions: Actions) -> None:
        """Enable and check the group's actions as things are now."""
        ready = self._session.models.model is not None and len(self._session.photos) > 0
        actions["improve_model"].setEnabled(ready)
        actions["teach_label"].setEnabled(ready)
        actions["show_training"].setEnabled(self._controller.runner.run is not None)
