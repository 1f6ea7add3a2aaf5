"""What is kept, in a table: evaluations, trainings. To choose, note and delete in one way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import QObject, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.ask import ask_whether
from csra_gui.base.jobs import JobRunner, JobSlot, Policy
from csra_gui.base.tool_tips import tool_tip
from engine.records.folders import Record, RecordStore
from engine.texts import display_text

_MARGIN = 12


class Noted(Protocol):
    """Anything that a person can write a note on."""

    @property
    def note(self) -> str:
        """The note, or an empty text."""


T = TypeVar("T")
N = TypeVar("N", bound=Noted)


class RecordManager(QObject, Generic[T]):
    """Knows the records of a store; the disk is read and written in workers.

    Signals:
        records_changed: ``records`` have been read anew.
        failed: an ``EngineError``: something could not be written or deleted.
    """

    records_changed = Signal()
    failed = Signal(object)

    def __init__(self, store: RecordStore[T], jobs: JobRunner, parent: QObject) -> None:
        super().__init__(parent)
        self.store = store
        self.records: tuple[Record[T], ...] = ()
        self._jobs = jobs
        self._listing = JobSlot(jobs, f"list {store.place}", self, Policy.ONCE_MORE)

    @property
    def values(self) -> list[T]:
        """What is in the records that can be read, newest first."""
        return [record.value for record in self.records if record.value is not None]

    @Slot()
    def refresh(self) -> None:
        """Read the list anew."""
        self._listing.run(self.store.records, self._on_listing_returned)

    def set_note(self, path: Path, text: str) -> None:
        """Note something on a record."""
        self._change(lambda: self.store.set_note(path, text), f"note on {self.store.noun}")

    def delete(self, path: Path) -> None:
        """Delete a record."""
        self._change(lambda: self.store.delete(path), f"delete {self.store.noun}")

    def _change(self, work: Callable[[], None], name: str) -> None:
        self._jobs.run(work, name, on_failure=self.failed.emit, on_end=self.refresh)

    def _on_listing_returned(self, records: Sequence[Record[T]]) -> None:
        self.records = tuple(records)
        self.records_changed.emit()


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column.

    Attributes:
        title: its heading.
        text: of a record; made safe to show by the table.
        width: in pixels; 0 takes what the texts need.
    """

    title: str
    text: Callable[[T], str]
    width: int = 0


class RecordPanel(QWidget, Generic[N]):
    """The records of a manager; a note is written into the last column.

    Args:
        manager: of the records.
        columns: before the one for notes.
        question: what is asked before a record is deleted.
        several: whether several can be selected.
        parent: of the widget.

    Attributes:
        content: the table, and below it
        buttons: a row that ends with Delete.

    Signals:
        selection_changed: ``selected`` are others, or were read anew.
    """

    selection_changed = Signal()

    def __init__(
        self,
        manager: RecordManager[N],
        columns: Sequence[Column[N]],
        question: Callable[[Record[N]], str],
        *,
        several: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._manager = manager
        self._columns = columns
        self._question = question
        self._shown: tuple[Record[N], ...] = ()
        self._wanted: Path | None = None
        self._can_delete = True
        self.tree = QTreeWidget(self)
        self.delete = QPushButton("&Delete…", self)
        self.content = QVBoxLayout(self)
        self.buttons = QHBoxLayout()
        self._set_up(several=several)
        manager.records_changed.connect(self._show)
        self._show()

    def _set_up(self, *, several: bool) -> None:
        tree, modes = self.tree, QAbstractItemView.SelectionMode
        tree.setHeaderLabels([*(column.title for column in self._columns), "Note"])
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.setAlternatingRowColors(True)
        tree.setAccessibleName(f"Kept {self._manager.store.place}")
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        tree.setSelectionMode(modes.ExtendedSelection if several else modes.SingleSelection)
        for place, column in enumerate(self._columns):
            tree.setColumnWidth(place, column.width)
        tree.itemSelectionChanged.connect(self._on_selection_changed)
        tree.itemDoubleClicked.connect(self._on_tree_item_double_clicked)
        tree.itemChanged.connect(self._on_tree_item_changed)
        self.delete.setAutoDefault(False)
        self.delete.clicked.connect(self._on_delete_clicked)
        self.buttons.addStretch(1)
        self.buttons.addWidget(self.delete)
        self.content.setContentsMargins(0, 0, 0, 0)
        self.content.addWidget(tree, 1)
        self.content.addLayout(self.buttons)

    @property
    def selected(self) -> tuple[Record[N], ...]:
        """The records that are selected."""
        rows = sorted(index.row() for index in self.tree.selectionModel().selectedRows())
        return tuple(self._shown[row] for row in rows)

    @property
    def current(self) -> Record[N] | None:
        """The only record that is selected."""
        selected = self.selected
        return selected[0] if len(selected) == 1 else None

    def choose(self, path: Path) -> None:
        """Select a record, as soon as it is in the list."""
        self._wanted = path
        if self._choose_wanted():
            self._on_selection_changed()

    def set_can_delete(self, on: bool) -> None:
        """Whether any record can be deleted now."""
        self._can_delete = on
        self._on_selection_changed()

    @Slot()
    def _show(self) -> None:
        before = {record.path for record in self.selected}
        with QSignalBlocker(self.tree):
            self.tree.clear()
            self._shown = self._manager.records
            items = [self._item(record) for record in self._shown]
            self.tree.addTopLevelItems(items)
            for place, column in enumerate(self._columns):
                if not column.width:
                    self.tree.resizeColumnToContents(place)
                    self.tree.setColumnWidth(place, self.tree.columnWidth(place) + _MARGIN)
            for record, item in zip(self._shown, items, strict=True):
                item.setSelected(record.path in before)
        self._choose_wanted()
        self._on_selection_changed()

    def _choose_wanted(self) -> bool:
        paths = [record.path for record in self._shown]
        if self._wanted not in paths:
            return False
        with QSignalBlocker(self.tree):
            row = paths.index(self._wanted)
            self.tree.setCurrentIndex(self.tree.model().index(row, 0))
        self._wanted = None
        return True

    def _item(self, record: Record[N]) -> QTreeWidgetItem:
        value, place = record.value, len(self._columns)
        if value is None:
            cells = ["–", "cannot be read", record.problem, *[""] * place][: place + 1]
        else:
            cells = [*(column.text(value) for column in self._columns), value.note]
        item = QTreeWidgetItem([display_text(cell) for cell in cells])
        for column in range(place):
            item.setToolTip(column, tool_tip(item.text(column)))
        if value is not None:
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            item.setToolTip(place, "Double-click to write a note")
        return item

    @Slot()
    def _on_selection_changed(self) -> None:
        self.delete.setEnabled(self._can_delete and self.current is not None)
        self.selection_changed.emit()

    @Slot(QTreeWidgetItem, int)
    def _on_tree_item_double_clicked(self, item: QTreeWidgetItem, column: int) -> None:
        if column == len(self._columns):
            self.tree.editItem(item, column)

    @Slot(QTreeWidgetItem, int)
    def _on_tree_item_changed(self, item: QTreeWidgetItem, column: int) -> None:
        record = self._shown[self.tree.indexOfTopLevelItem(item)]
        self._manager.set_note(record.path, item.text(column))

    @Slot()
    def _on_delete_clicked(self) -> None:
        if (record := self.current) is not None:
            title, path = f"Delete {self._manager.store.noun}", record.path
            text = self._question(record)
            ask_whether(self, title, text, "Delete", lambda: self._manager.delete(path))
