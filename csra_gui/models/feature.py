"""Models, put together."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from csra_gui.base.settings import Settings
from csra_gui.models.actions import ModelActions
from csra_gui.models.controller import ModelController
from csra_gui.models.details_choice import DetailsChoice
from csra_gui.models.manager import ModelManager
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier


class ModelsFeature(QObject):
    """Makes the dialogs around models, and tells of what is done with them."""

    def __init__(
        self,
        session: Session,
        manager: ModelManager,
        settings: Settings,
        notifier: Notifier,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self.manager = manager
        self.activity = manager.activity
        self.controller = ModelController(session, manager, settings, notifier, window)
        self.actions = ModelActions(self.controller)
        self.details = DetailsChoice(session.models, settings, self)

    def closing_text(self) -> str:
        """What closing the window would stop; empty if nothing."""
        return self.manager.closing_text
