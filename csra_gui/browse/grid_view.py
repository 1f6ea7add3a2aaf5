"""The grid of photos: a table whose columns follow the width."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect, Qt, Slot
from PySide6.QtWidgets import QAbstractItemView, QWidget
from typing_extensions import override

from csra_gui.browse.photo_list_model import PhotoListModel
from csra_gui.browse.thumbnail_view import ThumbnailView
from engine.library.columns import IntArray


class PhotoGrid(ThumbnailView):
    """Photos in as many columns as fit; arrow keys go through all of them in order."""

    def __init__(self, model: PhotoListModel, parent: QWidget | None = None) -> None:
        self._grid = model
        super().__init__(model, parent)
        self.setAccessibleName("Photos")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)

    def set_thumbnail_side(self, side: int) -> None:
        """Another size of thumbnail, in device-independent pixels."""
        if side != self.delegate.thumbnail_side:
            self.delegate.thumbnail_side = side
            self._lay_out()

    @override
    def visible_positions(self) -> tuple[int, int]:
        height = max(1, self.rowHeight(0) if self._grid.count else 1)
        first = self.verticalScrollBar().value() // height
        rows = self.viewport().height() // height + 2
        return first * self._grid.columns, (first + rows) * self._grid.columns

    @override
    def _target_of(self, key: Qt.Key) -> int | None:
        if key not in _NAVIGATION:
            return None
        last, columns = self._grid.count - 1, self._grid.columns
        if key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            return 0 if key == Qt.Key.Key_Home else last
        current = self.current_position
        if current is None:
            return 0
        page = columns * max(1, self.viewport().height() // max(1, self.rowHeight(0)))
        step = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -columns,
            Qt.Key.Key_Down: columns,
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_PageDown: page,
        }[key]
        target = current + step
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and not 0 <= target <= last:
            # In the first and last row there is nowhere to go, unless the last row is short.
            ends_below = key == Qt.Key.Key_Down and current // columns < last // columns
            return last if ends_below else current
        return target

    @override
    def _lay_out(self) -> None:
        """Fit the columns to the width and keep what was at the top at the top."""
        cell = self.delegate.cell_size(self.font())
        width = self.viewport().width()
        columns = max(1, width // cell.width())
        anchor = self._grid.photo_at(self.indexAt(self.viewport().rect().topLeft()))
        if columns != self._grid.columns:
            self._grid.set_columns(columns)
        self.horizontalHeader().setDefaultSectionSize(max(1, width // columns))
        self.verticalHeader().setDefaultSectionSize(cell.height())
        if anchor is not None and self._grid.position_of(anchor):
            hint = QAbstractItemView.ScrollHint.PositionAtTop
            self.scrollTo(self._grid.index_of(anchor), hint)
        self.ask_soon()

    @override
    def _positions_inside(self, frame: QRect) -> IntArray:
        columns = self._grid.columns
        width = max(1, self.horizontalHeader().defaultSectionSize())
        height = max(1, self.verticalHeader().defaultSectionSize())
        top = max(0, frame.top() + self.verticalScrollBar().value()) // height
        bottom = max(0, frame.bottom() + self.verticalScrollBar().value()) // height
        left = min(max(0, frame.left()) // width, columns)
        right = min(max(0, frame.right()) // width, columns - 1)
        rows = np.arange(top, min(bottom, self._grid.rowCount() - 1) + 1)[:, np.newaxis] * columns
        positions = (rows + np.arange(left, right + 1)).ravel()
        return positions[positions < self._grid.count]

    @override
    @Slot()
    def _on_model_reset(self) -> None:
        self.horizontalHeader().setDefaultSectionSize(
            max(1, self.viewport().width() // self._grid.columns)
        )
        super()._on_model_reset()


_NAVIGATION = frozenset(
    {
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
    }
)
