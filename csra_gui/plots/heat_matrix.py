"""A square of numbers as shades, one row and column per name; each cell can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget
from typing_extensions import override

from csra_gui.base.theme import blended
from csra_gui.base.tool_tips import tool_tip
from csra_gui.plots.colors import series_color
from csra_gui.plots.sharing import Sharing
from csra_gui.plots.values import PlotTable
from engine.texts import whole_percent

_Index = QModelIndex | QPersistentModelIndex
_CELL = 34
_LONGEST_NAME = 130
_STRONGEST = 0.85


class MatrixModel(QAbstractTableModel):
    """Counts and how strongly each is shaded."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._widget = parent
        self.names: tuple[str, ...] = ()
        self.counts: NDArray[np.int64] = np.zeros((0, 0), dtype=np.int64)
        self._shares: NDArray[np.float64] = np.zeros((0, 0))
        self._text = "{row} and {column}: {count}"

    def set_counts(
        self,
        names: Sequence[str],
        counts: NDArray[np.int64],
        shares: NDArray[np.float64],
        text: str,
    ) -> None:
        """Show other numbers.

        Args:
            names: C, of rows and columns.
            counts: (C, C).
            shares: (C, C) in [0, 1]: how strong each shade is.
            text: of a cell, with ``{row}``, ``{column}``, ``{count}`` and ``{share}``.
        """
        self.beginResetModel()
        self.names, self.counts = tuple(names), counts
        self._shares, self._text = shares, text
        self.endResetModel()

    @override
    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.names)

    @override
    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return self.rowCount(parent)

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.names[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tool_tip(self.names[section])
        return None

    @override
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = index.row(), index.column()
        count = int(self.counts[row, column])
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{count:,}" if count else ""
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            text = self._text.format(
                row=self.names[row],
                column=self.names[column],
                count=f"{count:,}",
                share=whole_percent(self._shares[row, column]),
            )
            return tool_tip(text) if role == Qt.ItemDataRole.ToolTipRole else text
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter
        if role == Qt.ItemDataRole.BackgroundRole:
            return self._shade(float(self._shares[row, column]))
        return None

    def _shade(self, share: float) -> QColor:
        palette = self._widget.palette()
        base = palette.color(QPalette.ColorRole.Base)
        # Text stays legible: the strongest shade is that of a selection, not the full colour.
        strength = _STRONGEST * min(max(share, 0.0), 1.0) ** 0.5
        return blended(series_color(0, palette), base, 0.55 * strength)


class HeatMatrix(QTableView):
    """The matrix as a table: keys walk through it, a reader can read it.

    Signals:
        cell_activated: row and column of a cell that was clicked or entered.
        export_requested: a ``Path`` and the bytes that the person wants to have in it.
    """

    cell_activated = Signal(int, int)
    export_requested = Signal(object, object)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._matrix = MatrixModel(self)
        self.setModel(self._matrix)
        self.setHorizontalHeader(_UprightHeader(self))
        self.setAccessibleName(title)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setMinimumSectionSize(_CELL // 2)
        self.horizontalHeader().setDefaultSectionSize(_CELL)
        self.verticalHeader().setDefaultSectionSize(_CELL * 3 // 4)
        self._sharing = Sharing(
            self, title.lower().replace(" ", "-"), self.table, self.export_requested.emit
        )
        self.clicked.connect(self._on_index_activated)
        self.activated.connect(self._on_index_activated)

    def set_counts(
        self,
        names: Sequence[str],
        counts: NDArray[np.int64],
        shares: NDArray[np.float64],
        text: str,
    ) -> None:
        """Show other numbers; see ``MatrixModel.set_counts``."""
        self._matrix.set_counts(names, counts, shares, text)

    def table(self) -> PlotTable:
        """The numbers that are shown, one row per name."""
        matrix = self._matrix
        rows = [
            (name, *counts)
            for name, counts in zip(matrix.names, matrix.counts.tolist(), strict=True)
        ]
        return PlotTable(("", *matrix.names), rows)

    @Slot(QModelIndex)
    def _on_index_activated(self, index: QModelIndex) -> None:
        if index.isValid():
            self.cell_activated.emit(index.row(), index.column())


class _UprightHeader(QHeaderView):
    """Names of columns from bottom to top, so that narrow columns can have long ones."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSectionsClickable(False)

    @override
    def sizeHint(self) -> QSize:
        texts = [str(self.model().headerData(i, self.orientation())) for i in range(self.count())]
        longest = max((self.fontMetrics().horizontalAdvance(text) for text in texts), default=0)
        return QSize(0, min(longest, _LONGEST_NAME) + 18)

    @override
    def paintSection(self, painter: QPainter, rect: QRect, logical_index: int) -> None:
        text = str(self.model().headerData(logical_index, self.orientation()))
        painter.save()
        painter.translate(rect.x(), rect.bottom())
        painter.rotate(-90)
        room = QRect(6, 0, rect.height() - 12, rect.width())
        shown = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), shown)
        painter.restore()
