"""Tagging photos again: which, with which model, and what happens to the labels they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGroupBox,
    QListWidget,
    QListWidgetItem,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from csra_gui.session.retag_plan import RetagMode, RetagPlan
from csra_gui.widgets.labels import plain_label
from engine.texts import display_text, photos_text

_MODES = {
    RetagMode.SKIP: (
        "&Skip photos that have labels",
        "Only photos without labels, and those that could not be read, are tagged.",
    ),
    RetagMode.UPDATE: (
        "&Update the model's labels",
        "New labels are added; those that the model no longer gives stay.",
    ),
    RetagMode.REPLACE: (
        "&Replace the model's labels",
        "What the model says now takes the place of what it said before.",
    ),
}
_PROMISE = (
    "What you accepted, rejected or added never changes. "
    "You see what would change before it counts."
)
_PLACE = Qt.ItemDataRole.UserRole
_TEXT_INDENT = 26
_MOST_FOLDERS_SHOWN = 6


@dataclass(frozen=True)
class FolderChoice:
    """An open folder: its path, and how many photos are in it."""

    path: str
    photos: int


class RetagDialog(QDialog):
    """Asks once, and begins with what was chosen last.

    Args:
        models: names of those that can be opened, with the one in use first.
        folders: those that are open.
        mode: what was chosen last.
        parent: the window.

    Signals:
        chosen: a ``RetagPlan``.
    """

    chosen = Signal(object)

    def __init__(
        self,
        models: Sequence[str],
        folders: Sequence[FolderChoice],
        mode: RetagMode,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Tag again")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.modes: dict[RetagMode, QRadioButton] = {}
        self.models = QComboBox(self)
        self.models.setAccessibleName("Model")
        self.folders = QListWidget(self)
        self._folders = folders
        column = QVBoxLayout(self)
        column.addWidget(self._mode_box(mode))
        form = QFormLayout()
        form.addRow("&Model:", self.models)
        form.addRow("&Folders:", self.folders)
        column.addLayout(form)
        column.addWidget(plain_label(_PROMISE, self))
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self._go = self._buttons.addButton("Tag", QDialogButtonBox.ButtonRole.AcceptRole)
        self._buttons.accepted.connect(self._on_buttons_accepted)
        self._buttons.rejected.connect(self.reject)
        column.addWidget(self._buttons)
        self._fill(models)
        self.setMinimumWidth(520)

    def plan(self) -> RetagPlan:
        """What is chosen now."""
        mode = next(mode for mode, button in self.modes.items() if button.isChecked())
        source = self.models.currentData() if self.models.currentIndex() > 0 else None
        chosen = [item.data(_PLACE) for item in self._items() if _is_checked(item)]
        everywhere = len(chosen) == self.folders.count()
        return RetagPlan(mode, source, None if everywhere else tuple(chosen))

    def _mode_box(self, mode: RetagMode) -> QGroupBox:
        box = QGroupBox("Photos that have labels already", self)
        column = QVBoxLayout(box)
        for each, (caption, what) in _MODES.items():
            button = QRadioButton(caption, box)
            button.setAccessibleDescription(what)
            button.setChecked(each is mode)
            self.modes[each] = button
            column.addWidget(button)
            text = plain_label(what, box)
            text.setIndent(_TEXT_INDENT)
            column.addWidget(text)
        return box

    def _fill(self, models: Sequence[str]) -> None:
        for place, name in enumerate(models):
            shown = display_text(name) if place else f"{display_text(name)} (in use)"
            self.models.addItem(shown, name)
        for folder in self._folders:
            text = f"{display_text(folder.path)} · {photos_text(folder.photos)}"
            item = QListWidgetItem(text, self.folders)
            item.setData(_PLACE, folder.path)
            item.setCheckState(Qt.CheckState.Checked)
        self.folders.setAccessibleName("Folders to tag again")
        rows = min(max(2, self.folders.count()), _MOST_FOLDERS_SHOWN)
        row_height = max(self.folders.sizeHintForRow(0), self.fontMetrics().height())
        self.folders.setFixedHeight(rows * row_height + 2 * self.folders.frameWidth() + 2)
        self.folders.itemChanged.connect(self._on_folders_item_changed)

    def _items(self) -> list[QListWidgetItem]:
        return [self.folders.item(place) for place in range(self.folders.count())]

    def _on_folders_item_changed(self) -> None:
        self._go.setEnabled(any(map(_is_checked, self._items())))

    def _on_buttons_accepted(self) -> None:
        plan = self.plan()
        self.accept()
        self.chosen.emit(plan)


def _is_checked(item: QListWidgetItem) -> bool:
    return item.checkState() == Qt.CheckState.Checked
