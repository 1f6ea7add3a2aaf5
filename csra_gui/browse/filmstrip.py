"""The shown photos in one row, below the large photo."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.browse.photo_list_model import FilmstripModel
from csra_gui.browse.thumbnail_view import ThumbnailView
from engine.library.columns import IntArray

_SIDE = 96
_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Down: 1,
}


class Filmstrip(ThumbnailView):
    """One row of thumbnails; the wheel moves along it."""

    def __init__(self, model: FilmstripModel, parent: QWidget | None = None) -> None:
        super().__init__(model, parent)
        self.setAccessibleName("Filmstrip")
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.delegate.thumbnail_side = _SIDE
        self.delegate.shows_text = False
        self._lay_out()

    @override
    def visible_positions(self) -> tuple[int, int]:
        width = max(1, self.horizontalHeader().defaultSectionSize())
        first = self.horizontalScrollBar().value() // width
        return first, first + self.viewport().width() // width + 2

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta()
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - (turned.y() or turned.x()))
        event.accept()

    @override
    def _target_of(self, key: Qt.Key) -> int | None:
        last = self._photos.count - 1
        page = max(1, self.viewport().width() // max(1, self.columnWidth(0)))
        jumps = {
            Qt.Key.Key_Home: -last,
            Qt.Key.Key_End: last,
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_PageDown: page,
        }
        step = (_STEPS | jumps).get(key)
        current = self.current_position
        if step is None:
            return None
        return 0 if current is None else min(max(current + step, 0), last)

    @override
    def _lay_out(self) -> None:
        cell = self.delegate.cell_size(self.font())
        self.horizontalHeader().setDefaultSectionSize(cell.width())
        self.verticalHeader().setDefaultSectionSize(cell.height())
        self.setFixedHeight(cell.height() + self.horizontalScrollBar().sizeHint().height())
        self.ask_soon()

    @override
    def _positions_inside(self, frame: QRect) -> IntArray:
        width = max(1, self.horizontalHeader().defaultSectionSize())
        start = self.horizontalScrollBar().value()
        first = max(0, frame.left() + start) // width
        last = min(max(0, frame.right() + start) // width, self._photos.count - 1)
        return np.arange(first, last + 1)
