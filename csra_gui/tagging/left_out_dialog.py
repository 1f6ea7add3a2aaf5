"""The files that are left out because their kind cannot be opened: where each lies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSize,
    Qt,
    Slot,
)
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTableView, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.desktop import open_folder, show_files
from csra_gui.base.jobs import JobRunner
from csra_gui.base.tool_tips import tool_tip
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.row_model import RowModel
from csra_gui.widgets.table import set_up_table
from csra_gui.widgets.windows import fit_to_screen
from engine.data.kinds import LeftOut, left_out_text
from engine.texts import display_name, display_path

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_HEADERS = ("File", "Kind", "Folder")
_WIDTHS = (240, 80)


class LeftOutModel(RowModel):
    """A row per file; nothing is made before it is seen, for there may be a hundred thousand."""

    def __init__(self, files: Sequence[LeftOut], parent: QObject) -> None:
        super().__init__(_HEADERS, parent)
        self.files = tuple(files)

    @property
    @override
    def rows(self) -> int:
        return len(self.files)

    @override
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        file = self.files[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tool_tip(display_path(file.path))
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if index.column() == 0:
            return display_name(file.path)
        return file.kind if index.column() == 1 else display_path(file.path.parent)


class LeftOutDialog(QDialog):
    """A list whose paths can be copied and whose files can be shown in the file manager.

    Args:
        files: in the order to show.
        jobs: the file manager is asked in a worker.
        parent: the window.
    """

    def __init__(
        self, files: Sequence[LeftOut], jobs: JobRunner, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Files left out")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._jobs = jobs
        self._model = LeftOutModel(files, self)
        headline = plain_label(f"{left_out_text(files)} Files of these kinds are not opened.", self)
        headline.setWordWrap(True)
        self.list = QTableView(self)
        self.list.setModel(self._model)
        set_up_table(self.list, "Files left out")
        for column, width in enumerate(_WIDTHS):
            self.list.setColumnWidth(column, width)
        self.list.horizontalHeader().setStretchLastSection(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        role = QDialogButtonBox.ButtonRole.ActionRole
        self.copy = buttons.addButton("&Copy paths", role)
        self.show_in_files = buttons.addButton("Show in the file &manager", role)
        self.copy.clicked.connect(self._on_copy_clicked)
        self.show_in_files.clicked.connect(self._on_show_in_files_clicked)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(headline)
        layout.addWidget(self.list)
        layout.addWidget(buttons)
        fit_to_screen(self, QSize(780, 420))
        self.list.setFocus()

    def chosen(self) -> list[LeftOut]:
        """The files selected, or all if none is."""
        rows = sorted(index.row() for index in self.list.selectionModel().selectedRows())
        return [self._model.files[row] for row in rows] or list(self._model.files)

    @Slot()
    def _on_copy_clicked(self) -> None:
        lines = [os.fspath(file.path) for file in self.chosen()]
        QGuiApplication.clipboard().setText("\n".join(lines))

    @Slot()
    def _on_show_in_files_clicked(self) -> None:
        paths = [file.path for file in self.chosen()]
        self._jobs.run(
            lambda: show_files(paths),
            "show in file manager",
            lambda shown: None if shown else open_folder(paths[0].parent),
        )
