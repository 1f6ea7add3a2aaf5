"""The frame that is drawn by dragging over a view, which scrolls along at its edges."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QPoint, QRect, QSize, QTimer, Signal, Slot
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QRubberBand

from engine.library.columns import IntArray

_SCROLL_MS = 30
_SCROLL_SHARE = 0.5


class RubberBand(QObject):
    """Nothing is drawn until the pointer has moved as far as a drag needs.

    Attributes:
        chosen_before: positions that stay chosen, whatever the frame touches.

    Signals:
        moved: the frame, in coordinates of the viewport.
    """

    moved = Signal(QRect)

    def __init__(self, area: QAbstractScrollArea) -> None:
        super().__init__(area)
        self._area = area
        self._frame = QRubberBand(QRubberBand.Shape.Rectangle, area.viewport())
        self._start: QPoint | None = None  # in the content, which may scroll away below
        self._pointer = QPoint()
        self.chosen_before: IntArray = np.arange(0)
        self._scroll = QTimer(self, interval=_SCROLL_MS)
        self._scroll.timeout.connect(self._on_scroll_timeout)

    def begin(self, point: QPoint, chosen_before: IntArray) -> None:
        """The button went down."""
        self._start = point + self._offset()
        self.chosen_before = chosen_before

    def drag_to(self, point: QPoint) -> None:
        """The pointer is here now, perhaps outside the viewport."""
        if self._start is None:
            return
        self._pointer = point
        way = (point + self._offset() - self._start).manhattanLength()
        if self._frame.isVisible() or way >= QApplication.startDragDistance():
            self._frame.show()
            self._draw()
            outside = not self._area.viewport().rect().contains(point)
            if outside and not self._scroll.isActive():
                self._scroll.start()

    def end(self) -> None:
        """The button is up."""
        self._start = None
        self._scroll.stop()
        self._frame.hide()

    def _offset(self) -> QPoint:
        bars = self._area.horizontalScrollBar(), self._area.verticalScrollBar()
        return QPoint(bars[0].value(), bars[1].value())

    def _draw(self) -> None:
        if self._start is None:
            return
        start = self._start - self._offset()
        corner = QPoint(min(start.x(), self._pointer.x()), min(start.y(), self._pointer.y()))
        way = start - self._pointer
        frame = QRect(corner, QSize(abs(way.x()) + 1, abs(way.y()) + 1))
        self._frame.setGeometry(frame)
        self.moved.emit(frame)

    @Slot()
    def _on_scroll_timeout(self) -> None:
        room = self._area.viewport().rect()
        if room.contains(self._pointer):
            self._scroll.stop()
            return
        right = max(0, self._pointer.x() - room.right()) + min(0, self._pointer.x())
        down = max(0, self._pointer.y() - room.bottom()) + min(0, self._pointer.y())
        horizontal, vertical = self._area.horizontalScrollBar(), self._area.verticalScrollBar()
        horizontal.setValue(horizontal.value() + round(right * _SCROLL_SHARE))
        vertical.setValue(vertical.value() + round(down * _SCROLL_SHARE))
        self._draw()
