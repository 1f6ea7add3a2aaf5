"""The photos that could not be read, each with its cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from csra_gui.widgets.windows import fit_to_screen
from engine.texts import display_name, display_path, display_text


@dataclass(frozen=True, slots=True)
class Problem:
    """A file or folder and what is wrong with it; ``is_photo`` if it is in the grid."""

    path: Path
    message: str
    is_photo: bool = False


class ProblemsDialog(QDialog):
    """A list to go through; choosing a row selects the photo in the window behind.

    Signals:
        photo_chosen: the photo's path; the list may be older than what is open.
    """

    photo_chosen = Signal(object)

    def __init__(self, problems: Sequence[Problem], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Unreadable photos")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.list = QTreeWidget(self)
        self.list.setAccessibleName("Unreadable photos")
        self.list.setHeaderLabels(["Photo", "What is wrong", "Folder"])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setAlternatingRowColors(True)
        self.list.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        for problem in problems:
            self.list.addTopLevelItem(_item(problem))
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.list.setColumnWidth(0, 220)
        self.list.setColumnWidth(1, 340)
        self.list.currentItemChanged.connect(self._on_list_current_item_changed)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.list)
        layout.addWidget(buttons)
        fit_to_screen(self, QSize(780, 420))

    @Slot(QTreeWidgetItem, QTreeWidgetItem)
    def _on_list_current_item_changed(self, item: QTreeWidgetItem | None) -> None:
        photo = None if item is None else item.data(0, Qt.ItemDataRole.UserRole)
        if photo is not None:
            self.photo_chosen.emit(photo)


def _item(problem: Problem) -> QTreeWidgetItem:
    item = QTreeWidgetItem(
        [
            display_name(problem.path),
            display_text(problem.message),
            display_path(problem.path.parent),
        ]
    )
    item.setData(0, Qt.ItemDataRole.UserRole, problem.path if problem.is_photo else None)
    return item
