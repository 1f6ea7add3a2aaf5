"""Labels of the data set that the model contradicts: is the label wrong?"""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.jobs import JobRunner, JobSlot, Policy
from csra_gui.evaluation.analysis import Analysis
from csra_gui.evaluation.cases import Cases
from csra_gui.evaluation.result_state import ResultState
from csra_gui.plots.sharing import Sharing
from csra_gui.plots.values import PlotTable
from csra_gui.widgets.table import Cell, Table
from engine.api.label_names import shown_label
from engine.records.evaluations import EvaluationStore, LabelMark
from engine.report.label_errors import LabelError, label_errors
from engine.texts import display_text, percent

_HEADER = ("The label is wrong", "Image", "Category", "The data set says", "Score in %")
_HELP = (
    "The model contradicts these labels most. Look at the images; where the data set is wrong, "
    "mark its label. The marks are kept beside the run; the data set itself is not changed."
)
_SAYS = {True: "has it", False: "has it not"}


class LabelErrorsTab(QWidget):
    """The list, one click per image; what is marked is kept beside the run.

    Attributes:
        label_errors: labels that may be wrong, a row each.
        marks: those of the run that the person holds for wrong, now or on another day.

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
        self.label_errors: tuple[LabelError, ...] = ()
        self.marks: frozenset[LabelMark] = frozenset()
        self.view = Table(_HEADER, "Labels that the model contradicts", self, stretched=1)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.export = QPushButton("&Export marked labels…", self)
        self.show_all = QPushButton("&Show all in the grid", self)
        self.count = QLabel(self)
        self._sharing = Sharing(self.view, "wrong-labels", self.table, state.export_requested.emit)
        self._lay_out()
        state.analysis_changed.connect(self._look)
        self.view.itemChanged.connect(self._on_view_item_changed)
        self.view.cellClicked.connect(self._on_view_cell_activated)
        self.view.cellActivated.connect(self._on_view_cell_activated)
        self.export.clicked.connect(self._sharing.ask_numbers)
        self.show_all.clicked.connect(self._on_show_all_clicked)

    def table(self) -> PlotTable:
        """The labels that are marked."""
        rows = [(mark.sample, mark.category, _SAYS[mark.is_label]) for mark in sorted(self.marks)]
        return PlotTable(("image", "category", "the data set says, wrongly"), rows)

    def _lay_out(self) -> None:
        note = QLabel(_HELP, self)
        note.setWordWrap(True)
        bottom = QHBoxLayout()
        bottom.addWidget(self.count, 1)
        bottom.addWidget(self.show_all)
        bottom.addWidget(self.export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(note)
        layout.addWidget(self.view, 1)
        layout.addLayout(bottom)

    @Slot()
    def _look(self) -> None:
        analysis = self._state.analysis
        before, self._analysis = self._analysis, analysis
        if analysis is None:
            self._finding.drop()
            self._show(((), frozenset()))
        elif before is None or before.folder != analysis.folder:
            self._show(((), frozenset()))
            self._finding.run(
                lambda: (label_errors(analysis.run), self._store.marks(analysis.folder)), self._show
            )

    def _show(self, found: tuple[tuple[LabelError, ...], frozenset[LabelMark]]) -> None:
        self.label_errors, self.marks = found
        with QSignalBlocker(self.view):
            self.view.set_rows([_cells(error, self.marks) for error in self.label_errors])
        self._show_count()

    def _show_count(self) -> None:
        number = len(self.marks)
        self.count.setText(f"{number:,} marked as wrong" if number else "")
        self.export.setEnabled(number > 0)
        self.show_all.setEnabled(bool(self.label_errors))

    @Slot(QTableWidgetItem)
    def _on_view_item_changed(self, item: QTableWidgetItem) -> None:
        mark = self.label_errors[item.row()].mark
        is_checked = item.checkState() == Qt.CheckState.Checked
        self.marks = self.marks | {mark} if is_checked else self.marks - {mark}
        self._show_count()
        if self._analysis is not None:
            folder, marks = self._analysis.folder, self.marks
            # One after the other: what was marked last must be what is kept.
            self._saving.run(
                lambda: self._store.set_marks(folder, marks), on_failure=self.failed.emit
            )

    @Slot(int, int)
    def _on_view_cell_activated(self, row: int, column: int) -> None:
        if column > 0:
            error = self.label_errors[row]
            caption = f"{shown_label(error.name)}: the data set says: {_SAYS[error.is_label]}"
            self._state.cases_requested.emit(Cases(caption, (error.sample,), error.name))

    @Slot()
    def _on_show_all_clicked(self) -> None:
        samples = tuple(dict.fromkeys(error.sample for error in self.label_errors))
        self._state.cases_requested.emit(Cases("Labels that the model contradicts", samples))


def _cells(error: LabelError, marks: frozenset[LabelMark]) -> tuple[Cell, ...]:
    return (
        Cell("", is_checked=error.mark in marks),
        Cell(display_text(error.sample)),
        Cell(shown_label(error.name)),
        Cell(_SAYS[error.is_label]),
        Cell(percent(error.score), error.score),
    )
