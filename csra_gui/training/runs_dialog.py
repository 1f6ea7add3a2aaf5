"""All trainings that were kept: how each went, side by side; go on, use, export, delete."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from csra_gui.plots.curves import CurvePlot
from csra_gui.plots.values import Series
from csra_gui.training.texts import muted_label, percent
from engine.api.config import HeadTrainConfig
from engine.api.training import DatasetSource
from engine.api.training_reports import Ending
from engine.records.trainings import TrainingRun
from engine.texts import display_text

_HEADER = ("Name", "Started", "Learned from", "Epochs", "Best mAP", "State", "Note")
_NOTE = 6
_SIZE = QSize(980, 600)
_SHARE_OF_SCREEN = 0.9


class RunsDialog(QDialog):
    """Not modal. Several selected runs are compared.

    Signals (wishes; each carries the ``TrainingRun``):
        resume_requested, use_requested, export_requested, delete_requested.
        note_changed: a run, and its new note.
    """

    resume_requested = Signal(object)
    use_requested = Signal(object)
    export_requested = Signal(object)
    delete_requested = Signal(object)
    note_changed = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Trainings")
        self._runs: tuple[TrainingRun, ...] = ()
        self._is_busy = False
        self.table = QTableWidget(0, len(_HEADER), self)
        self.plot = CurvePlot("Mean average precision of trainings", self)
        self.plot.set_axes("epoch", "mAP (%)")
        self.plot.place_legend(0.97, 0.9)
        self.hint = muted_label("Select several trainings to compare them.", self)
        self.note = QLineEdit(self)
        self.resume = QPushButton("&Go on", self)
        self.use = QPushButton("&Use this model", self)
        self.export = QPushButton("&Export…", self)
        self.delete = QPushButton("&Delete…", self)
        self.close_button = QPushButton("Close", self)
        self._set_up()
        self._connect()
        self._show_selected()
        room = self.screen().availableGeometry().size()
        self.resize(_SIZE.boundedTo(room * _SHARE_OF_SCREEN))

    def _set_up(self) -> None:
        table = self.table
        table.setHorizontalHeaderLabels(list(_HEADER))
        table.verticalHeader().hide()
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setAccessibleName("Trainings")
        table.horizontalHeader().setSectionResizeMode(_NOTE, QHeaderView.ResizeMode.Stretch)
        self.note.setPlaceholderText("Note")
        self.note.setAccessibleName("Note on the training")
        splitter = QSplitter(Qt.Orientation.Vertical, self)
        splitter.addWidget(table)
        splitter.addWidget(self.plot)
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([220, 260])
        buttons = QHBoxLayout()
        for button in (self.use, self.resume, self.export, self.delete):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.addStretch(1)
        self.close_button.setAutoDefault(False)
        buttons.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.addWidget(splitter, 1)
        layout.addWidget(self.hint)
        layout.addWidget(self.note)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        self.table.itemSelectionChanged.connect(self._show_selected)
        self.close_button.clicked.connect(self.close)
        self.note.editingFinished.connect(self._on_note_edited)
        for button, wish in (
            (self.resume, self.resume_requested),
            (self.use, self.use_requested),
            (self.export, self.export_requested),
            (self.delete, self.delete_requested),
        ):
            button.clicked.connect(lambda _checked=False, wish=wish: wish.emit(self.current))

    @property
    def selected(self) -> tuple[TrainingRun, ...]:
        """The runs that are selected."""
        rows = sorted({index.row() for index in self.table.selectedIndexes()})
        return tuple(self._runs[row] for row in rows)

    @property
    def current(self) -> TrainingRun | None:
        """The only run that is selected."""
        selected = self.selected
        return selected[0] if len(selected) == 1 else None

    def set_runs(self, runs: Sequence[TrainingRun], *, busy: bool) -> None:
        """Show these; while something learns, none can be gone on with or deleted."""
        chosen = {run.folder for run in self.selected}
        self._runs, self._is_busy = tuple(runs), busy
        self.table.clearSelection()
        self.table.setRowCount(len(runs))
        for row, run in enumerate(runs):
            for column, text in enumerate(_cells(run)):
                self.table.setItem(row, column, QTableWidgetItem(text))
            if run.folder in chosen or (not chosen and row == 0):
                self.table.selectRow(row)
        self.table.resizeColumnsToContents()
        self.table.horizontalHeader().setSectionResizeMode(_NOTE, QHeaderView.ResizeMode.Stretch)
        self._show_selected()

    @Slot()
    def _show_selected(self) -> None:
        selected, run = self.selected, self.current
        self.plot.set_series([_series(each) for each in selected])
        has_model = run is not None and run.best_file is not None
        self.use.setEnabled(has_model)
        self.export.setEnabled(has_model)
        self.resume.setEnabled(run is not None and run.can_resume and not self._is_busy)
        self.delete.setEnabled(run is not None and not self._is_busy)
        self.note.setEnabled(run is not None)
        self.note.setText("" if run is None else run.note)

    @Slot()
    def _on_note_edited(self) -> None:
        run, text = self.current, self.note.text()
        if run is not None and text != run.note:
            self.note_changed.emit(run, text)


def _cells(run: TrainingRun) -> tuple[str, ...]:
    request = run.request
    source = request.source
    learned = "my labels"
    if isinstance(source, DatasetSource):
        learned = f"{display_text(source.root.name)}, {source.split}"
    what = "last layer" if isinstance(request.config, HeadTrainConfig) else "whole network"
    done = max((report.epoch for report in run.epochs), default=0)
    return (
        display_text(run.name),
        time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)),
        f"{learned} ({what})",
        f"{done:,} of {request.config.epochs:,}",
        percent(run.best_map),
        _state(run),
        display_text(run.note),
    )


def _state(run: TrainingRun) -> str:
    if run.ending is Ending.DONE:
        return "done"
    if run.ending is Ending.NO_GAIN:
        return "ended early"
    return "stopped" if run.ending is Ending.STOPPED else "interrupted"


def _series(run: TrainingRun) -> Series:
    judged = [report for report in run.epochs if math.isfinite(report.val_map)]
    x = np.array([report.epoch for report in judged], dtype=np.float64)
    y = np.array([100 * report.val_map for report in judged])
    return Series(display_text(run.name), x, y, has_points=True)
