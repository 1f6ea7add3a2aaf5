"""The folders that the open photos lie in, and how many photos each has: plain values, no Qt."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from engine.data.scan import natural_key


@dataclass(eq=False, slots=True)
class FolderNode:
    """One folder.

    Attributes:
        path: of the folder, as it was reached.
        id: a number of its own in its tree.
        parent: the folder that it is in; ``None`` for one that was opened.
        children: the folders in it that have photos in them or below, in natural order.
        own: how many photos lie directly in it.
        total: how many lie in it and below.
    """

    path: str
    id: int
    parent: FolderNode | None
    children: list[FolderNode] = field(default_factory=list)
    own: int = 0
    total: int = 0

    @property
    def name(self) -> str:
        """The folder's own name; the whole path of a disk."""
        return Path(self.path).name or self.path

    def place(self) -> int:
        """Where it is among its siblings; 0 for one that was opened."""
        return 0 if self.parent is None else self.parent.children.index(self)


class FolderTree:
    """Grows as photos are found; the disk is never asked.

    Its owner hears of every new folder beforehand, as Qt's item models must.
    """

    def __init__(self) -> None:
        self.roots: list[FolderNode] = []
        self.nodes: list[FolderNode] = []
        self._by_path: dict[str, FolderNode] = {}

    def clear(self) -> None:
        """Forget every folder."""
        self.roots.clear()
        self.nodes.clear()
        self._by_path.clear()

    def find(self, path: Path) -> FolderNode | None:
        """The folder with this path, if a photo lies in it or below."""
        return self._by_path.get(str(path))

    @staticmethod
    def counts(photos: Iterable[Path]) -> Counter[str]:
        """How many of these photos lie directly in which folder."""
        # The folder of a path as text: taking each path's ``parent`` costs ten times as much.
        return Counter(os.path.dirname(photo) for photo in photos)  # noqa: PTH120

    def missing(self, folder: str, roots: Iterable[str]) -> list[str]:
        """The folders that have to be added for this one, the outermost first.

        Args:
            folder: that has photos in it.
            roots: what was opened: the innermost one that the folder is in becomes its root, and
                a folder that is in none of them becomes a root itself.
        """
        tops = set(roots)
        chain: list[str] = []
        while folder not in self._by_path:
            chain.append(folder)
            above = os.path.dirname(folder)  # noqa: PTH120
            if folder in tops:
                break
            if above == folder or not any(_is_in(folder, top) for top in tops):
                return chain[:1]
            folder = above
        return chain[::-1]

    def new_place(self, path: str) -> tuple[FolderNode | None, int]:
        """The parent and the place that a folder is going to have."""
        parent = self._by_path.get(os.path.dirname(path))  # noqa: PTH120
        if parent is None:
            return None, len(self.roots)
        name = natural_key(Path(path).name)
        return parent, bisect_left(parent.children, name, key=lambda node: natural_key(node.name))

    def insert(self, path: str) -> FolderNode:
        """Add a folder at its new place."""
        parent, place = self.new_place(path)
        node = FolderNode(path, len(self.nodes), parent)
        self.nodes.append(node)
        self._by_path[path] = node
        (self.roots if parent is None else parent.children).insert(place, node)
        return node

    def count(self, folder: str, photos: int) -> list[FolderNode]:
        """Count photos in a folder that is there; the folders whose numbers changed."""
        self._by_path[folder].own += photos
        node: FolderNode | None = self._by_path[folder]
        changed: list[FolderNode] = []
        while node is not None:
            node.total += photos
            changed.append(node)
            node = node.parent
        return changed


def _is_in(folder: str, top: str) -> bool:
    return folder.startswith(top if top.endswith(os.sep) else top + os.sep)
