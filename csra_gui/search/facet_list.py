"""Counts that can be clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QListView, QWidget
from typing_extensions import override

from csra_gui.search.facet_delegate import FacetDelegate
from csra_gui.search.facet_model import FacetModel, FacetRole, FacetRow
from csra_gui.search.facets import FacetGroup
from csra_gui.search.filter_terms import TermState


class FacetList(QListView):
    """Says which facet was clicked, and whether to leave its photos out.

    Signals:
        facet_clicked: its term, and whether the click was a "not this" (Shift, or Delete).
    """

    facet_clicked = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.counts = FacetModel(self)
        self._pressed = QPersistentModelIndex()
        self.setModel(self.counts)
        self.setItemDelegate(FacetDelegate(self))
        self.setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Counts")

    def set_groups(
        self, groups: Sequence[FacetGroup], states: Mapping[str, TermState], total: int
    ) -> None:
        """Show other counts; see ``FacetModel``."""
        self.counts.set_groups(groups, states, total)

    @override
    def sizeHint(self) -> QSize:
        return QSize(210, 320)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = QPersistentModelIndex(self.indexAt(event.position().toPoint()))
        super().mousePressEvent(event)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        pressed, self._pressed = self._pressed, QPersistentModelIndex()
        super().mouseReleaseEvent(event)
        if event.button() is Qt.MouseButton.LeftButton and index.isValid() and index == pressed:
            shift = Qt.KeyboardModifier.ShiftModifier
            self._tell(index, negating=bool(event.modifiers() & shift))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Space:
                shift = Qt.KeyboardModifier.ShiftModifier
                self._tell(self.currentIndex(), negating=bool(event.modifiers() & shift))
            case Qt.Key.Key_Delete:
                self._tell(self.currentIndex(), negating=True)
            case _:
                super().keyPressEvent(event)

    def _tell(self, index: QModelIndex, *, negating: bool) -> None:
        row = index.data(FacetRole.ROW)
        if isinstance(row, FacetRow) and row.facet is not None:
            self.facet_clicked.emit(row.facet.term, negating)
