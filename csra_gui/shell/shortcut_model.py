"""Commands and their keys as a Qt model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont
from typing_extensions import override

_Index = QModelIndex | QPersistentModelIndex
_HEADERS = ("Command", "Keys", "Menu")
_KEYS = 1


@dataclass(frozen=True, slots=True)
class ShortcutRow:
    """One command, or something that a part of the window does at a key.

    Attributes:
        name: the command's id; empty for what cannot be changed.
        text: what it does.
        keys: as people write them.
        changed: whether the person chose them.
        menu: where the command is found.
    """

    name: str
    text: str
    keys: str
    changed: bool = False
    menu: str = ""


class ShortcutRole(IntEnum):
    """What the dialog asks for."""

    ROW = Qt.ItemDataRole.UserRole + 1


class ShortcutModel(QAbstractTableModel):
    """One row per command; the keys that a person chose are bold."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[ShortcutRow, ...] = ()

    def set_rows(self, rows: Sequence[ShortcutRow]) -> None:
        """Show other rows; the same commands in the same order only change their keys."""
        rows = tuple(rows)
        same = [row.text for row in rows] == [row.text for row in self._rows]
        if not same:
            self.beginResetModel()
        self._rows = rows
        if not same:
            self.endResetModel()
        elif rows:
            self.dataChanged.emit(self.index(0, _KEYS), self.index(len(rows) - 1, _KEYS))

    def row_named(self, name: str) -> int:
        """The row of a command; −1 if it is not there."""
        return next((i for i, row in enumerate(self._rows) if row.name == name), -1)

    @override
    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    @override
    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(_HEADERS)

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        across = orientation == Qt.Orientation.Horizontal
        return _HEADERS[section] if across and role == Qt.ItemDataRole.DisplayRole else None

    @override
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        match role:
            case ShortcutRole.ROW:
                return row
            case Qt.ItemDataRole.DisplayRole:
                return (row.text, row.keys, row.menu)[index.column()]
            case Qt.ItemDataRole.FontRole if row.changed and index.column() == _KEYS:
                font = QFont()
                font.setBold(True)
                return font
        return None
