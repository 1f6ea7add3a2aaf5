"""Which of the person's labels are complete, before a model is measured by them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from csra_gui.session.decided_labels import DecidedCategory
from csra_gui.widgets.labels import muted_label, plain_label
from csra_gui.widgets.windows import fit_to_screen
from engine.api.label_names import shown_label
from engine.texts import photos_text

_QUESTION = "Tick the labels that you gave to every open photo that shows them."
_MEANING = (
    "A photo without such a label counts as one that does not show it. Without a tick nobody can "
    "say, so that photos without the label do not count."
)


class DecisionsDialog(QDialog):
    """Asks for the complete labels; at first none is.

    Signals:
        start_requested: a tuple of the categories that are complete.
    """

    start_requested = Signal(object)

    def __init__(self, found: Sequence[DecidedCategory], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Measure by my decisions")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.labels = QListWidget(self)
        self.labels.setAccessibleName("Labels that are complete")
        for one in found:
            imported = f", {one.imported:,} of them imported" if one.imported else ""
            text = f"{shown_label(one.name)}: {photos_text(one.given)}{imported}"
            item = QListWidgetItem(text, self.labels)
            item.setData(Qt.ItemDataRole.UserRole, one.name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        buttons.addButton("&Measure", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.accepted.connect(self._on_accepted)
        layout = QVBoxLayout(self)
        layout.addWidget(plain_label(_QUESTION, self))
        layout.addWidget(self.labels, 1)
        layout.addWidget(muted_label(_MEANING, self))
        layout.addWidget(buttons)
        fit_to_screen(self, QSize(460, 420))

    @property
    def complete(self) -> tuple[str, ...]:
        """The categories that are ticked."""
        items = [self.labels.item(row) for row in range(self.labels.count())]
        ticked = [item for item in items if item.checkState() == Qt.CheckState.Checked]
        return tuple(str(item.data(Qt.ItemDataRole.UserRole)) for item in ticked)

    @Slot()
    def _on_accepted(self) -> None:
        self.start_requested.emit(self.complete)
