"""Folders as a tree: one is chosen by a click, opened by two."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHeaderView, QTreeView, QWidget
from typing_extensions import override

from csra_gui.browse.folder_tree_model import FolderColumn, FolderTreeModel

#: Rows beside those that are seen whose counts say how wide their column is.
_MEASURED = 32


class FolderView(QTreeView):
    """Shows a ``FolderTreeModel``.

    Signals:
        folder_chosen: the path of the folder that was clicked, or that Return was pressed on.
        folder_opened: the path of the folder that was clicked twice.
        menu_requested: the path of a folder, and where on the screen its menu belongs.
    """

    folder_chosen = Signal(object)
    folder_opened = Signal(object)
    menu_requested = Signal(object, QPoint)

    def __init__(self, model: FolderTreeModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # after a click keys go to the photos
        self._folders = model
        self.setModel(model)
        self.setAccessibleName("Folders")
        self.setHeaderHidden(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setEditTriggers(QTreeView.EditTrigger.NoEditTriggers)
        self.setUniformRowHeights(True)
        self.setExpandsOnDoubleClick(False)
        self.setIndentation(14)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = self.header()
        header.setStretchLastSection(False)
        # Else a thousand counts are measured whenever some photos are found.
        header.setResizeContentsPrecision(_MEASURED)
        header.setSectionResizeMode(FolderColumn.NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(FolderColumn.COUNT, QHeaderView.ResizeMode.ResizeToContents)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu_requested)
        self.clicked.connect(self._on_clicked)
        self.doubleClicked.connect(self._on_double_clicked)
        model.rowsInserted.connect(self._on_model_rows_inserted)

    def select(self, folder: Path | None) -> None:
        """Mark a folder as the one that is shown, without a signal; ``None`` marks none."""
        index = QModelIndex() if folder is None else self._folders.index_of(folder)
        if not index.isValid():
            self.clearSelection()
        elif index != self.currentIndex() or not self.selectionModel().isSelected(index):
            self.setCurrentIndex(index)
            self.scrollTo(index)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_clicked(self.currentIndex())
        else:
            super().keyPressEvent(event)

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex | QPersistentModelIndex) -> None:
        folder = self._folders.folder(index)
        if folder is not None:
            self.folder_chosen.emit(folder)

    @Slot(QModelIndex)
    def _on_double_clicked(self, index: QModelIndex) -> None:
        folder = self._folders.folder(index)
        if folder is not None:
            self.folder_opened.emit(folder)

    @Slot(QPoint)
    def _on_menu_requested(self, position: QPoint) -> None:
        folder = self._folders.folder(self.indexAt(position))
        if folder is not None:
            self.menu_requested.emit(folder, self.viewport().mapToGlobal(position))

    @Slot(QModelIndex, int, int)
    def _on_model_rows_inserted(self, parent: QModelIndex) -> None:
        # What was opened is open: its folders are what the person wants to see.
        if parent.isValid() and not parent.parent().isValid() and not self.isExpanded(parent):
            self.expand(parent)
