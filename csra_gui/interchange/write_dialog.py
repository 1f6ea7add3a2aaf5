"""What to write beside which photos, with every change to see before it is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.ask import ask_files
from csra_gui.base.jobs import JobSlot, JobTold
from csra_gui.base.settings import (
    KEEP_FILE_TIMES,
    WRITE_LABELS,
    WRITE_PARENTS,
    WRITE_PREFIX,
    WRITE_RENAMING,
    WRITE_TARGET,
    Settings,
)
from csra_gui.base.tool_tips import tool_tip
from csra_gui.interchange.embed_choice import EmbedChoice
from csra_gui.interchange.scopes import photo_scopes
from csra_gui.interchange.write_job import LabelWrites, WriteRequest
from csra_gui.interchange.write_options import chosen_options, chosen_which
from csra_gui.session.session import Session
from csra_gui.widgets.labels import muted_label, plain_label
from csra_gui.widgets.row_model import RowModel
from csra_gui.widgets.table import set_up_table
from csra_gui.widgets.windows import fit_to_screen
from engine.api.errors import EngineError
from engine.interchange.exporting.values import held_back_text
from engine.interchange.writing.values import PlannedFile, Target, WriteProgress, WriteReport
from engine.texts import display_name, display_path, display_text, photos_text

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_HEADERS = ("Photo", "What changes", "File")
_WIDTHS = (180, 320)
_NOTHING = (
    "There is nothing to write: none of these photos has such a tag. Accept or add some first."
)
_PROMISE = "What other programs wrote stays. Tags that you rejected are never written."


class ChangesModel(RowModel):
    """A row per file; no text is made before it is seen, for there may be a hundred thousand."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(_HEADERS, parent)
        self.files: list[PlannedFile] = []

    def clear(self) -> None:
        """Forget all files."""
        self.beginResetModel()
        self.files = []
        self.endResetModel()

    def extend(self, files: list[PlannedFile]) -> None:
        """Add files at the end."""
        if files:
            start = len(self.files)
            self.beginInsertRows(_ROOT, start, start + len(files) - 1)
            self.files += files
            self.endInsertRows()

    @property
    @override
    def rows(self) -> int:
        return len(self.files)

    @override
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        file = self.files[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tool_tip(display_text(file.text()))
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if index.column() == 0:
            return display_name(file.photo)
        return display_text(file.text()) if index.column() == 1 else display_path(file.path)


class WriteDialog(QDialog):
    """Asks what to write, and shows what would change as it is asked.

    Signals:
        write_requested: a ``WriteRequest``.
    """

    write_requested = Signal(object)

    def __init__(
        self, session: Session, settings: Settings, writes: LabelWrites, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Write labels")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._settings, self._writes = settings, writes
        self._slot = JobSlot(session.jobs, "preview of labels", self)
        session.pipeline.photos_reset.connect(self.reject)  # rows mean other photos from now on
        self._request: WriteRequest | None = None
        self.scope = QComboBox(self)
        self.which = QComboBox(self)
        self.target = QComboBox(self)
        self._can_write = False
        self.prefix = QLineEdit(str(settings.value(WRITE_PREFIX)), self)
        self.renaming = QLineEdit(str(settings.value(WRITE_RENAMING)), self)
        self.choose = QPushButton("C&hoose…", self)
        self.parents = QCheckBox("Put tags &below what they are a kind of (animal|cat)", self)
        self.keep_times = QCheckBox("&Keep the time of change of files that are there", self)
        self.changes = ChangesModel(self)
        self.table = QTableView(self)
        self.summary = muted_label("", self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.write = self.buttons.addButton("&Write", QDialogButtonBox.ButtonRole.AcceptRole)
        self._fill(session)
        self.embed = EmbedChoice(session.jobs, settings, self.target, self)
        self._set_up_layout()
        self._connect()
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Begin the preview again with what is chosen now."""
        self._store()
        self.changes.clear()
        self._set_can_write(False)
        self._slot.drop()
        try:
            self._request = self.request
        except EngineError as error:
            self._request = None
            self.summary.setText(display_text(str(error)))
            return
        self.summary.setText("Looking what would change…")
        slots = JobTold(self._on_found, self._on_ended, self._on_failed)
        self._writes.preview(self._slot, self._request, slots)

    @property
    def request(self) -> WriteRequest:
        """What is chosen.

        Raises:
            EngineError: the table of names cannot be read.
        """
        options = chosen_options(self._settings)
        if self.embed.is_chosen:
            options = replace(options, target=Target.EMBED, exiftool=self.embed.exiftool)
        return WriteRequest(self.scope.currentData(), chosen_which(self._settings), options)

    @override
    def done(self, result: int) -> None:
        self._slot.drop()
        self.embed.drop()
        super().done(result)

    def _fill(self, session: Session) -> None:
        for text, rows in photo_scopes(session):
            self.scope.addItem(text, rows)
        for box, setting in ((self.which, WRITE_LABELS), (self.target, WRITE_TARGET)):
            for value, caption in setting.choices:
                box.addItem(caption, value)
            box.setCurrentIndex(box.findData(self._settings.value(setting)))
        self.parents.setChecked(bool(self._settings.value(WRITE_PARENTS)))
        self.keep_times.setChecked(bool(self._settings.value(KEEP_FILE_TIMES)))

    def _set_up_layout(self) -> None:
        self.prefix.setPlaceholderText("none; such as auto, or auto|csra")
        self.renaming.setPlaceholderText("none; a CSV or TOML file: from, to")
        self.renaming.setAccessibleName("Other names")
        self.table.setModel(self.changes)
        set_up_table(self.table, "What would change")
        for column, width in enumerate(_WIDTHS):
            self.table.setColumnWidth(column, width)
        self.table.horizontalHeader().setStretchLastSection(True)
        table_row = QHBoxLayout()
        table_row.addWidget(self.renaming)
        table_row.addWidget(self.choose)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("&Photos:", self.scope)
        form.addRow("&Tags:", self.which)
        form.addRow("Written t&o:", self.target)
        form.addRow("&Under:", self.prefix)
        form.addRow("Other names:", table_row)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.parents)
        layout.addWidget(self.keep_times)
        layout.addWidget(self.embed)
        layout.addWidget(plain_label(_PROMISE, self))
        layout.addWidget(self.table, 1)
        layout.addWidget(self.summary)
        layout.addWidget(self.buttons)
        fit_to_screen(self, QSize(820, 600))

    def _connect(self) -> None:
        for box in (self.scope, self.which, self.target):
            box.currentIndexChanged.connect(self.refresh)
        for edit in (self.prefix, self.renaming):
            edit.editingFinished.connect(self.refresh)
        self.parents.toggled.connect(self.refresh)
        self.keep_times.toggled.connect(self._store)
        self.choose.clicked.connect(self._on_choose_clicked)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.accepted.connect(self._on_accepted)
        self.embed.agreed.connect(self._on_embed_agreed)

    @Slot()
    def _store(self) -> None:
        for setting, value in (
            (WRITE_LABELS, self.which.currentData()),
            (WRITE_PREFIX, self.prefix.text().strip()),
            (WRITE_RENAMING, self.renaming.text().strip()),
            (WRITE_PARENTS, self.parents.isChecked()),
            (KEEP_FILE_TIMES, self.keep_times.isChecked()),
        ):
            self._settings.set_value(setting, value)
        if not self.embed.is_chosen:  # chosen anew each time; nothing writes there by itself
            self._settings.set_value(WRITE_TARGET, self.target.currentData())

    @Slot()
    def _on_choose_clicked(self) -> None:
        ask_files(
            self,
            "Other names of labels",
            ("Tables (*.csv *.toml)",),
            self._on_table_chosen,
            several=False,
        )

    def _on_table_chosen(self, paths: list[Path]) -> None:
        self.renaming.setText(str(paths[0]))
        self.refresh()

    def _on_found(self, values: tuple[WriteProgress, ...]) -> None:
        self.changes.extend([file for value in values for file in value.planned])
        self.summary.setText(f"{values[-1].done:,} of {values[-1].total:,} looked at…")

    def _on_ended(self, report: WriteReport) -> None:
        text = f"Would be written for {photos_text(report.written)}"
        if report.unchanged:
            text += f", {report.unchanged:,} are as they should be"
        if report.refused:
            text += f", {len(report.refused):,} would be left alone"
        nothing = not (report.written or report.unchanged or report.refused)
        held_back = held_back_text(report.held_back) if report.held_back else ""
        said = _NOTHING if nothing else text + "."
        self.summary.setText(" ".join(filter(None, (said, held_back))))
        self._set_can_write(report.written > 0)

    def _set_can_write(self, can_write: bool) -> None:
        self._can_write = can_write
        self.write.setEnabled(can_write and self.embed.is_agreed)

    @Slot()
    def _on_embed_agreed(self) -> None:
        self._set_can_write(self._can_write)

    def _on_failed(self, error: EngineError) -> None:
        self.summary.setText(display_text(str(error)))

    @Slot()
    def _on_accepted(self) -> None:
        if self._request is not None:
            options = replace(self._request.options, may_change_photos=self.embed.is_agreed)
            self.write_requested.emit(replace(self._request, options=options))
