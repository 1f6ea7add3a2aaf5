"""Evaluations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions
from csra_gui.base.activity import Activity
from csra_gui.session.session import Session

if TYPE_CHECKING:
    from csra_gui.evaluation.controller import EvaluationController

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("evaluate_voc", "&VOC2007…", tip="Measure a model on PASCAL VOC 2007."),
    ActionSpec("evaluate_coco", "&COCO2014…", tip="Measure a model on MS COCO 2014."),
    ActionSpec("evaluate_wider", "&WIDER…", tip="Measure a model on WIDER Attribute."),
    ActionSpec(
        "evaluate_folder", "&My folder…", tip="Measure a model on photos that you have labelled."
    ),
    ActionSpec(
        "evaluate_decisions",
        "My &decisions",
        tip="Measure the model by what you accepted, rejected and imported; it does not run again.",
    ),
    ActionSpec(
        "score_predictions",
        "Score &saved predictions…",
        tip="Measure scores that any program saved; no model runs.",
    ),
    ActionSpec(
        "evaluation_results",
        "&Results…",
        ("Ctrl+Shift+E",),
        tip="Look at evaluations, and compare them.",
    ),
    ActionSpec("cancel_evaluation", "S&top evaluating", tip="What was found so far is kept."),
)


class EvaluationActions(FeatureActions):
    """Starting evaluations and looking at what came of them."""

    def __init__(
        self, session: Session, activity: Activity, controller: Callable[[], EvaluationController]
    ) -> None:
        super().__init__(ACTIONS, activity)
        self._session = session
        self._activity = activity

        def do(wish: Callable[[EvaluationController], object]) -> Callable[[], object]:
            return lambda: wish(controller())

        self.connect_slots(
            {
                "evaluate_voc": do(lambda on: on.ask_start("voc2007")),
                "evaluate_coco": do(lambda on: on.ask_start("coco2014")),
                "evaluate_wider": do(lambda on: on.ask_start("wider")),
                "evaluate_folder": do(lambda on: on.ask_start("folder")),
                "evaluate_decisions": do(lambda on: on.evaluate_decisions()),
                "score_predictions": do(lambda on: on.ask_scores()),
                "evaluation_results": do(lambda on: on.show_results()),
                "cancel_evaluation": do(lambda on: on.cancel()),
            }
        )
        self.refresh_on(
            session.pipeline.photos_reset,
            session.pipeline.photos_added,
            session.models.state_changed,
            activity.progress_changed,
        )

    @override
    def refresh(self) -> None:
        has_photos = self._session.models.model is not None and len(self._session.photos) > 0
        self["evaluate_decisions"].setEnabled(has_photos)
        self["cancel_evaluation"].setEnabled(self._activity.progress is not None)
