"""Positions of photos as selections of an item model, and back."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QItemSelection, QItemSelectionRange

from csra_gui.browse.photo_list_model import PhotoListModel
from csra_gui.browse.shown_photos_model import ShownPhotosModel
from engine.library.columns import IntArray


def spread(one: int, other: int) -> IntArray:
    """Every position from one to the other, both included."""
    return np.arange(min(one, other), max(one, other) + 1)


def runs(positions: IntArray) -> list[tuple[int, int]]:
    """First and last of each gapless stretch of ascending positions."""
    if not len(positions):
        return []
    breaks = np.flatnonzero(np.diff(positions) != 1)
    firsts = positions[np.concatenate([[0], breaks + 1])]
    lasts = positions[np.concatenate([breaks, [len(positions) - 1]])]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def ranges_of(selection: QItemSelection) -> list[QItemSelectionRange]:
    """The rectangles of a selection."""
    return [selection.at(place) for place in range(selection.count())]


def as_selection(model: ShownPhotosModel, positions: IntArray) -> QItemSelection:
    """Ascending positions as few rectangles of cells."""
    selection = QItemSelection()
    columns = model.columns if isinstance(model, PhotoListModel) else model.count
    for first, last in runs(positions):
        for top_left, bottom_right in _rectangles(first, last, max(1, columns)):
            selection.select(model.index_at(top_left), model.index_at(bottom_right))
    return selection


def positions_in(model: ShownPhotosModel, selection: QItemSelection) -> IntArray:
    """The positions of all cells of a selection, ascending."""
    columns = model.columns if isinstance(model, PhotoListModel) else model.count
    parts = []
    for cells in ranges_of(selection):
        rows = np.arange(cells.top(), cells.bottom() + 1)[:, np.newaxis] * columns
        parts.append((rows + np.arange(cells.left(), cells.right() + 1)).ravel())
    if not parts:
        return np.arange(0)
    positions = np.unique(np.concatenate(parts))
    return positions[positions < model.count]


def _rectangles(first: int, last: int, columns: int) -> list[tuple[int, int]]:
    """A stretch in reading order as up to three rectangles: its first row, whole rows, its last."""
    top, bottom = first // columns, last // columns
    if top == bottom:
        return [(first, last)]
    whole_from = top if first % columns == 0 else top + 1
    whole_to = bottom if last % columns == columns - 1 else bottom - 1
    parts = []
    if whole_from > top:
        parts.append((first, (top + 1) * columns - 1))
    if whole_from <= whole_to:
        parts.append((whole_from * columns, (whole_to + 1) * columns - 1))
    if whole_to < bottom:
        parts.append((bottom * columns, last))
    return parts
