"""The table of categories: what each cell says, how it is sorted, which images are behind it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Slot,
)
from typing_extensions import override

from csra_gui.base.tool_tips import tool_tip
from csra_gui.evaluation.analysis import Analysis, LabelTable
from csra_gui.evaluation.cases import Outcome
from csra_gui.evaluation.result_state import ResultState
from csra_gui.plots.values import PlotTable
from engine.api.label_names import SHIPPED_NAMES, shown_label
from engine.texts import percent

_Index = QModelIndex | QPersistentModelIndex
#: The number of a cell, for sorting.
VALUE_ROLE = int(Qt.ItemDataRole.UserRole)
#: A share from 0 to 1 to be drawn as a bar, or ``None``.
BAR_ROLE = VALUE_ROLE + 1
#: The ``Outcome`` that a click shows, or ``None``.
OUTCOME_ROLE = VALUE_ROLE + 2


@dataclass(frozen=True, slots=True)
class _Column:
    """One column.

    Attributes:
        title: its heading.
        value: of a category; NaN is undefined.
        tip: what it means.
        is_count: whole numbers rather than percentages.
        has_bar: whether a bar is drawn.
        outcome: what a click on it shows.
    """

    title: str
    value: Callable[[Analysis, LabelTable, int], float]
    tip: str
    is_count: bool = False
    has_bar: bool = False
    outcome: Outcome | None = None


_COLUMNS = (
    _Column(
        "AP",
        lambda a, _, c: a.report.paper.categories[c].average_precision,
        "Average precision, in percent: how well the images are ranked, whatever the threshold",
        has_bar=True,
        outcome=Outcome.POSITIVE,
    ),
    _Column(
        "Images",
        lambda a, _, c: a.report.paper.categories[c].positives,
        "Images that have it",
        is_count=True,
        outcome=Outcome.POSITIVE,
    ),
    _Column(
        "Threshold",
        lambda _, t, c: float(t.thresholds[c]),
        "The lowest score that is a label, in percent",
    ),
    _Column(
        "Precision",
        lambda _, t, c: float(t.precision[c]),
        "How many of its labels are right, in percent",
        outcome=Outcome.GIVEN,
    ),
    _Column(
        "Recall",
        lambda _, t, c: float(t.recall[c]),
        "How many of the images that have it were found, in percent",
        outcome=Outcome.POSITIVE,
    ),
    _Column(
        "F1",
        lambda _, t, c: float(t.f1[c]),
        "The harmonic mean of precision and recall, in percent",
        has_bar=True,
    ),
    _Column(
        "Found",
        lambda _, t, c: int(t.right[c]),
        "Images that have it and got the label",
        is_count=True,
        outcome=Outcome.RIGHT,
    ),
    _Column(
        "Wrong",
        lambda _, t, c: int(t.wrong[c]),
        "Images that got the label and do not have it",
        is_count=True,
        outcome=Outcome.WRONG,
    ),
    _Column(
        "Missed",
        lambda _, t, c: int(t.missed[c]),
        "Images that have it and did not get the label",
        is_count=True,
        outcome=Outcome.MISSED,
    ),
    _Column(
        "Points",
        lambda a, _, c: float(a.pointing[c]),
        "The pointing game, in percent: how often the map's highest point is on the thing",
        has_bar=True,
    ),
)


class CategoryModel(QAbstractTableModel):
    """One row per category, at the thresholds of the moment."""

    def __init__(self, state: ResultState, parent: QObject) -> None:
        super().__init__(parent)
        self._state = state
        state.analysis_changed.connect(self._on_state_analysis_changed)
        state.table_changed.connect(self._on_state_table_changed)

    @override
    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        analysis = self._state.analysis
        return 0 if analysis is None or parent.isValid() else len(analysis.run.categories)

    @override
    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_COLUMNS) + 1

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return "Category" if section == 0 else _COLUMNS[section - 1].title
        if role == Qt.ItemDataRole.ToolTipRole and section:
            return tool_tip(_COLUMNS[section - 1].tip)
        return None

    @override
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        analysis, table = self._state.analysis, self._state.table
        if analysis is None or table is None:
            return None
        category = index.row()
        if index.column() == 0:
            name = shown_label(analysis.run.categories[category])
            return name if role in (Qt.ItemDataRole.DisplayRole, VALUE_ROLE) else None
        column = _COLUMNS[index.column() - 1]
        return _cell(column, float(column.value(analysis, table, category)), role)

    def table(self) -> PlotTable:
        """All cells as numbers, for a file."""
        analysis, labels = self._state.analysis, self._state.table
        header = ("category", *(column.title for column in _COLUMNS), "label")
        if analysis is None or labels is None:
            return PlotTable(header, ())
        rows: list[tuple[str | float, ...]] = [
            (
                name,
                *(column.value(analysis, labels, c) for column in _COLUMNS),
                SHIPPED_NAMES.label(name),
            )
            for c, name in enumerate(analysis.run.categories)
        ]
        return PlotTable(header, rows)

    @Slot()
    def _on_state_analysis_changed(self) -> None:
        self.beginResetModel()
        self.endResetModel()

    @Slot()
    def _on_state_table_changed(self) -> None:
        if self.rowCount():
            last = self.index(self.rowCount() - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last)


def _cell(column: _Column, value: float, role: int) -> Any:
    undefined = math.isnan(value)
    answers: dict[int, Callable[[], Any]] = {
        Qt.ItemDataRole.TextAlignmentRole: lambda: (
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        ),
        OUTCOME_ROLE: lambda: column.outcome,
        Qt.ItemDataRole.ToolTipRole: lambda: column.outcome and "Click to see these images",
        Qt.ItemDataRole.DisplayRole: lambda: (
            f"{int(value):,}" if column.is_count else percent(value)
        ),
        VALUE_ROLE: lambda: value,
        BAR_ROLE: lambda: value if column.has_bar and not undefined else None,
    }
    answer = answers.get(role)
    return None if answer is None else answer()


class CategoryOrder(QSortFilterProxyModel):
    """The table sorted by the number of a column, or by name."""

    def __init__(self, source: CategoryModel, parent: QObject) -> None:
        super().__init__(parent)
        self.setSourceModel(source)
        self.setSortRole(VALUE_ROLE)
        self.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        # While a threshold is dragged, rows must not jump about.
        self.setDynamicSortFilter(False)
        self._found: frozenset[str] | None = None

    def show_only(self, names: frozenset[str] | None) -> None:
        """Leave out all categories but those with these names; ``None`` leaves out none."""
        if names != self._found:
            self._found = names
            self.invalidate()

    @override
    def filterAcceptsRow(self, source_row: int, source_parent: _Index) -> bool:
        name = self.sourceModel().index(source_row, 0, source_parent).data()
        return self._found is None or name in self._found

    @override
    def lessThan(self, left: _Index, right: _Index) -> bool:
        a, b = left.data(VALUE_ROLE), right.data(VALUE_ROLE)
        if not isinstance(a, float) or not isinstance(b, float):
            return super().lessThan(left, right)
        # What is undefined comes last, whichever way is sorted.
        last = math.inf if self.sortOrder() == Qt.SortOrder.AscendingOrder else -math.inf
        return (last if math.isnan(a) else a) < (last if math.isnan(b) else b)
