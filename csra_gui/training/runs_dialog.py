"""All trainings that were kept: how each went, side by side; go on, use, export, delete."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QPushButton, QSplitter, QVBoxLayout, QWidget

from csra_gui.plots.curves import CurvePlot
from csra_gui.plots.values import Series
from csra_gui.widgets.labels import muted_label
from csra_gui.widgets.record_list import Column, RecordManager, RecordPanel
from csra_gui.widgets.windows import fit_to_screen
from engine.api.config import HeadTrainConfig
from engine.api.training import DatasetSource
from engine.api.training_reports import Ending
from engine.records.folders import Record
from engine.records.training_lock import goes_on_text
from engine.records.trainings import TrainingRun
from engine.texts import display_text, percent

_SIZE = QSize(980, 600)
_HINT = "Select several trainings to compare them."


class RunsDialog(QDialog):
    """Not modal. Several selected runs are compared.

    Signals (wishes; each carries the ``TrainingRun``):
        resume_requested, use_requested, export_requested.
    """

    resume_requested = Signal(object)
    use_requested = Signal(object)
    export_requested = Signal(object)

    def __init__(self, runs: RecordManager[TrainingRun], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Trainings")
        self._is_busy = False
        self._runs = runs
        self.list = RecordPanel(runs, _COLUMNS, _question, several=True, parent=self)
        self.plot = CurvePlot("Mean average precision of trainings", self)
        self.plot.set_axes("epoch", "mAP (%)")
        self.plot.limit_y(0, 100)
        self.plot.place_legend(0.97, 0.9)
        self.resume = QPushButton("&Continue", self)
        self.use = QPushButton("&Use this model", self)
        self.export = QPushButton("&Export…", self)
        self.close_button = QPushButton("Close", self)
        self._set_up()
        runs.records_changed.connect(self._on_runs_records_changed)
        self.list.selection_changed.connect(self._show_selected)
        self.close_button.clicked.connect(self.close)
        for button, wish in (
            (self.resume, self.resume_requested),
            (self.use, self.use_requested),
            (self.export, self.export_requested),
        ):
            button.clicked.connect(lambda _checked=False, wish=wish: wish.emit(self.current))
        self._show_selected()
        fit_to_screen(self, _SIZE)

    def _set_up(self) -> None:
        splitter = QSplitter(Qt.Orientation.Vertical, self)
        splitter.addWidget(self.list.tree)
        splitter.addWidget(self.plot)
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([220, 260])
        self.list.content.insertWidget(0, splitter, 1)
        self.hint = muted_label(_HINT, self)
        self.list.content.insertWidget(1, self.hint)
        for place, button in enumerate((self.use, self.resume, self.export)):
            self.list.buttons.insertWidget(place, button)
        self.list.buttons.addWidget(self.close_button)
        for button in (self.use, self.resume, self.export, self.close_button):
            button.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.addWidget(self.list)

    @property
    def current(self) -> TrainingRun | None:
        """The only run that is selected."""
        record = self.list.current
        return None if record is None else record.value

    def set_busy(self, on: bool) -> None:
        """While something learns, nothing can be gone on with or deleted."""
        self._is_busy = on
        self.list.set_can_delete(not on)

    @Slot()
    def _on_runs_records_changed(self) -> None:
        if self._runs.records and not self.list.selected:
            self.list.choose(self._runs.records[0].path)

    @Slot()
    def _show_selected(self) -> None:
        run = self.current
        selected = (record.value for record in self.list.selected)
        self.plot.set_series([_series(each) for each in selected if each is not None])
        has_model = run is not None and run.best_file is not None
        self.use.setEnabled(has_model)
        self.export.setEnabled(has_model)
        self.resume.setEnabled(run is not None and run.can_resume and not self._is_busy)
        is_elsewhere = run is not None and run.is_running and not self._is_busy
        self.hint.setText(goes_on_text(run.name) if run is not None and is_elsewhere else _HINT)


def _learned_from(run: TrainingRun) -> str:
    source, config = run.request.source, run.request.config
    what = "last layer" if isinstance(config, HeadTrainConfig) else "whole network"
    if isinstance(source, DatasetSource):
        return f"{source.root.name}, {source.split} ({what})"
    return f"my labels ({what})"


def _epochs(run: TrainingRun) -> str:
    done = max((report.epoch for report in run.epochs), default=0)
    return f"{done:,} of {run.request.config.epochs:,}"


def _started(run: TrainingRun) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))


def _state(run: TrainingRun) -> str:
    if run.is_running:
        return "goes on"
    if run.ending is Ending.DONE:
        return "done"
    if run.ending is Ending.NO_GAIN:
        return "ended early"
    return "stopped" if run.ending is Ending.STOPPED else "interrupted"


def _series(run: TrainingRun) -> Series:
    validated = [report for report in run.epochs if report.is_judged]
    x = np.array([report.epoch for report in validated], dtype=np.float64)
    y = np.array([100 * report.val_map for report in validated])
    return Series(display_text(run.name), x, y, has_points=True)


_COLUMNS: tuple[Column[TrainingRun], ...] = (
    Column("Name", lambda run: run.name),
    Column("Started", _started),
    Column("Learned from", _learned_from),
    Column("Epochs", _epochs),
    Column("Best mAP", lambda run: percent(run.best_map, " %")),
    Column("State", _state),
)


def _question(record: Record[TrainingRun]) -> str:
    name = record.path.name if record.value is None else record.value.name
    return (
        f"Delete the training {display_text(name)} with its curves and models? A model that you "
        "saved from it stays."
    )
