"""Into which model the thresholds go."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from engine.texts import display_text

_WARNING = (
    "Thresholds that were chosen on these images look better on them than on others. Choose them "
    "on a validation split, and do not report numbers with them on the same images."
)


class SaveThresholdsDialog(QDialog):
    """The model itself, if it is the person's own, or a copy of it."""

    def __init__(self, model: str, copy_name: str, *, is_own: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Save thresholds into a model")
        name = display_text(model).replace("&", "&&")
        self.itself = QRadioButton(f"Into {name} &itself", self)
        self.copy = QRadioButton("Into a &copy named", self)
        self.name = QLineEdit(copy_name, self)
        self.name.setAccessibleName("Name of the copy")
        self.itself.setEnabled(is_own)
        self.itself.setToolTip("" if is_own else "It ships with the program.")
        (self.itself if is_own else self.copy).setChecked(True)
        note = QLabel(_WARNING, self)
        note.setWordWrap(True)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel, self
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (self.itself, self.copy, self.name, note, buttons):
            layout.addWidget(widget)
        save = buttons.button(QDialogButtonBox.StandardButton.Save)

        def update() -> None:
            self.name.setEnabled(self.copy.isChecked())
            save.setEnabled(self.itself.isChecked() or bool(self.name.text().strip()))

        self.copy.toggled.connect(update)
        self.name.textChanged.connect(update)
        update()

    @property
    def copy_name(self) -> str | None:
        """The copy's name; ``None`` changes the model itself."""
        return self.name.text().strip() if self.copy.isChecked() else None
