"""What came of evaluations: the list of runs, and everything about one of them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.ask import ask_target
from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.base.tool_tips import tool_tip
from csra_gui.evaluation.analysis import Analysis, analyse
from csra_gui.evaluation.category_tab import CategoryTab
from csra_gui.evaluation.compare_tab import CompareTab
from csra_gui.evaluation.cooccurrence_tab import CooccurrenceTab
from csra_gui.evaluation.curves_tab import CurvesTab
from csra_gui.evaluation.exports import SUFFIXES, Exports
from csra_gui.evaluation.label_errors_tab import LabelErrorsTab
from csra_gui.evaluation.overview_tab import OverviewTab
from csra_gui.evaluation.result_state import ResultState, ThresholdSet
from csra_gui.evaluation.runner import EvaluationRunner
from csra_gui.evaluation.runs_panel import RunsPanel
from csra_gui.evaluation.scores_tab import ScoresTab
from csra_gui.widgets.activity_bar import ActivityRow
from csra_gui.widgets.message_bar import MessageBar
from csra_gui.widgets.notifier import Notifier, Topic
from csra_gui.widgets.record_list import RecordManager
from csra_gui.widgets.windows import fit_to_screen
from engine.api.errors import EngineError
from engine.records.evaluations import EvaluationSummary
from engine.records.unfinished import UnfinishedRun
from engine.texts import display_path, display_text

_SIZE = QSize(1240, 760)
_FORMATS = (
    "Page to look at (*.html)",
    "Every number, as JSON (*.json)",
    "Table of categories, as CSV (*.csv)",
)


class ResultWindow(QWidget):
    """A window of its own, not modal: clicking a number shows its images in the main window.

    Signals:
        save_thresholds_requested: the person wants the thresholds of the moment in a model.
    """

    save_thresholds_requested = Signal()

    def __init__(
        self,
        runs: RecordManager[EvaluationSummary],
        unfinished: RecordManager[UnfinishedRun],
        runner: EvaluationRunner,
        jobs: JobRunner,
        parent: QWidget,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle("Evaluation results")
        self._analysing = JobSlot(jobs, "analyse evaluation", self)
        self.state = ResultState(self)
        self.exports = Exports(jobs, self)
        self.message_bar = MessageBar(self)
        self.notifier = Notifier(self.message_bar, self)
        self.runs = RunsPanel(runs, unfinished, self)
        self.title = QLabel(self)
        self.thresholds = QComboBox(self)
        self.save_thresholds = QPushButton("&Save thresholds…", self)
        self.export = QPushButton("&Export…", self)
        self.tabs = QTabWidget(self)
        self.overview = OverviewTab(self.state, self)
        self.categories = CategoryTab(self.state, self)
        self.curves = CurvesTab(self.state, self)
        self.scores = ScoresTab(self.state, self)
        self.pairs = CooccurrenceTab(self.state, jobs, self)
        self.label_errors = LabelErrorsTab(self.state, jobs, self)
        self.compare = CompareTab(self.state, runs, jobs, self)
        self.activity_row = ActivityRow(runner.activity, self)
        self._set_up()
        self._connect()
        self._show_title()
        fit_to_screen(self, _SIZE)

    def show_run(self, folder: Path) -> None:
        """Choose a run as soon as it is in the list."""
        self.runs.choose(folder)

    def _set_up(self) -> None:
        for tab, text in (
            (self.overview, "&Overview"),
            (self.categories, "&Categories"),
            (self.curves, "C&urves"),
            (self.scores, "Sco&res"),
            (self.pairs, "&Pairs"),
            (self.label_errors, "&Label errors"),
            (self.compare, "Co&mpare"),
        ):
            self.tabs.addTab(tab, text)
        self.tabs.setDocumentMode(True)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        # A long name must not make the window wider than the screen.
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.thresholds.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.thresholds.setMinimumContentsLength(28)
        for which in ThresholdSet:
            self.thresholds.addItem(which.value, which)
        self.thresholds.setAccessibleName("Thresholds")
        top = QHBoxLayout()
        top.addStretch(1)
        for widget in (QLabel("Thresholds:", self), self.thresholds):
            top.addWidget(widget)
        top.addWidget(self.save_thresholds)
        top.addWidget(self.export)
        right = QWidget(self)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.title)
        column.addLayout(top)
        column.addWidget(self.tabs, 1)
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        splitter.addWidget(self.runs)
        splitter.addWidget(right)
        splitter.setChildrenCollapsible(False)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([290, 950])
        layout = QVBoxLayout(self)
        layout.addWidget(self.message_bar)
        layout.addWidget(splitter, 1)
        layout.addWidget(self.activity_row)

    def _connect(self) -> None:
        self.runs.run_chosen.connect(self._analyse)
        self.thresholds.activated.connect(lambda: self.state.use(self.thresholds.currentData()))
        self.save_thresholds.clicked.connect(self.save_thresholds_requested)
        self.export.clicked.connect(self._ask_export)
        self.state.export_requested.connect(self.exports.write)
        self.exports.written.connect(self._on_exports_written)
        self.exports.failed.connect(self._tell_error)
        self.label_errors.failed.connect(self._tell_error)

    @Slot(object)
    def _analyse(self, folder: Path) -> None:
        current = self.state.analysis
        is_shown = current is not None and current.folder == folder
        if is_shown and not self._analysing.is_running:
            return
        self.title.setText("Reading the run…")
        self._analysing.run(
            lambda: analyse(folder), on_values=self._take_analyses, on_failure=self._take_error
        )

    def _take_analyses(self, values: tuple[Analysis | None, ...]) -> None:
        found = [value for value in values if value is not None]
        if not found:
            return
        before = self.state.analysis
        if before is None or before.folder != found[-1].folder:
            self.thresholds.setCurrentIndex(0)
            self.message_bar.clear()
        self.state.set_analysis(found[-1])
        self._show_title()

    def _take_error(self, error: EngineError) -> None:
        self.state.set_analysis(None)
        self._show_title()
        self._tell_error(error)

    def _show_title(self) -> None:
        analysis = self.state.analysis
        for widget in (self.thresholds, self.save_thresholds, self.export, self.tabs):
            widget.setEnabled(analysis is not None)
        items = self.thresholds.model()
        if isinstance(items, QStandardItemModel):
            has_stored = analysis is not None and analysis.report.at_stored is not None
            items.item(self.thresholds.findData(ThresholdSet.STORED)).setEnabled(has_stored)
        if analysis is None:
            self.title.setText("Choose a run.")
        else:
            model, data = analysis.run.model.get("name", ""), analysis.run.dataset.get("name", "")
            self.title.setText(display_text(f"{model} on {data}"))
        self.title.setToolTip(tool_tip(self.title.text()))

    # Files.

    @Slot()
    def _ask_export(self) -> None:
        ask_target(self, "Export the results", "evaluation.html", _FORMATS, self._export)

    def _export(self, path: Path) -> None:
        analysis = self.state.analysis
        if path.suffix.lower() not in SUFFIXES:
            path = path.with_name(f"{path.name}.html")
        if analysis is not None:
            table = self.categories.model.table().as_csv().encode("utf-8", "replace")
            comparison = self.compare.comparison
            self.exports.write_report(path, analysis.report, comparison, table)

    @Slot(object)
    def _on_exports_written(self, path: Path) -> None:
        self.notifier.info(f"Written to {display_path(path)}.", Topic.EVALUATION)

    @Slot(object)
    def _tell_error(self, error: EngineError) -> None:
        self.notifier.error(str(error), Topic.EVALUATION)
