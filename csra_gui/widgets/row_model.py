"""A table of rows under headings that stay."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from typing_extensions import override

_SHOWN = Qt.ItemDataRole.DisplayRole
Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()


class RowModel(QAbstractTableModel):
    """Counts rows and says what stands over the columns.

    Args:
        headings: a text per column.
        parent: the owner.
    """

    def __init__(self, headings: Sequence[str], parent: QObject) -> None:
        super().__init__(parent)
        self._headings = tuple(headings)

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many there are."""

    @override
    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else self.rows

    @override
    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._headings)

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        is_heading = orientation == Qt.Orientation.Horizontal
        return self._headings[section] if is_heading and role == _SHOWN else None
