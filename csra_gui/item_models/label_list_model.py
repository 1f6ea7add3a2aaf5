"""The labels of one image as a Qt model."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from typing_extensions import override

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One category and how sure the model is of it.

    Attributes:
        index: of the category in the model's list.
        category: its name.
        score: 0 to 1.
        threshold: from this score on it counts as found.
    """

    index: int
    category: str
    score: float
    threshold: float

    @property
    def above(self) -> bool:
        """Whether it counts as found."""
        return self.score >= self.threshold

    @property
    def percent(self) -> str:
        """The score for people; only 1 and 0 themselves are called 100 % and 0 %."""
        if 0.99 < self.score < 1.0:
            return f"{min(self.score, 0.999) * 100:.1f} %"
        if 0.0 < self.score < 0.01:
            return "< 1 %"
        return f"{self.score * 100:.0f} %"


class LabelRole(IntEnum):
    """What the delegate asks for."""

    ROW = Qt.ItemDataRole.UserRole + 1
    PINNED = Qt.ItemDataRole.UserRole + 2


class LabelListModel(QAbstractListModel):
    """Rows in the order they are given; one of them may be pinned."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[LabelRow, ...] = ()
        self._row_of: dict[int, int] = {}
        self._pinned = -1

    def set_rows(self, rows: Sequence[LabelRow]) -> None:
        """Show other rows; the same categories in the same order only change their values."""
        rows = tuple(rows)
        if [(r.index, r.category) for r in rows] != [(r.index, r.category) for r in self._rows]:
            self.beginResetModel()
            self._rows = rows
            self._row_of = {row.index: place for place, row in enumerate(rows)}
            self.endResetModel()
            return
        changed = [
            i for i, (old, new) in enumerate(zip(self._rows, rows, strict=True)) if old != new
        ]
        self._rows = rows
        if changed:
            self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))

    def rows(self) -> tuple[LabelRow, ...]:
        """What is shown."""
        return self._rows

    def row_of(self, category_index: int) -> int:
        """The row of a category; −1 if it is not shown."""
        return self._row_of.get(category_index, -1)

    @property
    def pinned(self) -> int:
        """Index of the pinned category; −1 if none is."""
        return self._pinned

    def set_pinned(self, category_index: int) -> None:
        """Mark one category, shown or not; −1 marks none."""
        before, self._pinned = self._pinned, category_index
        if before == category_index:
            return
        for place in (self.row_of(before), self.row_of(category_index)):
            if place >= 0:
                self.dataChanged.emit(self.index(place), self.index(place))

    @override
    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    @override
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        return _shown(row, role, pinned=row.index == self._pinned)


def _shown(row: LabelRow, role: int, *, pinned: bool) -> object:
    match role:
        case LabelRole.ROW:
            return row
        case LabelRole.PINNED:
            return pinned
        case Qt.ItemDataRole.DisplayRole:
            return row.category
        case Qt.ItemDataRole.AccessibleTextRole:
            return _sentence(row, pinned=pinned)
        case Qt.ItemDataRole.ToolTipRole:
            # Escaped: Qt would take a name with tags in it for rich text.
            return f"<span>{html.escape(_sentence(row, pinned=pinned))}</span>"
        case _:
            return None


def _sentence(row: LabelRow, *, pinned: bool) -> str:
    state = "" if row.above else ", below the threshold"
    return f"{row.category}, {row.percent}{state}{', pinned' if pinned else ''}"
