"""What to import: which names there are in files, on which photos, and what each means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.activity import Progress
from csra_gui.base.ask import ask_files, ask_folder, ask_target
from csra_gui.base.jobs import JobSlot, JobTold
from csra_gui.interchange.import_job import LabelImports, ReadLabels, ReadRequest
from csra_gui.interchange.import_model import COUNT, MEANS, Meaning, NamesModel, photos_of
from csra_gui.session.session import Session
from csra_gui.widgets.labels import muted_label, plain_label
from csra_gui.widgets.table import set_up_table
from csra_gui.widgets.windows import fit_to_screen
from engine.api.errors import EngineError
from engine.interchange.importing.mapping import idle_text, read_mapping_table, write_mapping_table
from engine.interchange.importing.values import FoundLabels, ImportSource
from engine.library.columns import IntArray
from engine.texts import display_name, display_path, display_text, photos_text

_Index = QModelIndex | QPersistentModelIndex
_SOURCES = (
    (ImportSource.SIDECAR, "&Sidecars (.xmp)", True),
    (ImportSource.EMBEDDED, "&Within the photos", True),
    (ImportSource.TXT, "&Text files (.txt)", False),
)
_LISTS = (
    "Lists and data sets (*.csv *.jsonl *.json *.xml)",
    "All files (*)",
)
_WIDTHS = (230, 80, 110)
_PROMISE = (
    "Imported labels have the source “file”. What you decided yourself stays, and no file is "
    "changed."
)
_NOTHING = "No names were found there."


class MeaningDelegate(QStyledItemDelegate):
    """Edits what a name means: one of three words, or a label."""

    @override
    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _Index) -> QWidget:
        model = index.model()
        if index.column() == MEANS:
            box = QComboBox(parent)
            box.addItems([meaning.value for meaning in Meaning])
            return box
        line = QLineEdit(parent)
        if isinstance(model, NamesModel):
            completer = QCompleter(model.known_labels, line)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            line.setCompleter(completer)
        return line

    @override
    def setEditorData(self, editor: QWidget, index: _Index) -> None:
        text = str(index.data(Qt.ItemDataRole.EditRole))
        if isinstance(editor, QComboBox):
            editor.setCurrentText(text)
        elif isinstance(editor, QLineEdit):
            editor.setText(text)

    @override
    def setModelData(self, editor: QWidget, model: object, index: _Index) -> None:
        text = editor.currentText() if isinstance(editor, QComboBox) else ""
        text = editor.text() if isinstance(editor, QLineEdit) else text
        if isinstance(model, NamesModel):
            model.setData(index, text)


class ImportDialog(QDialog):
    """Reads what is chosen, and asks what the names mean.

    Signals:
        import_requested: the ``FoundLabels``, what each name means, and a caption.
    """

    import_requested = Signal(object, object, str)

    def __init__(self, session: Session, imports: LabelImports, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import labels")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._imports = imports
        self._slot = JobSlot(session.jobs, "read labels in files", self)
        self._tables = JobSlot(session.jobs, "table of names", self)
        session.pipeline.photos_reset.connect(self.reject)  # rows mean other photos from now on
        self._found = FoundLabels()
        self.scope = QComboBox(self)
        self.list_button = QPushButton("A &list…", self)
        self.folder_button = QPushButton("A &data set…", self)
        self.sources = {source: QCheckBox(caption, self) for source, caption, _ in _SOURCES}
        self.names = NamesModel(self)
        self.filter = QLineEdit(self)
        self.table = QTableView(self)
        self.examples = muted_label("", self)
        self.out_button = QPushButton("Leave &out", self)
        self.new_button = QPushButton("Leave &new ones out", self)
        self.load_button = QPushButton("Load ta&ble…", self)
        self.save_button = QPushButton("Sa&ve table…", self)
        self.summary = plain_label("", self)
        self.problems = muted_label("", self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.import_button = self.buttons.addButton(
            "&Import", QDialogButtonBox.ButtonRole.AcceptRole
        )
        self._fill(session)
        self._set_up_layout()
        self._connect()
        self.refresh()

    @property
    def request(self) -> ReadRequest:
        """What is chosen."""
        chosen = self.scope.currentData()
        if isinstance(chosen, tuple):
            return ReadRequest(np.empty(0, dtype=np.int64), lists=chosen)
        rows: IntArray = np.empty(0, dtype=np.int64) if chosen is None else chosen
        sources = tuple(source for source, box in self.sources.items() if box.isChecked())
        return ReadRequest(rows, sources)

    @Slot()
    def refresh(self) -> None:
        """Read again what is chosen now."""
        self._slot.drop()
        self._show(ReadLabels(FoundLabels(), self.names.known, {}))
        request = self.request
        for box in self.sources.values():
            box.setEnabled(not request.lists)
        if not (request.lists or (len(request.rows) and request.sources)):
            self.summary.setText("Choose photos and where their labels are, or a list.")
            return
        self.summary.setText("Reading…")
        self._imports.read(self._slot, request, JobTold(self._follow, self._show, self._fail))

    def read_list(self, paths: list[Path]) -> None:
        """Read files that list photos, or a data set."""
        name = display_name(paths[0]) if len(paths) == 1 else f"{len(paths):,} lists"
        self.scope.addItem(name, tuple(paths))
        self.scope.setCurrentIndex(self.scope.count() - 1)

    @override
    def done(self, result: int) -> None:
        self._slot.drop()
        super().done(result)

    def _fill(self, session: Session) -> None:
        shown: IntArray = session.shown.rows
        everything = np.flatnonzero(~session.photos.gone)
        selected = np.array(session.selection, dtype=np.int64)
        if len(shown):
            text = "The photo shown" if len(shown) == 1 else f"All {len(shown):,} photos shown"
            self.scope.addItem(text, shown)
        if len(selected) > 1 or (len(selected) and not len(shown)):
            self.scope.addItem(f"The {len(selected):,} photos selected", selected)
        if len(everything) != len(shown):
            self.scope.addItem(f"All {len(everything):,} photos that are open", everything)
        for source, _, is_usual in _SOURCES:
            self.sources[source].setChecked(is_usual)

    def _set_up_layout(self) -> None:
        self.scope.setAccessibleName("Photos")
        self.filter.setPlaceholderText("Show only names with…")
        self.filter.setAccessibleName("Show only names with")
        self.filter.setClearButtonEnabled(True)
        self.table.setModel(self.names)
        set_up_table(self.table, "Names in the files")
        self.table.setItemDelegate(MeaningDelegate(self.table))
        triggers = QTableView.EditTrigger
        self.table.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(COUNT, Qt.SortOrder.DescendingOrder)
        for column, width in enumerate(_WIDTHS):
            self.table.setColumnWidth(column, width)
        self.table.horizontalHeader().setStretchLastSection(True)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Photos:", _row(self.scope, self.list_button, self.folder_button))
        form.addRow("From:", _row(*self.sources.values()))
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.filter)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.examples)
        layout.addLayout(_row(self.out_button, self.new_button, self.load_button, self.save_button))
        for widget in (self.summary, self.problems, muted_label(_PROMISE, self), self.buttons):
            layout.addWidget(widget)
        fit_to_screen(self, QSize(820, 640))

    def _connect(self) -> None:
        self.scope.currentIndexChanged.connect(self.refresh)
        for box in self.sources.values():
            box.toggled.connect(self.refresh)
        self.list_button.clicked.connect(self._on_list_button_clicked)
        self.folder_button.clicked.connect(self._on_folder_button_clicked)
        self.filter.textChanged.connect(self.names.set_filter)
        self.table.selectionModel().selectionChanged.connect(self._show_examples)
        self.names.mapping_changed.connect(self._sum_up)
        self.names.label_refused.connect(self.problems.setText)
        self.out_button.clicked.connect(self._leave_out)
        self.new_button.clicked.connect(self.names.leave_new_out)
        self.load_button.clicked.connect(self._on_load_button_clicked)
        self.save_button.clicked.connect(self._on_save_button_clicked)
        key = QShortcut(QKeySequence(Qt.Key.Key_Delete), self.table)
        key.setContext(Qt.ShortcutContext.WidgetShortcut)
        key.activated.connect(self._leave_out)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.accepted.connect(self._on_accepted)

    def _follow(self, progress: Progress) -> None:
        self.summary.setText(progress.line)

    def _show(self, read: ReadLabels) -> None:
        self._found = read.found
        self.names.show_names(read.found.uses, read.proposed, read.known)
        problems = [
            f"{display_path(path)}: {display_text(why)}" for path, why in read.found.problems[:3]
        ]
        more = len(read.found.problems) - len(problems)
        problems += [f"And {more:,} more."] if more else []
        self.problems.setText("\n".join(problems))
        self._sum_up()

    def _fail(self, error: EngineError) -> None:
        self.summary.setText(display_text(str(error)))

    @Slot()
    def _sum_up(self) -> None:
        names, mapping = self.names.uses, self.names.mapping
        taken = sum(bool(mapping[use.name]) for use in names)
        text = f"{len(names):,} names on {photos_text(len(self._found.photos))}; {taken:,} of them "
        text += f"are imported, {len(names) - taken:,} left out."
        self.summary.setText(text if names else _NOTHING)
        self.import_button.setEnabled(taken > 0 and self._imports.can_import)
        for button in (self.out_button, self.new_button, self.load_button, self.save_button):
            button.setEnabled(bool(names))
        self._show_examples()

    @Slot()
    def _show_examples(self) -> None:
        rows = self._selected_rows()
        text = f"On {photos_of(self.names.use_at(rows[0]))}" if len(rows) == 1 else ""
        self.examples.setText(display_text(text))

    def _selected_rows(self) -> list[int]:
        return [index.row() for index in self.table.selectionModel().selectedRows()]

    @Slot()
    def _leave_out(self) -> None:
        if rows := self._selected_rows():
            self.names.leave_out(rows)

    @Slot()
    def _on_list_button_clicked(self) -> None:
        ask_files(self, "Labels in a list", _LISTS, self.read_list)

    @Slot()
    def _on_folder_button_clicked(self) -> None:
        ask_folder(self, "Labels in a data set", lambda path: self.read_list([path]))

    @Slot()
    def _on_load_button_clicked(self) -> None:
        kinds = ("Tables (*.csv)",)
        ask_files(self, "What names mean", kinds, self._load, several=False)

    def _load(self, paths: list[Path]) -> None:
        def done(table: dict[str, str]) -> None:
            count, name = self.names.give(table), display_name(paths[0])
            said = f"{name} says what {count:,} of the names mean."
            idle = idle_text(table, self.names.mapping, paths[0])
            self.problems.setText(display_text(f"{said} {idle}".rstrip()))

        self._tables.run(lambda: read_mapping_table(paths[0]), done, self._tell)

    @Slot()
    def _on_save_button_clicked(self) -> None:
        ask_target(self, "What names mean", "names.csv", ("Tables (*.csv)",), self._save)

    def _save(self, path: Path) -> None:
        mapping = dict(self.names.mapping)
        self._tables.run(lambda: write_mapping_table(path, mapping), None, self._tell)

    def _tell(self, error: EngineError) -> None:
        self.problems.setText(display_text(str(error)))

    @Slot()
    def _on_accepted(self) -> None:
        request = self.request
        what = display_name(request.lists[0]) if request.lists else "the photos’ files"
        self.import_requested.emit(self._found, self.names.mapping, f"Import labels of {what}")


def _row(*widgets: QWidget) -> QHBoxLayout:
    layout = QHBoxLayout()
    for place, widget in enumerate(widgets):
        layout.addWidget(widget, int(place == 0 and isinstance(widget, QComboBox)))
    if not isinstance(widgets[0], QComboBox):
        layout.addStretch(1)
    return layout
