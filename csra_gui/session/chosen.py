"""The current photo and the selected ones: always among those that are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.session.focus import MapFocus
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.photo_view_order import ShownPhotos, begins_with
from csra_gui.session.pipeline import Pipeline
from engine.library.columns import IntArray


class ChosenPhotos(QObject):
    """Follows what is shown, and leads to photos that are asked for by name.

    Attributes:
        selection: rows, in shown order.

    Signals:
        selection_changed: which photos are selected.
        photo_hidden: the row of a photo that was to be looked at and is not shown.
    """

    selection_changed = Signal()
    photo_hidden = Signal(int)

    def __init__(
        self, focus: MapFocus, shown: ShownPhotos, photos: PhotoTable, pipeline: Pipeline
    ) -> None:
        super().__init__(shown.parent())
        self._focus = focus
        self._shown = shown
        self._photos = photos
        self._pipeline = pipeline
        self.selection: tuple[int, ...] = ()
        self._before = shown.rows
        self._left: int | None = None
        self._wanted: Path | None = None
        self._tells = False
        self._moved: Mapping[int, int] = {}
        self._is_choosing = False
        shown.settled.connect(self._on_shown_settled)
        pipeline.looked_up.connect(self._look_for_wanted)
        pipeline.scan_finished.connect(self._look_for_wanted)
        focus.current_changed.connect(self._on_focus_current_changed)

    def clear(self) -> None:
        """Choose nothing; rows mean other photos from now on."""
        self.select(())
        self._wanted = self._left = None
        self._moved = {}

    def select(self, rows: Sequence[int]) -> None:
        """Select photos."""
        selection = tuple(rows)
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit()

    def go_to(self, path: Path, *, tells: bool = True) -> None:
        """Look at a photo alone, now or when it is shown.

        Args:
            path: of the photo, which may still be looked for.
            tells: whether ``photo_hidden`` comes if a filter leaves it out.
        """
        self._wanted, self._tells = path, tells
        self._look_for_wanted()

    def set_moved(self, moved: Mapping[int, int]) -> None:
        """Photos have other rows from now on: go along when those that they had vanish."""
        self._moved = moved
        there = None if self._focus.current is None else moved.get(self._focus.current)
        if there is not None:
            self._wanted, self._tells = self._photos.paths[there], False

    @Slot(bool)
    def _on_shown_settled(self, is_asked: bool) -> None:
        before, self._before = self._before, self._shown.rows
        current = self._focus.current
        # What goes on where it ended takes no photo away: found anew with every few of a million.
        is_longer = not is_asked and not self._moved and begins_with(self._before, before)
        if current is None or not is_longer:
            change = Change(before, self._before, is_asked, self._moved)
            selection = change.selection(self.selection)
            found = change.current(self._left if current is None else current, selection)
            if current is None and self._may_still_come():
                found = None
            if found is not None or current is not None:
                self._left = current if found is None else None
            self._choose(found, selection)
        self._look_for_wanted()

    def _choose(self, current: int | None, selection: tuple[int, ...] = ()) -> None:
        self._is_choosing = True
        self._focus.set_current(current)
        self.select(selection or (() if current is None else (current,)))
        self._is_choosing = False

    def _may_still_come(self) -> bool:
        """Whether the photo that is waited for may be shown before long."""
        if self._wanted is None:
            return False
        is_known = self._tells and self._photos.row_of(self._wanted) is not None
        return self._shown.is_pending or (not is_known and self._pipeline.is_searching)

    @Slot()
    def _look_for_wanted(self) -> None:
        row = None if self._wanted is None else self._photos.row_of(self._wanted)
        if row is not None and self._shown.position_of(row) is not None:
            self._wanted = None
            if row != self._focus.current:
                self._choose(row)
        elif self._wanted is not None and not self._may_still_come():
            self._wanted = None
            if row is not None and self._tells:
                self.photo_hidden.emit(row)
            if self._focus.current is None:
                self._on_shown_settled(False)

    @Slot(object)
    def _on_focus_current_changed(self, row: int | None) -> None:
        """Whoever goes elsewhere meanwhile no longer waits."""
        if row is not None and not self._is_choosing:
            self._wanted = None


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What is shown now and was before.

    Attributes:
        before: (M,) rows, in order.
        shown: (N,) rows, in order.
        is_asked: whether the person asked for something else, rather than photos changed.
        moved: the row that a photo had, and the one it has.
    """

    before: IntArray
    shown: IntArray
    is_asked: bool = False
    moved: Mapping[int, int] = field(default_factory=dict)

    def selection(self, rows: Sequence[int]) -> tuple[int, ...]:
        """The selected photos that are still shown, in order."""
        wanted = [self.moved.get(row, row) for row in rows]
        return tuple(self.shown[np.isin(self.shown, wanted)].tolist())

    def current(self, row: int | None, selection: Sequence[int] = ()) -> int | None:
        """The photo to look at: the same while it is shown, else one of those still selected.

        After another filter that leaves it out, the first of what is shown; where a decision or
        a file took it away, the one that took its place. ``None`` if nothing is shown.
        """
        if not len(self.shown):
            return None
        row = row if row is None else self.moved.get(row, row)
        if row is not None and row in self.shown:
            return row
        if selection:
            return selection[0]
        first = int(self.shown[0])
        return first if row is None or self.is_asked else self._successor(row, first)

    def _successor(self, row: int, default: int) -> int:
        """What came after a photo, and is still shown; else the last before it."""
        place = np.flatnonzero(self.before == row)
        stays = np.flatnonzero(np.isin(self.before, self.shown))
        if not len(place) or not len(stays):
            return default
        after = stays[stays > place[0]]
        return int(self.before[after[0] if len(after) else stays[-1]])
