"""What can be done about a damaged library: the person chooses."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from csra_gui.widgets.labels import plain_label
from engine.library.errors import DamagedLibraryError
from engine.texts import display_name, display_text

_KEPT = "The damaged file is kept under another name in any case. Your photos are not touched."
_TEXT_INDENT = 26


class Repair(StrEnum):
    """A way out."""

    RESTORE = "restore"
    REBUILD = "rebuild"
    FROM_FILES = "files"
    BEGIN_ANEW = "begin"


class RepairDialog(QDialog):
    """Offers a rebuild, a backup, and a new beginning, the best first.

    Signals:
        chosen: a ``Repair``.
    """

    chosen = Signal(object)

    def __init__(self, error: DamagedLibraryError, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Repair the library")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._column = QVBoxLayout(self)
        self._add_text(display_text(str(error)))
        self.choices: dict[Repair, QRadioButton] = {}
        rebuild = "&Rebuild it from what can still be read"
        if error.backup is None:
            what = "Keeps every label and score that is not damaged. There is no good backup."
            self._add_choice(Repair.REBUILD, rebuild, what)
        else:
            name = display_name(error.backup)
            what = "Keeps every label and score that is not damaged, and takes the rest from "
            self._add_choice(Repair.REBUILD, f"{rebuild} and the backup", f"{what}{name}.")
            what = f"Brings back all as it was when {name} was made; what came later is lost."
            self._add_choice(Repair.RESTORE, "Put the &backup in its place", what)
        self._add_choice(
            Repair.FROM_FILES,
            "Begin a new library with labels from &files",
            "Takes over what other programs, or this one, wrote beside or into the open photos; "
            "asks first which labels.",
        )
        self._add_choice(
            Repair.BEGIN_ANEW, "Begin a &new library", "Photos will be tagged again when opened."
        )
        next(iter(self.choices.values())).setChecked(True)
        self._add_text(_KEPT)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        buttons.addButton("Repair", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self._on_buttons_accepted)
        buttons.rejected.connect(self.reject)
        self._column.addWidget(buttons)
        self.setMinimumWidth(480)

    def _add_text(self, text: str) -> QLabel:
        label = plain_label(text, self)
        self._column.addWidget(label)
        return label

    def _add_choice(self, repair: Repair, caption: str, what: str) -> None:
        button = QRadioButton(caption, self)
        button.setAccessibleDescription(what)
        self.choices[repair] = button
        self._column.addWidget(button)
        self._add_text(what).setContentsMargins(_TEXT_INDENT, 0, 0, 6)

    def _on_buttons_accepted(self) -> None:
        repair = next(r for r, button in self.choices.items() if button.isChecked())
        self.accept()
        self.chosen.emit(repair)
