"""What a model file does not say of itself, asked of the person."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from csra_gui.models.download_dialog import lam_box
from csra_gui.widgets.labels import plain_label
from engine.api.errors import MissingFactsError
from engine.texts import display_name, display_text

_LAM_HELP = "The file does not say λ, the weight of attention. Whoever made it knows; 0.1 is usual."


class FactsDialog(QDialog):
    """Asks for λ, for a file of category names, or for both; ``lam`` and ``names`` answer."""

    def __init__(self, path: Path, missing: MissingFactsError, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import a model")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._asks_lam = "lam" in missing.facts
        self._asks_names = "categories" in missing.facts
        self.lam_editor = lam_box(self)
        self.names_editor = QLineEdit(self)
        self.names_editor.setAccessibleName("File of category names")
        self.names_editor.setPlaceholderText("A text file, one name per line")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.start = self.buttons.addButton("&Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self._set_up_layout(display_name(path), self._questions(missing))
        self.names_editor.textChanged.connect(self._update_start)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._update_start()

    @property
    def lam(self) -> float | None:
        """λ, if it was asked for."""
        return self.lam_editor.value() if self._asks_lam else None

    @property
    def names(self) -> Path | None:
        """The file of category names, if it was asked for."""
        return Path(self.names_editor.text()).expanduser() if self._asks_names else None

    def _questions(self, missing: MissingFactsError) -> list[str]:
        questions = [_LAM_HELP] if self._asks_lam else []
        if self._asks_names:
            questions.append(
                f"It tells {missing.num_classes:,} categories apart. Choose a text file with "
                f"their {missing.num_classes:,} names, in the model's order, one per line."
            )
        return questions

    def _set_up_layout(self, name: str, questions: list[str]) -> None:
        layout = QVBoxLayout(self)
        for text in (name, *questions):
            label = plain_label(display_text(text), self)
            layout.addWidget(label)
        form = QFormLayout()
        form.addRow("&λ:", self.lam_editor)
        form.setRowVisible(self.lam_editor, self._asks_lam)
        browse = QPushButton("&Browse…", self)
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.names_editor, 1)
        row.addWidget(browse)
        caption = QLabel("&Names:", self)
        caption.setBuddy(self.names_editor)
        form.addRow(caption, row)
        form.setRowVisible(row, self._asks_names)
        layout.addLayout(form)
        layout.addStretch(1)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(420)

    @Slot()
    def _browse(self) -> None:
        dialog = QFileDialog(
            self, "Choose the names of the categories", "", "Text (*.txt);;All (*)"
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.names_editor.setText)
        dialog.open()

    @Slot()
    def _update_start(self) -> None:
        self.start.setEnabled(not self._asks_names or bool(self.names_editor.text().strip()))
