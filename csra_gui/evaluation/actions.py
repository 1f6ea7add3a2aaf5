"""Evaluations."""

from __future__ import annotations

from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions
from csra_gui.evaluation.controller import EvaluationController
from csra_gui.session.session import Session

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
        tip="Measure the model by what you accepted and rejected; it does not run again.",
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

    def __init__(self, session: Session, controller: EvaluationController) -> None:
        super().__init__(ACTIONS, controller)
        self._session = session
        self._runner = controller.runner
        self.connect_slots(
            {
                "evaluate_voc": lambda: controller.ask_start("voc2007"),
                "evaluate_coco": lambda: controller.ask_start("coco2014"),
                "evaluate_wider": lambda: controller.ask_start("wider"),
                "evaluate_folder": lambda: controller.ask_start("folder"),
                "evaluate_decisions": controller.evaluate_decisions,
                "evaluation_results": controller.show_results,
                "cancel_evaluation": controller.cancel,
            }
        )
        self.refresh_on(
            session.pipeline.photos_reset,
            session.pipeline.photos_added,
            session.models.state_changed,
            self._runner.state_changed,
            self._runner.ended,
        )

    @override
    def refresh(self) -> None:
        has_photos = self._session.models.model is not None and len(self._session.photos) > 0
        self["evaluate_decisions"].setEnabled(has_photos)
        self["cancel_evaluation"].setEnabled(self._runner.is_running)
