"""The counts of what is shown, beside the photos."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDockWidget, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.jobs import JobSlot
from csra_gui.search.facet_list import FacetList
from csra_gui.search.facets import Facet, FacetGroup, facet_groups
from csra_gui.search.filter_terms import TermState, clicked, terms_of
from csra_gui.session.session import Session
from csra_gui.widgets.labels import plain_label
from engine.library.filters.evaluation import LibraryView

#: Counts are worked out at most this often.
PAUSE_MS = 200
#: So that names and counts can be read however small the window is, in pixels.
_LEAST_WIDTH = 160
_NOTHING_OPEN = "Open a folder, and this says how many of its photos have each label."
_NOTHING_SHOWN = "No photo passes the filter."


class FacetsPanel(QWidget):
    """Counts follow what is shown, while they can be seen; a click changes the filter."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._counting = JobSlot(session.jobs, "counts", self)
        self.list = FacetList(self)
        self.hint = plain_label("", self)
        self.hint.setContentsMargins(10, 8, 10, 8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.hint)
        layout.addWidget(self.list, 1)
        self.setMinimumWidth(_LEAST_WIDTH)
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._timer.timeout.connect(self._count)
        self._connect()
        self._show(())

    def _connect(self) -> None:
        session = self._session
        for fact in (
            session.shown.changed,
            session.shown.order_changed,
            session.pipeline.photos_added,
            session.pipeline.photos_reset,
            session.pipeline.predictions_changed,
            session.decisions.changed,
            session.thresholds.changed,
            session.models.state_changed,
        ):
            fact.connect(self.refresh)
        self.list.facet_clicked.connect(self._on_list_facet_clicked)

    @Slot()
    def refresh(self) -> None:
        """Count anew soon, if the counts can be seen."""
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    @Slot()
    def _count(self) -> None:
        if self._counting.is_running:
            self._timer.start()
            return
        session = self._session
        thresholds = np.asarray(session.thresholds.values, dtype=np.float32)
        each = np.broadcast_to(thresholds, (len(session.photos.categories),))
        view = LibraryView(session.photos.columns(), each)
        rows = session.shown.rows
        self._counting.run(lambda: facet_groups(view, rows), self._show)

    def _show(self, counted: tuple[FacetGroup, ...]) -> None:
        total = len(self._session.shown)
        states = dict(terms_of(self._session.shown.filter_text))
        caption = "Filter"
        if self._session.shown.filter_error is not None:
            caption = "Filter, not applied"
            states = dict.fromkeys(states, TermState.NOT_APPLIED)
        # Also what no photo shown has: what is left out must be there to be clicked away.
        chosen = FacetGroup(caption, tuple(Facet(term, term, total) for term in states))
        groups = (chosen, *counted) if states else counted
        self.list.set_groups(groups, states, total)
        nothing = _NOTHING_SHOWN if len(self._session.photos) else _NOTHING_OPEN
        self.hint.setText("" if total else nothing)
        self.hint.setVisible(not total)

    @Slot(str, bool)
    def _on_list_facet_clicked(self, term: str, negating: bool) -> None:
        shown = self._session.shown
        shown.set_filter(clicked(shown.filter_text, term, negating=negating))


class FacetsDock(QDockWidget):
    """The counts as a part of the window that can be moved and closed."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Counts", parent)
        self.setObjectName("counts")
        self.panel = FacetsPanel(session, self)
        self.setWidget(self.panel)
