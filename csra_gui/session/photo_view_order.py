"""Which of the open photos are shown, and in which order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.sort_keys import Found, Order, found_rows
from engine.api.values import FloatArray
from engine.library.columns import IntArray
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.likeness import Comparing, Likeness
from engine.library.filters.parser import parse
from engine.library.filters.tree import (
    Everything,
    FilterError,
    Node,
    WordInNames,
    asks_for_similar,
)

#: Changes wait this long for company before filter and order are worked out anew.
DEBOUNCE_MS = 150
#: Where so many are shown already, photos that are found come into view together.
MANY = 5_000


class ShownPhotos(QObject):
    """A filter and an order over the photo table.

    Both are worked out in a worker; until the answer is there, what was shown stays. All photos
    in the order they were found cost nothing, and follow at once; only what is found after
    thousands of others waits a moment, since each change of what is shown is painted. Instead of
    a filter that makes no sense, or asks for a label that there is not, the one before it stays
    in force.

    Attributes:
        filter_error: why the filter that was asked for is not in force.
        words_in_names: words of the filter that are looked for in the files' names.
        alike: (N,) by row: how much photos are alike to what the filter names, a cosine, NaN where
            that is not known; ``None`` if it names none.

    Signals:
        changed: other photos are shown, or in another order, or ``filter_error`` is another one.
        settled: what is shown has been worked out, and all who show it know; whether that was
            because something else was asked for, rather than because photos changed.
        order_changed: the filter, the order or the fixed photos asked for are others.
    """

    changed = Signal()
    settled = Signal(bool)
    order_changed = Signal()

    def __init__(
        self,
        photos: PhotoTable,
        thresholds: Callable[[], FloatArray],
        jobs: JobRunner,
        parent: QObject,
        comparing: Callable[[], Comparing | None] = lambda: None,
    ) -> None:
        super().__init__(parent)
        self._photos = photos
        self._comparing = comparing
        self._thresholds = thresholds
        self._slot = JobSlot(jobs, "filter", self)
        self._order = Order()
        self._is_due = self._is_working = False
        self._is_asked = False
        self._places: IntArray | None = None
        self._all: IntArray = np.arange(0)
        self.rows: IntArray = self._all[:]
        self.view: LibraryView | None = None
        self.filter_text = ""
        self.fixed_caption = ""
        self.filter_error: FilterError | None = None
        self.words_in_names: tuple[WordInNames, ...] = ()
        self.alike: FloatArray | None = None
        self._notes: Mapping[int, str] = {}
        self._unread: FilterError | None = None
        self._applied: Node = Everything()
        self._timer = QTimer(self, singleShot=True, interval=DEBOUNCE_MS)
        self._timer.timeout.connect(self._work_out)

    def __len__(self) -> int:
        return len(self.rows)

    def row_at(self, position: int) -> int | None:
        """The table's row of a position, or ``None`` beyond the end."""
        return int(self.rows[position]) if 0 <= position < len(self.rows) else None

    def position_of(self, row: int) -> int | None:
        """Where a row of the table is shown, or ``None`` if it is not."""
        if self.rows.base is self._all:
            return row if 0 <= row < len(self.rows) else None
        places = self._all_places()
        if not 0 <= row < len(places):
            return None
        place = int(places[row])
        return None if place < 0 else place

    def positions_of(self, rows: Sequence[int] | IntArray) -> IntArray:
        """Where those of some rows of the table are shown that are shown, (at most len(rows),)."""
        wanted = np.asarray(rows, dtype=np.int64)
        if self.rows.base is self._all:
            return wanted[wanted < len(self.rows)]
        places = self._all_places()
        found = places[wanted[wanted < len(places)]]
        return found[found >= 0]

    def _all_places(self) -> IntArray:
        if self._places is None:
            self._places = np.full(int(self.rows.max(initial=-1)) + 1, -1)
            self._places[self.rows] = np.arange(len(self.rows))
        return self._places

    # What is wanted.

    @property
    def sort_key(self) -> str:
        """What the photos are sorted by."""
        return self._order.sort_key

    @property
    def descending(self) -> bool:
        """Whether the greatest comes first."""
        return self._order.descending

    @property
    def is_plain(self) -> bool:
        """Whether all photos are shown as they were found."""
        return self._order.is_plain

    @property
    def asks_the_camera(self) -> bool:
        """Whether filter or order go by what cameras wrote into files."""
        return self._order.asks_the_camera

    @property
    def is_pending(self) -> bool:
        """Whether something else may be shown before long."""
        return self._timer.isActive() or self._is_due or self._is_working

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return isinstance(self._order.node, Everything) and self._order.fixed is None

    def show_all(self) -> None:
        """Leave nothing out; the order stays."""
        self.filter_text = self.fixed_caption = ""
        self._forget_error()
        self._set_order(replace(self._order, node=Everything(), fixed=None))

    def note(self, row: int) -> str:
        """What is to be said of a photo as it is shown: how much it is alike, or what group."""
        if self.alike is None:
            return self._notes.get(row, "") if self.fixed_caption else ""
        value = float(self.alike[row]) if row < len(self.alike) else math.nan
        return "" if math.isnan(value) else f"{max(value, 0.0):.0%} alike"

    @property
    def not_compared(self) -> IntArray:
        """Rows of photos that could not be compared, since nothing is known of them yet."""
        if self.alike is None:
            return np.arange(0)
        failed = np.zeros(0, dtype=np.bool_) if self.view is None else self.view.columns.failed
        unknown = np.isnan(self.alike)
        unknown[: len(failed)] &= ~failed[: len(unknown)]  # they will never be known
        rows = np.flatnonzero(unknown)
        return rows[~self._photos.gone[rows]]

    @property
    def asks_for_similar(self) -> bool:
        """Whether the filter compares photos."""
        return asks_for_similar(self._order.node)

    def show_only(
        self, rows: Sequence[int], caption: str, notes: Mapping[int, str] | None = None
    ) -> None:
        """Show just these photos, in this order, whatever was asked for before.

        Args:
            rows: of the table.
            caption: what they are.
            notes: what is said of each, by row.
        """
        self.filter_text, self.fixed_caption, self._notes = "", caption, notes or {}
        self._forget_error()
        self._set_order(Order(fixed=np.asarray(rows, dtype=np.int64)))

    def restore(self, text: str, sort_key: str, descending: bool) -> None:
        """Ask for a filter and an order instead of what was asked for before."""
        self.fixed_caption = ""
        self._applied = Everything()
        self._order = Order(sort_key=sort_key, descending=descending)
        self.set_filter(text)

    def set_filter(self, text: str) -> None:
        """Show what a filter wants; one that cannot be understood changes only ``filter_error``."""
        self.filter_text = text
        try:
            node, self._unread = parse(text), None
        except FilterError as error:
            node, self._unread = self._applied, error
        self._set_said(self._unread, self.words_in_names if self._unread else ())
        if node is self._order.node:
            self.order_changed.emit()
        else:
            self._set_order(replace(self._order, node=node))

    def set_sort(self, key: str, descending: bool = False) -> None:
        """Sort by ``photo_order``'s keys; what cannot be ranked comes last."""
        self._set_order(replace(self._order, sort_key=key, descending=descending))

    @Slot()
    def reset(self) -> None:
        """The table is empty: rows mean other photos from now on. The filter and order stay."""
        self._drop()
        self.view = self.alike = None
        self._show(np.arange(0))
        self.fixed_caption = ""
        self._order = replace(self._order, fixed=None)
        self.order_changed.emit()

    @Slot()
    def refresh(self) -> None:
        """Something that filters and orders go by has changed."""
        grows_far_away = len(self._photos) > len(self.rows) >= MANY and not self._photos.gone.any()
        if self._order.is_plain and not grows_far_away:
            self._show_plain()
        elif not self._timer.isActive():
            self._timer.start()

    # Helpers.

    def _set_order(self, order: Order) -> None:
        self._order = order
        self._is_asked = True
        self.order_changed.emit()
        if order.is_plain:
            self._applied = order.node
            self._drop()
            self._show_plain()
        else:
            self._work_out()

    def _drop(self) -> None:
        self._slot.drop()
        self._is_due = self._is_working = False
        self._timer.stop()

    @Slot()
    def _work_out(self) -> None:
        if self._slot.is_running:
            self._is_due = True  # with what is wanted then
            return
        self._timer.stop()
        if self._order.is_plain:
            self._show_plain()
            return
        self._is_working = True
        view, order, before = self._current_view(), self._order, self._applied
        self._slot.run(
            lambda: found_rows(view, order, before),
            lambda found: self._take(order, view, found),
            on_end=self._go_on,
        )

    def _current_view(self) -> LibraryView:
        """The last one, with all that was worked out for it, if nothing has changed since."""
        columns, thresholds, view = self._photos.columns(), self._thresholds(), self.view
        comparing = self._comparing()
        same = view is not None and view.columns is columns
        if view is None or not same or not np.array_equal(view.thresholds, thresholds):
            return LibraryView(columns, thresholds, comparing)
        view.likeness = Likeness(columns, comparing)  # more may be known by now
        return view

    def _take(self, order: Order, view: LibraryView, found: Found) -> None:
        self.view, self._is_working = view, False
        if order is not self._order:
            return
        if found.error is None:
            self._applied = order.node
        self.alike = found.alike
        self._set_said(found.error or self._unread, found.words)
        self._show(found.rows)

    def _go_on(self) -> None:
        if self._is_due:
            self._is_due = False
            self._work_out()

    def _forget_error(self) -> None:
        self._unread = None
        self._set_said(None, ())

    def _set_said(self, error: FilterError | None, words: tuple[WordInNames, ...]) -> None:
        before = str(self.filter_error or ""), self.words_in_names
        if before != (str(error or ""), words):
            self.filter_error, self.words_in_names = error, words
            self.changed.emit()

    def _show_plain(self) -> None:
        """All photos as they were found, which is asked for with every few that are found."""
        self.alike = None
        count = len(self._photos)
        if count > len(self._all):
            self._all = np.arange(max(count, 2 * len(self._all)))
        self._show(self._all[:count])

    def _show(self, rows: IntArray) -> None:
        gone = self._photos.gone
        if gone.any():
            rows = rows[~gone[rows]]
        if not (len(rows) == len(self.rows) and begins_with(rows, self.rows)):
            self.rows = rows
            self._places = None
            self.changed.emit()
        is_asked, self._is_asked = self._is_asked, False
        self.settled.emit(is_asked)


def begins_with(rows: IntArray, before: IntArray) -> bool:
    """Whether rows go on where others end; those of the same memory need not be looked at."""
    if len(rows) < len(before):
        return False
    start = rows[: len(before)]
    is_same = rows.base is before.base is not None and start.ctypes.data == before.ctypes.data
    return (is_same and start.strides == before.strides) or np.array_equal(start, before)
