"""Reviewing, put together."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from csra_gui.base.settings import Settings
from csra_gui.maps.feature import MapsFeature
from csra_gui.review.actions import ReviewActions
from csra_gui.review.controller import ReviewController
from csra_gui.review.label_history import UsedLabels
from csra_gui.review.labels_panel import LabelsPanel
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier


class ReviewFeature(QObject):
    """Makes the panel of labels, for the window to place."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        maps: MapsFeature,
        notifier: Notifier,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self.used_labels = UsedLabels(settings, self)
        self.controller = ReviewController(session, self.used_labels, notifier, self)
        self.labels = LabelsPanel(session, settings, maps.display, self.controller, window)
        self.actions = ReviewActions(session, self.controller, self.used_labels, self.labels)
        self.labels.why.setDefaultAction(maps.actions["why"])
        self.labels.reviewed.setDefaultAction(self.actions["reviewed"])
        self.labels.favourites.setDefaultAction(self.actions["edit_favourites"])
