"""Every category in a row."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.theme import Tone, blended, tone_color
from csra_gui.evaluation.cases import outcome_cases
from csra_gui.evaluation.category_model import (
    BAR_ROLE,
    OUTCOME_ROLE,
    CategoryModel,
    CategoryOrder,
)
from csra_gui.evaluation.result_state import ResultState
from csra_gui.plots.colors import series_color
from csra_gui.plots.sharing import Sharing
from csra_gui.session.typed_labels import FEW_LABELS
from csra_gui.widgets.table import set_up_table
from engine.api.label_names import SHIPPED_NAMES, shown_label
from engine.library.filters.completion import fitting

_Index = QModelIndex | QPersistentModelIndex
#: For the widths of columns.
_ROWS_THAT_COUNT = 100
_BAR_SHARE = 0.35
_MARGIN = 2.0
_LEAST_WIDTH = 60


class BarDelegate(QStyledItemDelegate):
    """Paints a share from 0 to 1 behind its number.

    Args:
        bar_role: of the share; ``None`` is no bar.
        link_role: anything but ``None`` makes the text look like a link.
        parent: the view.
    """

    def __init__(self, bar_role: int, link_role: int, parent: QObject) -> None:
        super().__init__(parent)
        self._bar_role = bar_role
        self._link_role = link_role

    @override
    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None:
        super().initStyleOption(option, index)
        if index.data(self._link_role) is not None:
            color = tone_color(Tone.ACCENT, option.palette)
            option.palette.setColor(QPalette.ColorRole.Text, color)

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        hint = super().sizeHint(option, index)
        has_bar = index.data(self._bar_role) is not None
        return hint.expandedTo(QSize(_LEAST_WIDTH, 0)) if has_bar else hint

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        share = index.data(self._bar_role)
        if share is not None:
            palette = option.palette
            base = palette.color(QPalette.ColorRole.Base)
            area = QRectF(option.rect).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
            area.setWidth(area.width() * min(max(float(share), 0.0), 1.0))
            painter.fillRect(area, blended(series_color(0, palette), base, _BAR_SHARE))
        super().paint(painter, option, index)


class CategoryTab(QWidget):
    """A table that can be sorted by each column; a click on a number shows its images.

    Where there are many categories, a line above narrows it by any of their names.
    """

    def __init__(self, state: ResultState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.model = CategoryModel(state, self)
        self.order = CategoryOrder(self.model, self)
        self.search = QLineEdit(self)
        self.view = QTableView(self)
        self._sharing = Sharing(
            self.view, "categories", self.model.table, state.export_requested.emit
        )
        self._set_up()
        state.analysis_changed.connect(self._on_state_analysis_changed)
        state.category_changed.connect(self._on_state_category_changed)

    def _set_up(self) -> None:
        view = self.view
        view.setModel(self.order)
        view.setItemDelegate(BarDelegate(BAR_ROLE, OUTCOME_ROLE, view))
        set_up_table(view, "Categories", selects_rows=False)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = view.horizontalHeader()
        # Not by each change of a cell: while a threshold is dragged there are thousands.
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setResizeContentsPrecision(_ROWS_THAT_COUNT)
        header.setStretchLastSection(True)
        view.setSortingEnabled(True)
        view.sortByColumn(1, Qt.SortOrder.AscendingOrder)
        view.clicked.connect(self._on_view_clicked)
        view.activated.connect(self._on_view_clicked)
        view.selectionModel().currentChanged.connect(self._on_view_current_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.search.setPlaceholderText("Search for a category")
        self.search.setAccessibleName("Search for a category")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._show_found)
        layout.addWidget(self.search)
        layout.addWidget(view)

    @Slot(QModelIndex)
    def _on_view_clicked(self, index: QModelIndex) -> None:
        state, outcome = self._state, index.data(OUTCOME_ROLE)
        if outcome is None or state.analysis is None or state.table is None:
            return
        category = self.order.mapToSource(index).row()
        state.cases_requested.emit(
            outcome_cases(state.analysis, state.table.thresholds, category, outcome)
        )

    @Slot(QModelIndex, QModelIndex)
    def _on_view_current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid():
            self._state.set_category(self.order.mapToSource(index).row())

    @Slot()
    def _show_found(self) -> None:
        analysis = self._state.analysis
        names = [] if analysis is None else list(map(shown_label, analysis.run.categories))
        is_long, wanted = len(names) > FEW_LABELS, self.search.text().strip()
        self.search.setVisible(is_long)
        found = frozenset(fitting(names, wanted, SHIPPED_NAMES)) if is_long and wanted else None
        self.order.show_only(found)

    @Slot()
    def _on_state_analysis_changed(self) -> None:
        self._show_found()
        header = self.view.horizontalHeader()
        self.order.sort(header.sortIndicatorSection(), header.sortIndicatorOrder())
        self.view.resizeColumnsToContents()
        self._on_state_category_changed(self._state.category)

    @Slot(int)
    def _on_state_category_changed(self, category: int) -> None:
        index = self.view.currentIndex()
        if self.order.mapToSource(index).row() != category:
            wanted = self.order.mapFromSource(self.model.index(category, max(0, index.column())))
            self.view.selectionModel().setCurrentIndex(
                wanted, self.view.selectionModel().SelectionFlag.ClearAndSelect
            )
