"""What got better and what got worse since another run, how sure that is, and label by label."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.evaluation.cases import Cases
from csra_gui.evaluation.result_state import ResultState
from csra_gui.plots.sharing import Sharing
from csra_gui.plots.values import PlotTable
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.record_list import RecordManager
from csra_gui.widgets.table import Cell, Table, change_cell
from engine.api.errors import EngineError
from engine.api.label_names import shown_label
from engine.records.evaluations import EvaluationRun, EvaluationStore, EvaluationSummary
from engine.records.run_comparison import ImageLabel, RunComparison, comparison_steps
from engine.report.verdict import CAVEAT, categories_text, verdict
from engine.texts import change, date_text, display_text, percent

_HEADER = ("Category", "AP before", "AP now", "Change", "95 % interval", "Certain")
_MOST_LISTED = 2000
#: Changes smaller than this are not seen in the numbers.
_NOTABLE = 0.0005


class _LabelList(QWidget):
    """Labels that changed for better or worse; a click shows one image, a button all."""

    def __init__(self, title: str, state: ResultState, parent: QWidget) -> None:
        super().__init__(parent)
        self._title = title
        self._state = state
        self._labels: Sequence[ImageLabel] = ()
        self.heading = QLabel(self)
        self.show_all = QPushButton("Show all", self)
        self.show_all.setAccessibleName(f"Show all images that got {title.lower()}")
        self.list = QListWidget(self)
        self.list.setUniformItemSizes(True)
        self.list.setAccessibleName(f"Labels that got {title.lower()}")
        top = QHBoxLayout()
        top.addWidget(self.heading, 1)
        top.addWidget(self.show_all)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.list)
        self.list.itemClicked.connect(self._on_list_item_activated)
        self.list.itemActivated.connect(self._on_list_item_activated)
        self.show_all.clicked.connect(self._on_show_all_clicked)
        self.set_labels(())

    def set_labels(self, labels: Sequence[ImageLabel]) -> None:
        """Show other ones."""
        self._labels = labels
        self.heading.setText(f"{self._title}: {len(labels):,} labels")
        self.show_all.setEnabled(bool(labels))
        self.list.clear()
        self.list.addItems(
            [f"{shown_label(c)}: {display_text(s)}" for s, c in labels[:_MOST_LISTED]]
        )

    @Slot(QListWidgetItem)
    def _on_list_item_activated(self, item: QListWidgetItem) -> None:
        sample, category = self._labels[self.list.row(item)]
        caption = f"{shown_label(category)}: {self._title.lower()}"
        self._state.cases_requested.emit(Cases(caption, (sample,), category))

    @Slot()
    def _on_show_all_clicked(self) -> None:
        samples = tuple(dict.fromkeys(sample for sample, _ in self._labels))
        self._state.cases_requested.emit(Cases(f"{self._title} than before", samples))


class CompareTab(QWidget):
    """Another run of the list against the one that is looked at."""

    def __init__(
        self,
        state: ResultState,
        runs: RecordManager[EvaluationSummary],
        jobs: JobRunner,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._runs = runs
        self._comparing = JobSlot(jobs, "compare runs", self)
        self.comparison: RunComparison | None = None
        self.other = QComboBox(self)
        self.summary = plain_label("", self)
        self.categories = Table(_HEADER, "Change of each category", self)
        self.better = _LabelList("Better", state, self)
        self.worse = _LabelList("Worse", state, self)
        self._sharing = Sharing(
            self.categories, "comparison", self.table, state.export_requested.emit
        )
        self._set_up()
        state.analysis_changed.connect(self._on_state_analysis_changed)
        runs.records_changed.connect(self._list_runs)
        self.other.activated.connect(self._compare)

    def compare_with(self, folder: Path) -> None:
        """Compare with this run."""
        self.other.setCurrentIndex(max(0, self.other.findData(str(folder))))
        self._compare()

    def table(self) -> PlotTable:
        """Average precision of each category before and now."""
        found = self.comparison
        rows = [] if found is None else _rows(found)
        header = ("category", "AP before", "AP now", "change", "low", "high", "p after Holm")
        values = [(r.name, r.before, r.now, r.change, r.low, r.high, r.adjusted) for r in rows]
        return PlotTable(header, values)

    def _set_up(self) -> None:
        self.other.setAccessibleName("The run before")
        top = QHBoxLayout()
        label = QLabel("&Before:", self)
        label.setBuddy(self.other)
        top.addWidget(label)
        top.addWidget(self.other, 1)
        parts = QHBoxLayout()
        lists = QVBoxLayout()
        for part in (self.better, self.worse):
            lists.addWidget(part)
        parts.addWidget(self.categories, 5)
        parts.addLayout(lists, 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.summary)
        layout.addLayout(parts, 1)

    @Slot()
    def _list_runs(self) -> None:
        before = self.other.currentData()
        analysis = self._state.analysis
        self.other.clear()
        self.other.addItem("Choose a run", "")
        for record in self._runs.records:
            run = record.value
            if run is not None and (analysis is None or record.path != analysis.folder):
                self.other.addItem(run_text(run), str(record.path))
        self.other.setCurrentIndex(max(0, self.other.findData(before)))

    @Slot()
    def _on_state_analysis_changed(self) -> None:
        self._list_runs()
        self._compare()

    @Slot()
    def _compare(self) -> None:
        self._comparing.drop()
        analysis, chosen = self._state.analysis, str(self.other.currentData() or "")
        self._show(None)
        if analysis is None or not chosen:
            self.summary.setText("Compare with another run on the same images.")
            return
        now = analysis.run
        self.summary.setText("Comparing…")
        self._comparing.run(
            lambda: _compared(Path(chosen), now),
            on_failure=self._show_error,
            on_values=self._take_comparisons,
        )

    def _take_comparisons(self, values: tuple[RunComparison | None, ...]) -> None:
        found = [value for value in values if value is not None]
        if found:
            self._show(found[-1])

    def _show(self, found: RunComparison | None) -> None:
        self.comparison = found
        self.categories.set_rows([_cells(row) for row in ([] if found is None else _rows(found))])
        self.better.set_labels(() if found is None else found.better)
        self.worse.set_labels(() if found is None else found.worse)
        if found is not None:
            self.summary.setText(_summary(found))

    def _show_error(self, error: EngineError) -> None:
        self.summary.setText(display_text(str(error)))


def run_text(run: EvaluationSummary) -> str:
    """A run in a line of a list."""
    mean = percent(run.mean_average_precision)
    return display_text(f"{date_text(run.date)} · {run.model} on {run.dataset} · mAP {mean}")


def _compared(before: Path, now: EvaluationRun) -> Generator[RunComparison | None, None, None]:
    """The numbers at once, and again with their uncertainty, which takes longer."""
    old = EvaluationStore().load(before)
    yield from _last(comparison_steps([old], [now], None))
    yield from _last(comparison_steps([old], [now]))


def _last(
    steps: Generator[None, None, RunComparison],
) -> Generator[RunComparison | None, None, None]:
    yield (yield from steps)


def _summary(found: RunComparison) -> str:
    text = verdict(found)
    if found.difference is None:
        return " ".join([text, *map(display_text, found.notes)])
    return " ".join([text, CAVEAT, categories_text(found), *map(display_text, found.notes)])


@dataclass(frozen=True, slots=True)
class _Row:
    """One category; NaN where nothing is known."""

    name: str
    before: float
    now: float
    change: float
    low: float = math.nan
    high: float = math.nan
    adjusted: float = math.nan
    is_certain: bool = False


def _cells(row: _Row) -> tuple[Cell, ...]:
    # Colour is for what is no chance; before anybody knows, for what can be seen in the numbers.
    limit = _NOTABLE if math.isnan(row.low) or row.is_certain else math.inf
    between = "" if math.isnan(row.low) else f"{change(0, row.low)} to {change(0, row.high)}"
    return (
        Cell(shown_label(row.name)),
        Cell(percent(row.before), row.before),
        Cell(percent(row.now), row.now),
        change_cell(row.before, row.now, limit),
        Cell(between, row.low),
        Cell("yes" if row.is_certain else ""),
    )


def _rows(found: RunComparison) -> list[_Row]:
    """What fell most comes first."""
    by = found.after - found.before
    order = np.argsort(np.where(np.isnan(by), np.inf, by), kind="stable").tolist()
    sure = found.difference
    rows = []
    for i in order:
        numbers = (float(found.before[i]), float(found.after[i]), float(by[i]))
        row = _Row(found.categories[i], *numbers)
        if sure is not None:
            ends, adjusted = sure.by_category[i], float(sure.adjusted[i])
            row = replace(
                row,
                low=ends.low,
                high=ends.high,
                adjusted=adjusted,
                is_certain=bool(sure.differs[i]),
            )
        rows.append(row)
    return rows
