"""Nine labels on keys."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QCompleter,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from csra_gui.review.label_history import UsedLabels
from csra_gui.session.typed_labels import one_label_problem, spelled_as_known, unquoted


class FavouritesDialog(QDialog):
    """A line for each key; an empty one frees the key.

    Args:
        used: where the labels are kept.
        known: labels to complete.
        keys: what is pressed for each of the nine, for a person.
        parent: of the dialog.
    """

    def __init__(
        self,
        used: UsedLabels,
        known: Sequence[str],
        keys: Sequence[str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Favourite labels")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._used = used
        self._known = list(known)
        hint = QLabel("The key gives the label to the photos selected, or takes it away.", self)
        hint.setWordWrap(True)
        self.lines = [QLineEdit(name, self) for name in used.favourites()]
        self.problem = QLabel(self)
        self.problem.setWordWrap(True)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.accepted.connect(self._on_accepted)
        layout = QVBoxLayout(self)
        layout.addWidget(hint)
        layout.addLayout(self._form(keys))
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(380)
        self._update()

    def _form(self, keys: Sequence[str]) -> QFormLayout:
        form = QFormLayout()
        for number, (line, key) in enumerate(zip(self.lines, keys, strict=True), start=1):
            line.setMaxLength(200)
            line.setAccessibleName(f"Favourite {number}")
            completer = QCompleter(self._known, line)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
            line.setCompleter(completer)
            line.textChanged.connect(self._update)
            form.addRow(f"{key or number}:", line)
        return form

    def _labels(self) -> list[str]:
        return [spelled_as_known(unquoted(line.text()), self._known) for line in self.lines]

    @Slot()
    def _update(self) -> None:
        typed = [line.text() for line in self.lines if line.text().strip()]
        problems = [one_label_problem(text, self._known) for text in typed]
        found = next((problem for problem in problems if problem), "")
        self.problem.setText(found)
        self.problem.setVisible(bool(found))
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not found)

    @Slot()
    def _on_accepted(self) -> None:
        self._used.set_favourites(self._labels())
