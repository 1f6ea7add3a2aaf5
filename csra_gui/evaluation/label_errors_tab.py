"""Labels of the data set that the model contradicts: is the label wrong?"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.jobs import JobRunner, JobSlot, Policy
from csra_gui.evaluation.analysis import Analysis
from csra_gui.evaluation.cases import Cases, LabelError, label_errors
from csra_gui.evaluation.result_state import ResultState
from csra_gui.plots.sharing import Sharing
from csra_gui.plots.values import PlotTable
from csra_gui.widgets.table import set_up_table
from engine.records.evaluations import EvaluationStore, LabelMark
from engine.texts import display_text, percent

_Index = QModelIndex | QPersistentModelIndex
_HEADER = ("The label is wrong", "Image", "Category", "The data set says", "Score in %")
_HELP = (
    "The model contradicts these labels most. Look at the images; where the data set is wrong, "
    "mark its label. The marks are kept beside the run; the data set itself is not changed."
)

#: For the widths of columns.
_ROWS_THAT_COUNT = 50


class LabelErrorModel(QAbstractTableModel):
    """The labels that may be wrong, and which of them the person holds for wrong.

    Signals:
        marks_changed: ``marks`` are others.
    """

    marks_changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.label_errors: tuple[LabelError, ...] = ()
        self.marks: frozenset[LabelMark] = frozenset()

    def set_label_errors(self, found: tuple[LabelError, ...], marks: frozenset[LabelMark]) -> None:
        """Show other ones."""
        self.beginResetModel()
        self.label_errors, self.marks = found, marks
        self.endResetModel()

    @override
    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.label_errors)

    @override
    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_HEADER)

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        is_title = role == Qt.ItemDataRole.DisplayRole
        return _HEADER[section] if is_title and orientation == Qt.Orientation.Horizontal else None

    @override
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        label_error = self.label_errors[index.row()]
        if index.column() == 0 and role == Qt.ItemDataRole.CheckStateRole:
            marked = mark_of(label_error) in self.marks
            return Qt.CheckState.Checked if marked else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.DisplayRole:
            return cells(label_error)[index.column()]
        return None

    @override
    def flags(self, index: _Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else flags

    @override
    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if index.column() != 0 or role != Qt.ItemDataRole.CheckStateRole:
            return False
        mark = mark_of(self.label_errors[index.row()])
        checked = Qt.CheckState(value) == Qt.CheckState.Checked
        self.marks = self.marks | {mark} if checked else self.marks - {mark}
        self.dataChanged.emit(index, index)
        self.marks_changed.emit()
        return True


class LabelErrorsTab(QWidget):
    """The list, one click per image; what is marked is kept beside the run.

    Signals:
        failed: the ``EngineError``: the marks could not be kept.
    """

    failed = Signal(object)

    def __init__(self, state: ResultState, jobs: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._finding = JobSlot(jobs, "find label errors", self)
        self._saving = JobSlot(jobs, "keep marks", self, Policy.ONCE_MORE)
        self._analysis: Analysis | None = None
        self._store = EvaluationStore()
        self.model = LabelErrorModel(self)
        self.view = QTableView(self)
        self.export = QPushButton("&Export marked labels…", self)
        self.show_all = QPushButton("&Show all in the grid", self)
        self.count = QLabel(self)
        self._sharing = Sharing(self.view, "wrong-labels", self.table, state.export_requested.emit)
        self._set_up()
        state.analysis_changed.connect(self._look)
        self.model.marks_changed.connect(self._on_model_marks_changed)
        self.view.clicked.connect(self._on_view_activated)
        self.view.activated.connect(self._on_view_activated)
        self.export.clicked.connect(self._sharing.ask_numbers)
        self.show_all.clicked.connect(self._on_show_all_clicked)

    def table(self) -> PlotTable:
        """The labels that are marked, or were so on another day."""
        rows = [
            (mark.sample, mark.category, "has it" if mark.is_label else "has it not")
            for mark in sorted(self.model.marks)
        ]
        return PlotTable(("image", "category", "the data set says, wrongly"), rows)

    def _set_up(self) -> None:
        note = QLabel(_HELP, self)
        note.setWordWrap(True)
        view = self.view
        view.setModel(self.model)
        set_up_table(view, "Labels that the model contradicts")
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setResizeContentsPrecision(_ROWS_THAT_COUNT)
        bottom = QHBoxLayout()
        bottom.addWidget(self.count, 1)
        bottom.addWidget(self.show_all)
        bottom.addWidget(self.export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(note)
        layout.addWidget(view, 1)
        layout.addLayout(bottom)

    @Slot()
    def _look(self) -> None:
        analysis = self._state.analysis
        before, self._analysis = self._analysis, analysis
        if analysis is None:
            self._finding.drop()
            self.model.set_label_errors((), frozenset())
        elif before is None or before.folder != analysis.folder:
            self.model.set_label_errors((), frozenset())
            self._finding.run(
                lambda: (label_errors(analysis), self._store.marks(analysis.folder)),
                self._take_found,
            )
        self._show_count()

    def _take_found(self, found: tuple[tuple[LabelError, ...], frozenset[LabelMark]]) -> None:
        self.model.set_label_errors(*found)
        self.view.resizeColumnsToContents()
        self._show_count()

    @Slot()
    def _on_model_marks_changed(self) -> None:
        self._show_count()
        if self._analysis is not None:
            folder, marks = self._analysis.folder, self.model.marks
            # One after the other: what was marked last must be what is kept.
            self._saving.run(
                lambda: self._store.set_marks(folder, marks), on_failure=self.failed.emit
            )

    def _show_count(self) -> None:
        number = len(self.model.marks)
        self.count.setText(f"{number:,} marked as wrong" if number else "")
        self.export.setEnabled(number > 0)
        self.show_all.setEnabled(bool(self.model.label_errors))

    @Slot(QModelIndex)
    def _on_view_activated(self, index: QModelIndex) -> None:
        if index.isValid() and index.column() > 0:
            label_error = self.model.label_errors[index.row()]
            name = display_text(label_error.name)
            says = "has it" if label_error.is_label else "has it not"
            self._state.cases_requested.emit(
                Cases(f"{name}: the data set says: {says}", (label_error.sample,), label_error.name)
            )

    @Slot()
    def _on_show_all_clicked(self) -> None:
        samples = tuple(
            dict.fromkeys(label_error.sample for label_error in self.model.label_errors)
        )
        self._state.cases_requested.emit(Cases("Labels that the model contradicts", samples))


def mark_of(label_error: LabelError) -> LabelMark:
    """The mark that says that this label is wrong."""
    return LabelMark(label_error.sample, label_error.name, label_error.is_label)


def cells(label_error: LabelError) -> tuple[str, ...]:
    """What the columns say of a label."""
    says = "has it" if label_error.is_label else "has it not"
    return (
        "",
        display_text(label_error.sample),
        display_text(label_error.name),
        says,
        percent(label_error.score),
    )
