"""Training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions
from csra_gui.base.activity import Activity
from csra_gui.session.session import Session

if TYPE_CHECKING:
    from csra_gui.training.controller import TrainingController

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


class TrainingActions(FeatureActions):
    """What makes models learn."""

    def __init__(
        self, session: Session, activity: Activity, controller: Callable[[], TrainingController]
    ) -> None:
        super().__init__(ACTIONS, activity)
        self._session = session

        def do(wish: Callable[[TrainingController], object]) -> Callable[[], object]:
            return lambda: wish(controller())

        self.connect_slots(
            {
                "improve_model": do(lambda on: on.teaching.show_improve()),
                "teach_label": do(lambda on: on.teaching.show_teach()),
                "new_training": do(lambda on: on.show_new()),
                "show_training": do(lambda on: on.show_running()),
                "trainings": do(lambda on: on.show_runs()),
            }
        )
        self["show_training"].setEnabled(False)  # until there was one
        activity.progress_changed.connect(lambda: self["show_training"].setEnabled(True))
        self.refresh_on(
            session.pipeline.photos_reset,
            session.pipeline.photos_added,
            session.models.state_changed,
        )

    @override
    def refresh(self) -> None:
        ready = self._session.models.model is not None and len(self._session.photos) > 0
        self["improve_model"].setEnabled(ready)
        self["teach_label"].setEnabled(ready)
