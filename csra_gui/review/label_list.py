"""The labels of one image or several: point at one, accept it, reject it, pin its map."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QSize,
    Qt,
    Signal,
    SignalInstance,
)
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QListView, QWidget
from typing_extensions import override

from csra_gui.review.label_delegate import LabelDelegate, pin_area
from csra_gui.review.label_list_model import LabelListModel, LabelRole, LabelRow

_MOVES = frozenset(
    {
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
    }
)
_LEAST_WIDTH = 180
#: However little room there is, so many labels are seen; and how high one is while there is none.
_LEAST_ROWS = 2
_ROW_HEIGHT = 34
_Index = QModelIndex | QPersistentModelIndex


class LabelList(QListView):
    """Says which category is pointed at, by mouse or by keyboard, and what is done with it.

    A click accepts, with Shift it rejects; with Ctrl, or on the pin, it pins. On the keyboard
    Space accepts and Delete rejects.

    Signals:
        category_hovered: index of the category; −1 when none is pointed at any more.
        category_pinned: index of the category that the person pinned; −1 when they took the pin
            away. ``set_pinned`` is silent.
        accept_requested: name of the category that the person says is right.
        reject_requested: name of the category that the person says is wrong.
    """

    category_hovered = Signal(int)
    category_pinned = Signal(int)
    accept_requested = Signal(str)
    reject_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hovered = -1
        self._pressed = QPersistentModelIndex()
        self.setModel(LabelListModel(self))
        self.setItemDelegate(LabelDelegate(self))
        self.setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(self.tr("Labels"))

    @override
    def setModel(self, model: QAbstractItemModel | None) -> None:
        """Show a ``LabelListModel``, instead of the one that every list starts with."""
        if not isinstance(model, LabelListModel):
            raise TypeError(f"a LabelList shows a LabelListModel, not {model!r}")
        super().setModel(model)
        self._labels = model

    @override
    def reset(self) -> None:
        """Called by Qt when the rows are other ones: point anew."""
        super().reset()
        under = self.viewport().underMouse()
        self._set_hovered(self.indexAt(self._pointer()) if under else QModelIndex())

    def set_rows(self, rows: Sequence[LabelRow]) -> None:
        """Show other labels, or the same with other scores."""
        self._labels.set_rows(rows)

    @property
    def pinned(self) -> int:
        """Index of the pinned category; −1 if none is."""
        return self._labels.pinned

    def set_pinned(self, category_index: int) -> None:
        """Pin a category without a signal; −1 pins none."""
        self._labels.set_pinned(category_index)

    @property
    def hovered(self) -> int:
        """Index of the category pointed at; −1 if none is."""
        return self._hovered

    @override
    def sizeHint(self) -> QSize:
        return QSize(260, 160)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(_LEAST_WIDTH, _LEAST_ROWS * max(self.sizeHintForRow(0), _ROW_HEIGHT))

    # --- pointing ---

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._set_hovered(self.indexAt(event.position().toPoint()))

    @override
    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._set_hovered(QModelIndex())

    @override
    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        self._hover_under_pointer()

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        # Not when the window wakes up: nobody pointed at anything then.
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self._set_hovered(self.currentIndex())

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if not self.viewport().underMouse():
            self._set_hovered(QModelIndex())

    def _hover_under_pointer(self) -> None:
        """Point anew after rows moved below a pointer that rests."""
        if self.viewport().underMouse():
            self._set_hovered(self.indexAt(self._pointer()))

    def _pointer(self) -> QPoint:
        return self.viewport().mapFromGlobal(self.cursor().pos())

    def _set_hovered(self, index: _Index) -> None:
        row = index.data(LabelRole.ROW)
        category = row.index if isinstance(row, LabelRow) else -1
        if category != self._hovered:
            self._hovered = category
            self.category_hovered.emit(category)

    # --- deciding and pinning ---

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at, modifiers = event.position().toPoint(), event.modifiers()
        index = self.indexAt(at)
        pressed = index.isValid() and index == self._pressed
        self._pressed = QPersistentModelIndex()
        super().mouseReleaseEvent(event)
        if not pressed or event.button() is not Qt.MouseButton.LeftButton:
            return
        on_pin = pin_area(self.visualRect(index)).adjusted(-4, -6, 4, 6).contains(at)
        if on_pin or modifiers & Qt.KeyboardModifier.ControlModifier:
            self._toggle_pin(index)
        elif modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._decide(index, self.reject_requested)
        else:
            self._decide(index, self.accept_requested)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        # A second click of a double click is not pressed: it was meant as the first one was.
        self._pressed = QPersistentModelIndex(self.indexAt(event.position().toPoint()))
        super().mousePressEvent(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        match event.key():
            case Qt.Key.Key_Space:
                self._decide(index, self.accept_requested)
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace:
                self._decide(index, self.reject_requested)
            case Qt.Key.Key_Escape if self.pinned >= 0:
                self._pin(-1)
            case _:
                super().keyPressEvent(event)
                if event.key() in _MOVES:
                    self._set_hovered(self.currentIndex())

    def _decide(self, index: _Index, wish: SignalInstance) -> None:
        row = index.data(LabelRole.ROW)
        if isinstance(row, LabelRow):
            wish.emit(row.category)

    def _toggle_pin(self, index: _Index) -> None:
        row = index.data(LabelRole.ROW)
        if isinstance(row, LabelRow) and row.index >= 0:
            self._pin(-1 if row.index == self.pinned else row.index)

    def _pin(self, category: int) -> None:
        self._labels.set_pinned(category)
        self.category_pinned.emit(category)
