"""Training, put together."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from csra_gui.base.engine_client import EngineFactory
from csra_gui.browse.image_loader import ImageDecoder
from csra_gui.models.manager import ModelManager
from csra_gui.session.session import Session
from csra_gui.training.actions import TrainingActions
from csra_gui.training.controller import TrainingController
from csra_gui.training.runner import TrainingRunner
from csra_gui.widgets.notifier import Notifier
from engine.records.trainings import TrainingStore


class TrainingFeature(QObject):
    """Makes the controller."""

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
        runner = TrainingRunner(factory, TrainingStore(), self)
        self.controller = TrainingController(session, manager, runner, notifier, decoder, window)
        self.activity = self.controller.activity
        self.actions = TrainingActions(session, self.controller)
