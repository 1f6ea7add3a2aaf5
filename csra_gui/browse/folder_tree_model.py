"""The folders of the open photos as a tree: names, and how many photos each has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from csra_gui.base.tool_tips import tool_tip
from csra_gui.session.folder_tree import FolderNode, FolderTree
from engine.texts import display_path, display_text, photos_text

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_COUNT_ALIGNMENT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class FolderColumn(IntEnum):
    """What is in a row."""

    NAME = 0
    COUNT = 1


class FolderTreeModel(QAbstractItemModel):
    """A ``FolderTree`` for a view; ``PATH_ROLE`` gives the folder of a row."""

    PATH_ROLE = Qt.ItemDataRole.UserRole + 1

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tree = FolderTree()
        self._roots: tuple[str, ...] = ()

    def clear(self) -> None:
        """Forget every folder."""
        self.beginResetModel()
        self._tree.clear()
        self._roots = ()
        self.endResetModel()

    def set_roots(self, roots: Iterable[Path]) -> None:
        """What was opened; folders that are known already stay where they are."""
        self._roots = tuple(str(root) for root in roots)

    def add_photos(self, photos: Sequence[Path]) -> None:
        """Count photos that were found."""
        self.add_counts(FolderTree.counts(photos))

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Count so many photos that were found directly in folders, given by their paths."""
        changed: set[FolderNode] = set()
        for folder, count in counts.items():
            for path in self._tree.missing(folder, self._roots):
                self._insert(path)
            changed.update(self._tree.count(folder, count))
        self._tell(changed)

    def remove_photos(self, photos: Sequence[Path]) -> None:
        """Count photos no more; a folder without any stays, with a zero."""
        changed: set[FolderNode] = set()
        for folder, count in FolderTree.counts(photos).items():
            if self._tree.find(Path(folder)) is not None:
                changed.update(self._tree.count(folder, -count))
        self._tell(changed)

    def index_of(self, folder: Path) -> QModelIndex:
        """The row of a folder; an invalid index if it has no photos."""
        node = self._tree.find(folder)
        return QModelIndex() if node is None else self._index(node)

    def folder(self, index: _Index) -> Path | None:
        """The folder of a row."""
        return Path(self._node(index).path) if index.isValid() else None

    # QAbstractItemModel.

    def rowCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        """Folders in a folder; those that were opened at the top."""
        return len(self._children(parent)) if parent.column() <= 0 else 0

    def columnCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        """Name and count."""
        return len(FolderColumn)

    def index(self, row: int, column: int, parent: _Index = _ROOT) -> QModelIndex:
        """The index of a folder in a folder."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, self._children(parent)[row].id)

    def parent(self, index: _Index = _ROOT) -> QModelIndex:  # type: ignore[override]
        """The folder that a folder is in."""
        above = self._node(index).parent if index.isValid() else None
        return QModelIndex() if above is None else self._index(above)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Folders can be chosen."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a row shows."""
        if not index.isValid():
            return None
        node = self._node(index)
        answers: dict[int, Callable[[], Any]] = {
            Qt.ItemDataRole.ToolTipRole: lambda: tool_tip(*_tool_tip(node)),
            Qt.ItemDataRole.AccessibleTextRole: lambda: _accessible_text(node),
            self.PATH_ROLE: lambda: Path(node.path),
        }
        if index.column() == FolderColumn.NAME:
            answers[Qt.ItemDataRole.DisplayRole] = lambda: display_text(node.name)
        else:
            answers[Qt.ItemDataRole.DisplayRole] = lambda: f"{node.total:,}"
            answers[Qt.ItemDataRole.TextAlignmentRole] = lambda: _COUNT_ALIGNMENT
        answer = answers.get(role)
        return None if answer is None else answer()

    # Helpers.

    def _node(self, index: _Index) -> FolderNode:
        return self._tree.nodes[index.internalId()]

    def _children(self, parent: _Index) -> list[FolderNode]:
        return self._node(parent).children if parent.isValid() else self._tree.roots

    def _index(self, node: FolderNode, column: int = 0) -> QModelIndex:
        row = self._tree.roots.index(node) if node.parent is None else node.place()
        return self.createIndex(row, column, node.id)

    def _insert(self, path: str) -> None:
        above, place = self._tree.new_place(path)
        self.beginInsertRows(QModelIndex() if above is None else self._index(above), place, place)
        self._tree.insert(path)
        self.endInsertRows()

    def _tell(self, changed: Iterable[FolderNode]) -> None:
        for node in changed:
            last = len(FolderColumn) - 1
            self.dataChanged.emit(self._index(node), self._index(node, last))


def _tool_tip(node: FolderNode) -> list[str]:
    counts = photos_text(node.total)
    if node.own != node.total:
        counts += f", {node.own:,} of them directly in this folder"
    return [display_path(node.path), counts]


def _accessible_text(node: FolderNode) -> str:
    return f"{display_text(node.name)}, {photos_text(node.total)}"
