"""Evaluations, put together."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from csra_gui.base.settings import Settings
from csra_gui.evaluation.actions import EvaluationActions
from csra_gui.evaluation.controller import EvaluationController
from csra_gui.models.manager import ModelManager
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier


class EvaluationFeature(QObject):
    """Makes the controller."""

    def __init__(
        self,
        session: Session,
        manager: ModelManager,
        settings: Settings,
        notifier: Notifier,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self.controller = EvaluationController(session, manager, settings, notifier, window)
        self.activity = self.controller.runner.activity
        self.actions = EvaluationActions(session, self.controller)
