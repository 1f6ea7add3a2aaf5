"""The last lines of the program's log."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.jobs import JobRunner, JobSlot, Policy
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.windows import fit_to_screen
from engine.texts import display_path, display_text

MAX_BYTES = 200_000


class LogDialog(QDialog):
    """What the program wrote down, to read and to copy; a worker reads the file.

    Args:
        jobs: runs the worker.
        path: of the log.
        parent: of the dialog.
    """

    def __init__(self, jobs: JobRunner, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Log")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._reading = JobSlot(jobs, "log", self, Policy.IGNORE)
        self._path = path
        self.place = plain_label(display_path(path), self)
        self.place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName("Log")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.copy = buttons.addButton("&Copy", QDialogButtonBox.ButtonRole.ActionRole)
        self.again = buttons.addButton("&Read again", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(self._on_copy_clicked)
        self.again.clicked.connect(self.read)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (self.place, self.text, buttons):
            layout.addWidget(widget)
        fit_to_screen(self, QSize(860, 520))
        self.read()

    @Slot()
    def read(self) -> None:
        """Show the end of the file as it is now."""
        path = self._path
        self._reading.run(lambda: last_lines(path), self._show)

    def _show(self, lines: str) -> None:
        self.text.setPlainText(lines)
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.maximum())

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())


def last_lines(path: Path) -> str:
    """The end of a log as text that is safe to show; a sentence if it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - MAX_BYTES, 0))
            raw = file.read(MAX_BYTES)
    except FileNotFoundError:
        return "Nothing has been written yet."
    except OSError as error:
        return f"The log cannot be read: {error.strerror}."
    lines = raw.decode(errors="replace").splitlines()
    whole = lines[1:] if size > MAX_BYTES else lines  # the first one is cut
    return "\n".join(display_text(line) for line in whole)
