"""Where the menu of the chosen photos belongs when it is asked for in a list of them."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QModelIndex, QPoint
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QAbstractItemView


class PhotoPositions(Protocol):
    """What the item models of photos say of their cells."""

    def position_at(self, index: QModelIndex, /) -> int | None:
        """The position of a cell; ``None`` for one without a photo."""

    def index_of(self, photo: int | None, /) -> QModelIndex:
        """The cell of a photo; invalid if it is not shown."""


def is_from_keys(event: QContextMenuEvent) -> bool:
    """Whether a menu was asked for by the Menu key or Shift+F10."""
    return event.reason() is QContextMenuEvent.Reason.Keyboard


def menu_place(
    event: QContextMenuEvent, view: QAbstractItemView, photos: PhotoPositions, current: int | None
) -> QPoint | None:
    """Where on the screen; from the keyboard at the current photo, which is scrolled to.

    ``None`` where no photo is.
    """
    point = event.pos()
    index = photos.index_of(current) if is_from_keys(event) else view.indexAt(point)
    if photos.position_at(index) is None:
        return None
    if is_from_keys(event):
        view.scrollTo(index)
        point = view.visualRect(index).intersected(view.viewport().rect()).center()
    return view.viewport().mapToGlobal(point)
