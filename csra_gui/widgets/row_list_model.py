"""A long list of photos by their rows in the table; nothing is made before it is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from csra_gui.base.tool_tips import tool_tip
from csra_gui.session.photo_table import PhotoTable
from engine.library.columns import IntArray
from engine.texts import display_name, display_path

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class RowListModel(QAbstractListModel):
    """Photos that gain a label, with a plus, then those that lose it, with a minus."""

    def __init__(self, photos: PhotoTable, parent: QObject) -> None:
        super().__init__(parent)
        self._photos = photos
        self._rows: IntArray = np.empty(0, dtype=np.int64)
        self._gained = 0

    def set_rows(self, gained: IntArray, lost: IntArray) -> None:
        """Show other photos."""
        self.beginResetModel()
        self._rows = np.concatenate([gained, lost])
        self._gained = len(gained)
        self.endResetModel()

    @property
    def rows(self) -> IntArray:
        """All that are listed."""
        return self._rows

    def row_at(self, index: _Index) -> int | None:
        """The table's row of an entry."""
        return int(self._rows[index.row()]) if index.isValid() else None

    def rowCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        """How many photos are listed."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The photo's name, and whether it gains or loses the label."""
        row = self.row_at(index)
        if row is None:
            return None
        path = self._photos.paths[row]
        is_gain = index.row() < self._gained
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{'+' if is_gain else '−'}  {display_name(path)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return tool_tip(display_path(path))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{display_name(path)} {'gains' if is_gain else 'loses'} the label"
        return None
