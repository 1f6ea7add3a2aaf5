"""Evaluations, put together: most of this room is imported when something is to be evaluated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.base.activity import Activity
from csra_gui.base.jobs import JobSlot
from csra_gui.base.settings import Settings
from csra_gui.evaluation.actions import EvaluationActions
from csra_gui.models.entries import ModelEntry
from csra_gui.models.manager import ModelManager
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Remedy, Topic

if TYPE_CHECKING:
    from csra_gui.evaluation.controller import EvaluationController
    from engine.records.unfinished import UnfinishedRun

#: A folder that is one of these is no folder of holidays.
_CERTAIN = ("voc2007", "voc2012", "coco2014", "coco2017", "wider")


class EvaluationFeature(QObject):
    """Makes the controller when it is needed, and notices until then what there is to offer."""

    def __init__(
        self,
        session: Session,
        manager: ModelManager,
        settings: Settings,
        notifier: Notifier,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._manager = manager
        self._settings = settings
        self._notifier = notifier
        self._window = window
        self._controller: EvaluationController | None = None
        self._recognising = JobSlot(session.jobs, "recognise data set", self)
        self.activity = Activity(self, cancel=self._cancel)
        self.actions = EvaluationActions(session, self.activity, lambda: self.controller)
        session.pipeline.scan_started.connect(self._on_pipeline_scan_started)

    @property
    def controller(self) -> EvaluationController:
        """Of all that is asked and answered."""
        if self._controller is None:
            from csra_gui.evaluation.controller import EvaluationController

            self._controller = EvaluationController(
                self._session,
                self._manager,
                self._settings,
                self.activity,
                self._notifier,
                self._window,
            )
        return self._controller

    @Slot(object)
    def ask_faster(self, model: ModelEntry) -> None:
        """Ask on which photos a model's int8 network is measured."""
        self.controller.ask_faster(model)

    def look_for_unfinished(self) -> None:
        """Offer to go on with what was stopped when the program was closed."""
        self._session.jobs.run(_last_unfinished, "look for evaluations", self._offer_to_go_on)

    def closing_text(self) -> str:
        """What closing the window would stop; empty if nothing."""
        return "" if self._controller is None else self._controller.closing_text()

    def _cancel(self) -> None:
        self.controller.cancel()

    def _offer_to_go_on(self, stopped: UnfinishedRun | None) -> None:
        if stopped is not None:
            self.controller.offer_to_go_on(stopped)

    @Slot()
    def _on_pipeline_scan_started(self) -> None:
        self._recognising.drop()
        roots = tuple(self._session.pipeline.roots)
        if len(roots) == 1:
            self._recognising.run(
                lambda: _recognised(roots[0]), lambda found: self._offer_dataset(roots[0], found)
            )

    def _offer_dataset(self, root: Path, found: tuple[str, str] | None) -> None:
        if found is not None:
            kind, title = found
            evaluate = Remedy(
                "Evaluate a model on it…", lambda: self.controller.ask_start(kind, root)
            )
            self._notifier.info(f"This folder is {title}.", Topic.EVALUATION, evaluate)


# In workers, where imports hold up nobody.


def _last_unfinished() -> UnfinishedRun | None:
    from engine.records.unfinished import UnfinishedStore

    return next(iter(UnfinishedStore().values()), None)


def _recognised(root: Path) -> tuple[str, str] | None:
    """The kind and the title of the data set in a folder, if it certainly is one."""
    from engine.data.datasets.registry import dataset_spec, recognise

    found = recognise(root)
    if found is None or found[0] not in _CERTAIN:
        return None
    return found[0], dataset_spec(found[0]).title
