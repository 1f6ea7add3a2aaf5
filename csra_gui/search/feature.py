"""Searching, put together."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from csra_gui.base.settings import Settings
from csra_gui.search.actions import SearchActions
from csra_gui.search.facets_panel import FacetsDock
from csra_gui.search.near_duplicates import NearDuplicates
from csra_gui.search.search_panel import SearchPanel
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier


class SearchFeature(QObject):
    """Makes the line to type in and the counts, for the window to place."""

    def __init__(
        self, session: Session, settings: Settings, notifier: Notifier, window: QWidget
    ) -> None:
        super().__init__(window)
        self.panel = SearchPanel(session, settings, window)
        self.facets = FacetsDock(session, settings, window)
        self.duplicates = NearDuplicates(session, notifier, self)
        self.actions = SearchActions(session, self.panel, self.facets, self.duplicates)
        self.panel.bar.set_facets_action(self.actions["show_facets"])
