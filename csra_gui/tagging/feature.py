"""Tagging, put together."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from csra_gui.base.settings import Settings
from csra_gui.session.session import Session
from csra_gui.tagging.actions import TaggingActions
from csra_gui.tagging.activity import TaggingActivity
from csra_gui.tagging.controller import TaggingController
from csra_gui.widgets.notifier import Notifier


class TaggingFeature(QObject):
    """Makes what tells of tagging, and the dialogs around it."""

    def __init__(
        self, session: Session, settings: Settings, notifier: Notifier, window: QWidget
    ) -> None:
        super().__init__(window)
        controller = TaggingController(session, settings, notifier, window)
        telling = TaggingActivity(session, settings, notifier, self)
        telling.problems_requested.connect(controller.show_problems)
        telling.left_out_requested.connect(controller.show_left_out)
        self.activity = telling.activity
        self.actions = TaggingActions(session, controller)
