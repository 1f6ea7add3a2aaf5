"""The counts of what is shown, beside the photos."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDockWidget, QLineEdit, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.jobs import JobSlot
from csra_gui.base.settings import OPEN_LABEL_GROUPS, Settings
from csra_gui.search.facet import Facet, FacetGroup
from csra_gui.search.facet_list import FacetList
from csra_gui.search.facets import LABELS, facet_groups, found_facets
from csra_gui.search.filter_terms import clicked, terms_of
from csra_gui.session.session import Session
from csra_gui.widgets.labels import plain_label
from engine.library.filters.evaluation import LibraryView

#: Counts are worked out at most this often.
PAUSE_MS = 200
#: So that names and counts can be read however small the window is, in pixels.
_LEAST_WIDTH = 160
#: So many groups of labels that were left open are remembered.
_MOST_OPEN = 200
_NOTHING_OPEN = "Open a folder, and this says how many of its photos have each label."
_NOTHING_SHOWN = "No photo passes the filter."
_NOTHING_FOUND = "No label and no folder of the photos shown has this in its name."


class FacetsPanel(QWidget):
    """Counts follow what is shown, while they can be seen; a click changes the filter."""

    def __init__(self, session: Session, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._counting = JobSlot(session.jobs, "counts", self)
        self._counted: tuple[FacetGroup, ...] = ()
        self._turned: set[str] = set()
        self._open_labels = _stored_terms(str(settings.value(OPEN_LABEL_GROUPS)))
        self.search = QLineEdit(self)
        self.list = FacetList(self)
        self.hint = plain_label("", self)
        self.hint.setContentsMargins(10, 8, 10, 8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.search)
        layout.addWidget(self.hint)
        layout.addWidget(self.list, 1)
        self.search.setPlaceholderText("Search for a label or folder")
        self.search.setAccessibleName("Search in the counts")
        self.search.setClearButtonEnabled(True)
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
        self.search.textChanged.connect(self._update_list)
        self.list.facet_clicked.connect(self._on_list_facet_clicked)
        self.list.fold_requested.connect(self._on_list_fold_requested)

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
        rows, roots = session.shown.rows, [str(root) for root in session.pipeline.roots]
        self._counting.run(lambda: facet_groups(view, rows, roots), self._show)

    def _show(self, counted: tuple[FacetGroup, ...]) -> None:
        self._counted = counted
        self._update_list()

    @Slot()
    def _update_list(self) -> None:
        total, wanted = len(self._session.shown), self.search.text().strip()
        terms = terms_of(self._session.shown.filter_text)
        is_applied = self._session.shown.filter_error is None
        states = dict(terms) if is_applied else {}
        caption = "Filter" if is_applied else "Filter, not applied"
        # Also what no photo shown has: what is left out must be there to be clicked away.
        facets = tuple(Facet(term, term, total) for term, _ in terms)
        chosen = FacetGroup(caption, facets, is_applied)
        counted = self._counted
        if wanted:
            counted = found_facets(counted, wanted, self._session.photos.names)
        groups = (chosen, *counted) if terms else counted
        self.list.counts.set_groups(groups, states, total, self._opened(everything=bool(wanted)))
        self._tell(total, is_found=bool(counted))

    def _tell(self, total: int, *, is_found: bool) -> None:
        """Say why nothing is listed."""
        hint = ""
        if not total:
            hint = _NOTHING_SHOWN if len(self._session.photos) else _NOTHING_OPEN
        elif not is_found and self._counted:
            hint = _NOTHING_FOUND
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self.search.setVisible(bool(total))

    def _opened(self, *, everything: bool) -> Callable[[Facet], bool]:
        """Whether the parts of a facet are listed.

        Kinds of a label are if the person opened it, now or before; of folders in a folder at first
        only those in the outermost one.
        """
        labels = {facet.term for facet in self._facets(LABELS)}
        others = [facet for group in self._counted for facet in group.facets]
        tops = [f.term for f in others if f.has_parts and not f.depth and f.term not in labels]
        first = tops[0] if len(tops) == 1 else None

        def is_open(facet: Facet) -> bool:
            if everything:
                return True
            if facet.term in labels:
                return facet.term in self._open_labels
            return (facet.term == first) is not (facet.term in self._turned)

        return is_open

    def _facets(self, caption: str) -> Sequence[Facet]:
        """What was counted under a heading."""
        return [f for group in self._counted if group.caption == caption for f in group.facets]

    @Slot(str, bool)
    def _on_list_facet_clicked(self, term: str, negating: bool) -> None:
        shown = self._session.shown
        shown.set_filter(clicked(shown.filter_text, term, negating=negating))

    @Slot(str)
    def _on_list_fold_requested(self, term: str) -> None:
        if self.search.text().strip():
            return  # all that was found is open
        if any(term == facet.term for facet in self._facets(LABELS)):
            others = [one for one in self._open_labels if one != term]
            is_open = term in self._open_labels
            self._open_labels = others if is_open else [term, *others][:_MOST_OPEN]
            self._settings.set_value(OPEN_LABEL_GROUPS, json.dumps(self._open_labels))
        else:
            self._turned ^= {term}
        self._update_list()


class FacetsDock(QDockWidget):
    """The counts as a part of the window that can be moved and closed."""

    def __init__(self, session: Session, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__("Counts", parent)
        self.setObjectName("counts")
        self.panel = FacetsPanel(session, settings, self)
        self.setWidget(self.panel)


def _stored_terms(text: str) -> list[str]:
    """Terms as they are kept in the settings; what is damaged there is left out."""
    try:
        stored = json.loads(text or "[]")
    except ValueError:
        return []
    is_list = isinstance(stored, list)
    return [one for one in stored if isinstance(one, str)][:_MOST_OPEN] if is_list else []
