"""The list of kept runs, and of those that were stopped before their end."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from csra_gui.evaluation.run_list import RunList, RunSummary
from csra_gui.evaluation.texts import date_text, percent
from engine.records.unfinished import UnfinishedRun
from engine.texts import display_text

_HEADER = ("mAP", "Model", "On", "Date", "Note")
_WIDTHS = (52, 105, 130, 118)
_NOTE = 4
_FOLDER_ROLE = int(Qt.ItemDataRole.UserRole)


class RunsPanel(QWidget):
    """Choose a run to look at; write a note into its last column.

    Signals:
        run_chosen: the folder of a run.
        delete_requested: a ``RunSummary``.
        go_on_requested: an ``UnfinishedRun`` to be evaluated to its end.
        keep_requested: an ``UnfinishedRun`` to be kept as it is.
    """

    run_chosen = Signal(object)
    delete_requested = Signal(object)
    go_on_requested = Signal(object)
    keep_requested = Signal(object)

    def __init__(self, runs: RunList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self._wanted: Path | None = None
        self.tree = QTreeWidget(self)
        self.delete = QPushButton("&Delete run…", self)
        self.stopped = QLabel(self)
        self.go_on = QPushButton("&Go on", self)
        self.keep = QPushButton("&Keep as it is", self)
        self.forget = QPushButton("Dis&card", self)
        self._set_up()
        runs.runs_changed.connect(self._show)
        self.tree.currentItemChanged.connect(self._on_tree_current_changed)
        self.tree.itemChanged.connect(self._on_tree_item_changed)
        self.delete.clicked.connect(self._on_delete_clicked)
        self.go_on.clicked.connect(self._on_go_on_clicked)
        self.keep.clicked.connect(self._on_keep_clicked)
        self.forget.clicked.connect(self._on_forget_clicked)
        self._show()

    @property
    def current(self) -> RunSummary | None:
        """The run that is chosen."""
        item = self.tree.currentItem()
        if item is None:
            return None
        folder = item.data(0, _FOLDER_ROLE)
        return next((run for run in self._runs.kept.runs if str(run.folder) == folder), None)

    def choose(self, folder: Path) -> None:
        """Choose a run, as soon as it is in the list."""
        self._wanted = folder
        self._choose_wanted()

    def _set_up(self) -> None:
        tree = self.tree
        tree.setColumnCount(len(_HEADER))
        tree.setHeaderLabels(_HEADER)
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.setAlternatingRowColors(True)
        tree.setAccessibleName("Kept runs")
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        tree.itemDoubleClicked.connect(self._on_tree_item_double_clicked)
        header = tree.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column, width in enumerate(_WIDTHS):
            header.resizeSection(column, width)
        header.setStretchLastSection(True)
        self.stopped.setTextFormat(Qt.TextFormat.PlainText)
        self.stopped.setWordWrap(True)
        buttons = QHBoxLayout()
        for button in (self.go_on, self.keep, self.forget):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.delete)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(tree, 1)
        layout.addWidget(self.stopped)
        layout.addLayout(buttons)

    @property
    def unfinished(self) -> UnfinishedRun | None:
        """What was stopped last."""
        kept = self._runs.kept.unfinished
        return kept[0] if kept else None

    @Slot()
    def _show(self) -> None:
        current = self.current
        self.tree.blockSignals(True)
        self.tree.clear()
        for run in self._runs.kept.runs:
            self.tree.addTopLevelItem(_item(run))
        self.tree.blockSignals(False)
        if self._wanted is None and current is not None:
            self._wanted = current.folder
        self._choose_wanted()
        self._show_unfinished()
        self.delete.setEnabled(self.current is not None)

    def _choose_wanted(self) -> None:
        for row in range(self.tree.topLevelItemCount()):
            item = self.tree.topLevelItem(row)
            if item is not None and item.data(0, _FOLDER_ROLE) == str(self._wanted):
                self._wanted = None
                self.tree.setCurrentItem(item)
                return

    def _show_unfinished(self) -> None:
        stopped = self.unfinished
        for widget in (self.stopped, self.go_on, self.keep, self.forget):
            widget.setVisible(stopped is not None)
        if stopped is not None:
            facts = stopped.facts
            self.stopped.setText(
                display_text(
                    f"Stopped: {facts.get('model name', '')} on {facts.get('data set', '')}, after "
                    f"{stopped.done:,} of {stopped.total:,} images."
                )
            )

    @Slot(QTreeWidgetItem, QTreeWidgetItem)
    def _on_tree_current_changed(self, *_items: QTreeWidgetItem) -> None:
        run = self.current
        self.delete.setEnabled(run is not None)
        if run is not None and not run.problem:
            self.run_chosen.emit(run.folder)

    @Slot(QTreeWidgetItem, int)
    def _on_tree_item_double_clicked(self, item: QTreeWidgetItem, column: int) -> None:
        if column == _NOTE:
            self.tree.editItem(item, column)

    @Slot(QTreeWidgetItem, int)
    def _on_tree_item_changed(self, item: QTreeWidgetItem, column: int) -> None:
        if column == _NOTE:
            self._runs.set_note(Path(item.data(0, _FOLDER_ROLE)), item.text(_NOTE))

    @Slot()
    def _on_delete_clicked(self) -> None:
        if (run := self.current) is not None:
            self.delete_requested.emit(run)

    @Slot()
    def _on_forget_clicked(self) -> None:
        if (stopped := self.unfinished) is not None:
            self._runs.forget_unfinished(stopped.key)

    @Slot()
    def _on_go_on_clicked(self) -> None:
        if (stopped := self.unfinished) is not None:
            self.go_on_requested.emit(stopped)

    @Slot()
    def _on_keep_clicked(self) -> None:
        if (stopped := self.unfinished) is not None:
            self.keep_requested.emit(stopped)


def _item(run: RunSummary) -> QTreeWidgetItem:
    if run.problem:
        cells = ["–", "cannot be read", display_text(run.problem), "", display_text(run.note)]
    else:
        cells = [
            percent(run.mean_average_precision),
            display_text(run.model),
            display_text(run.dataset),
            date_text(run.date),
            display_text(run.note),
        ]
    item = QTreeWidgetItem(cells)
    item.setData(0, _FOLDER_ROLE, str(run.folder))
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
    for column, text in enumerate(cells):
        item.setToolTip(column, text)
    item.setToolTip(_NOTE, "Double-click to write a note")
    return item
