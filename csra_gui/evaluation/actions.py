"""Evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csra_gui.base.actions import ActionSpec, Slots
from csra_gui.evaluation.controller import EvaluationController
from csra_gui.session.session import Session

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions

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
MENU: tuple[str, ...] = (
    "evaluate_voc",
    "evaluate_coco",
    "evaluate_wider",
    "evaluate_folder",
    "evaluate_decisions",
    "-",
    "evaluation_results",
    "cancel_evaluation",
)


class EvaluateCommands:
    """Starting evaluations and looking at what came of them."""

    def __init__(self, session: Session, controller: EvaluationController) -> None:
        self._session = session
        self._controller = controller

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        controller = self._controller
        return {
            "evaluate_voc": lambda: controller.ask_start("voc2007"),
            "evaluate_coco": lambda: controller.ask_start("coco2014"),
            "evaluate_wider": lambda: controller.ask_start("wider"),
            "evaluate_folder": lambda: controller.ask_start("folder"),
            "evaluate_decisions": controller.evaluate_decisions,
            "evaluation_results": controller.show_results,
            "cancel_evaluation": controller.cancel,
        }

    def update(self, actions: Actions) -> None:
        """Enable the group's actions as things are now."""
        has_photos = self._session.models.model is not None and len(self._session.photos) > 0
        actions["evaluate_decisions"].setEnabled(has_photos)
        actions["cancel_evaluation"].setEnabled(self._controller.runner.is_running)
