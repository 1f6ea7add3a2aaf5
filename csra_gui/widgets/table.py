"""Tables to read, not to edit: how they look, and rows of texts and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.theme import Tone, tone_color
from csra_gui.base.tool_tips import tool_tip
from engine.texts import change

_ROW_MARGIN = 8
#: For the widths of columns.
_ROWS_THAT_COUNT = 100


def set_up_table(view: QTableView, name: str, *, selects_rows: bool = True) -> None:
    """Make a view a table to read.

    Args:
        view: to change.
        name: for those who cannot see it.
        selects_rows: whole rows are selected rather than cells.
    """
    behaviors = QAbstractItemView.SelectionBehavior
    view.setAccessibleName(name)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setSelectionBehavior(behaviors.SelectRows if selects_rows else behaviors.SelectItems)
    view.setAlternatingRowColors(True)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(view.fontMetrics().height() + _ROW_MARGIN)


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell says.

    Attributes:
        text: as it is shown.
        number: what it is sorted by, NaN last; such a cell stands at the right.
        tone: its colour.
        is_bold: whether it stands out.
        tip: what a mouse at rest is told.
        is_checked: of a box that can be ticked; ``None`` is no box.
    """

    text: str
    number: float | None = None
    tone: Tone | None = None
    is_bold: bool = False
    tip: str = ""
    is_checked: bool | None = None


def change_cell(before: float, after: float, notable: float) -> Cell:
    """How much a share has changed, in points; in colour if it is at least ``notable``."""
    difference, tone = after - before, None
    if abs(difference) >= notable:
        tone = Tone.SUCCESS if difference > 0 else Tone.DANGER
    return Cell(change(before, after), difference, tone)


class Table(QTableWidget):
    """Rows of cells.

    Args:
        header: titles of the columns.
        name: for those who cannot see it.
        parent: of the widget.
        stretched: the column that takes the room that is left.
        tips: of titles, by column.
        selects_rows: whole rows are selected rather than cells.
    """

    def __init__(
        self,
        header: Sequence[str],
        name: str,
        parent: QWidget | None = None,
        *,
        stretched: int = 0,
        tips: dict[int, str] | None = None,
        selects_rows: bool = True,
    ) -> None:
        super().__init__(0, len(header), parent)
        set_up_table(self, name, selects_rows=selects_rows)
        for column, title in enumerate(header):
            item = QTableWidgetItem(title)
            item.setToolTip(tool_tip((tips or {}).get(column, "")))
            self.setHorizontalHeaderItem(column, item)
        columns = self.horizontalHeader()
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setResizeContentsPrecision(_ROWS_THAT_COUNT)
        columns.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)

    def set_rows(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Show others, in the order that the table is sorted by."""
        is_sorted = self.isSortingEnabled()
        self.setSortingEnabled(False)
        with self._widths_kept():
            self.setRowCount(len(rows))
            for place, row in enumerate(rows):
                for column, cell in enumerate(row):
                    self.setItem(place, column, self._item(cell))
        self.setSortingEnabled(is_sorted)

    @contextmanager
    def _widths_kept(self) -> Iterator[None]:
        """Columns are measured once in the end, not anew after each cell."""
        columns = self.horizontalHeader()
        modes = [columns.sectionResizeMode(column) for column in range(columns.count())]
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        try:
            yield
        finally:
            for column, mode in enumerate(modes):
                columns.setSectionResizeMode(column, mode)

    def _item(self, cell: Cell) -> QTableWidgetItem:
        item = QTableWidgetItem(cell.text) if cell.number is None else _NumberItem(cell)
        item.setToolTip(tool_tip(cell.tip))
        if cell.tone is not None:
            item.setForeground(tone_color(cell.tone, self.palette()))
        if cell.is_bold:
            font = item.font()
            font.setBold(True)
            item.setFont(font)
        if cell.is_checked is not None:
            states = Qt.CheckState
            item.setCheckState(states.Checked if cell.is_checked else states.Unchecked)
        return item


class _NumberItem(QTableWidgetItem):
    """Sorted by its number, not by its text; what is not known comes last."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell.text)
        number = math.nan if cell.number is None else cell.number
        self._rank = -math.inf if math.isnan(number) else number
        self.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    @override
    def __lt__(self, other: QTableWidgetItem) -> bool:
        return self._rank < other._rank if isinstance(other, _NumberItem) else super().__lt__(other)
