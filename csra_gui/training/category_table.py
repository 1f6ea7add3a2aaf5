"""Categories of a training in a table: how many images, how good before and now."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.theme import Tone, tone_color
from csra_gui.training.record import CategoryRow
from csra_gui.training.texts import change, percent
from engine.texts import display_text

_HEADER = ("Label", "Images", "Before", "Now", "Change", "Best")
_TIPS = {
    2: "Average precision of the model that the training started from.",
    5: "After the best epoch, which is kept.",
}
#: Changes smaller than this are not coloured: chance moves them as much.
_NOTABLE = 0.005


class _Cell(QTableWidgetItem):
    """Sorted by its number, not by its text; what is not known comes last."""

    def __init__(self, text: str, number: float) -> None:
        super().__init__(text)
        self._number = number
        self.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    @override
    def __lt__(self, other: QTableWidgetItem) -> bool:
        if not isinstance(other, _Cell):
            return super().__lt__(other)
        mine, theirs = self._number, other._number
        return (-math.inf if math.isnan(mine) else mine) < (
            -math.inf if math.isnan(theirs) else theirs
        )


class CategoryTable(QTableWidget):
    """One row per category; can be sorted by any column."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEADER), parent)
        self.setHorizontalHeaderLabels(list(_HEADER))
        for column, tip in _TIPS.items():
            item = QTableWidgetItem(_HEADER[column])
            item.setToolTip(tip)
            self.setHorizontalHeaderItem(column, item)
        self.verticalHeader().hide()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setAccessibleName("Categories")
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)

    def set_rows(self, rows: Sequence[CategoryRow]) -> None:
        """Show these."""
        self.setSortingEnabled(False)
        self.setRowCount(len(rows))
        for place, row in enumerate(rows):
            for column, cell in enumerate(self._cells(row)):
                self.setItem(place, column, cell)
        self.setSortingEnabled(True)

    def _cells(self, row: CategoryRow) -> list[QTableWidgetItem]:
        images = math.nan if row.images is None else row.images
        difference = row.now - row.before
        changed = _Cell(change(row.before, row.now), difference)
        if abs(difference) >= _NOTABLE:
            tone = Tone.SUCCESS if difference > 0 else Tone.DANGER
            changed.setForeground(tone_color(tone, self.palette()))
        return [
            QTableWidgetItem(display_text(row.name)),
            _Cell("–" if row.images is None else f"{row.images:,}", images),
            _Cell(percent(row.before), row.before),
            _Cell(percent(row.now), row.now),
            changed,
            _Cell(percent(row.best), row.best),
        ]
