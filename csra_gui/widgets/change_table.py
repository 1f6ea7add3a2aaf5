"""A table of labels before and after a what-if."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)
from typing_extensions import override

_HEADINGS = ("Label", "Stored", "Now", "Change")


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One line.

    Attributes:
        name: of the label; plain text.
        before: score, 0 to 1.
        after: score, 0 to 1.
        verdict: what became of the label, in a few words; empty if nothing did.
    """

    name: str
    before: float
    after: float
    verdict: str = ""


class ChangeTable(QTableWidget):
    """Read only; lines whose label came or went are bold and say so."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEADINGS), parent)
        self.setHorizontalHeaderLabels(list(_HEADINGS))
        self.verticalHeader().hide()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setAccessibleName("Labels before and after")
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        line = self.fontMetrics().height() + 6
        self.verticalHeader().setDefaultSectionSize(line)

    def set_rows(self, rows: Sequence[ChangeRow]) -> None:
        """Show others."""
        self.setRowCount(len(rows))
        for at, row in enumerate(rows):
            name = f"{row.name} ({row.verdict})" if row.verdict else row.name
            texts = (name, *(f"{value * 100:.1f} %" for value in (row.before, row.after)))
            change = (row.after - row.before) * 100
            for column, text in enumerate((*texts, _signed(change))):
                self._set_cell(at, column, text, bold=bool(row.verdict))

    @override
    def sizeHint(self) -> QSize:
        return QSize(300, 160)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(220, 80)

    def _set_cell(self, row: int, column: int, text: str, *, bold: bool) -> None:
        item = QTableWidgetItem(text)
        font = item.font()
        font.setBold(bold)
        item.setFont(font)
        item.setToolTip(text)
        if column:
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setItem(row, column, item)


def _signed(change: float) -> str:
    """Percentage points with their sign; nothing that rounds to none has one."""
    text = f"{change:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0.0" if abs(change) < 0.05 else text
