"""Thumbnails that can be chosen, one or many; how they are laid out, children say."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import (
    QItemSelectionModel,
    QPoint,
    QRect,
    QSignalBlocker,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPalette,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget
from typing_extensions import override

from csra_gui.browse.context_menu import menu_place
from csra_gui.browse.photo_delegate import PhotoDelegate
from csra_gui.browse.photo_list_model import ThumbnailModel
from csra_gui.browse.photo_ranges import as_selection, positions_in, spread
from csra_gui.browse.rubber_band import RubberBand
from engine.library.columns import IntArray

_ASK_AFTER_MS = 30
_CLEAR_AND_SELECT = QItemSelectionModel.SelectionFlag.ClearAndSelect
_NO_UPDATE = QItemSelectionModel.SelectionFlag.NoUpdate
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_CTRL = Qt.KeyboardModifier.ControlModifier
_LEFT = Qt.MouseButton.LeftButton


class ThumbnailView(QTableView):
    """Photos to look through and choose from, in reading order whatever the layout is.

    A click chooses one, Ctrl adds or takes away, Shift chooses all between, dragging draws a
    frame. The current photo, which the keys start from, is apart from what is chosen.

    Signals:
        current_photo_changed: the photo's row in the session, or ``None``.
        selected_photos_changed: rows of the photos that are chosen, in shown order.
        photo_activated: the photo that was clicked twice or that Return was pressed on.
        visible_photos_changed: the half-open range of positions that can be seen.
        menu_requested: where on the screen the menu of the chosen photos belongs.
    """

    current_photo_changed = Signal(object)
    selected_photos_changed = Signal(object)
    photo_activated = Signal(int)
    visible_photos_changed = Signal(int, int)
    menu_requested = Signal(QPoint)

    def __init__(self, model: ThumbnailModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._photos = model
        self.delegate = PhotoDelegate(self)
        self._current: int | None = None
        self._anchor: int | None = None  # a photo: where a Shift click starts from
        self._selected: tuple[int, ...] = ()
        self._band = RubberBand(self)
        self._ask_timer = QTimer(self, singleShot=True, interval=_ASK_AFTER_MS)
        self._ask_timer.timeout.connect(self._tell_visible)
        self._set_up_view()
        self.setModel(model)
        model.rowsInserted.connect(self.ask_soon)
        model.columnsInserted.connect(self.ask_soon)
        model.modelReset.connect(self._on_model_reset)
        for bar in (self.verticalScrollBar(), self.horizontalScrollBar()):
            bar.valueChanged.connect(self.ask_soon)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self._band.moved.connect(self._on_band_moved)

    def _set_up_view(self) -> None:
        # The table would fill a selected cell itself, before the delegate paints it.
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Highlight, Qt.GlobalColor.transparent)
        self.setPalette(palette)
        self.setItemDelegate(self.delegate)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.hide()
            header.setMinimumSectionSize(1)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    # What children say.

    @abstractmethod
    def _target_of(self, key: Qt.Key) -> int | None:
        """The position that a key leads to, perhaps out of range; ``None`` for other keys."""

    @abstractmethod
    def _lay_out(self) -> None:
        """Fit the cells to the view."""

    @abstractmethod
    def visible_positions(self) -> tuple[int, int]:
        """The half-open range of positions that can be seen, perhaps beyond the end."""

    # The current photo and the chosen ones.

    @property
    def current_photo(self) -> int | None:
        """The photo that the keys start from."""
        return self._current

    @property
    def current_position(self) -> int | None:
        """Where it is shown."""
        return self._photos.position_of(self._current)

    @property
    def selected_photos(self) -> tuple[int, ...]:
        """The chosen photos, in shown order."""
        return self._selected

    def set_current_photo(self, photo: int | None) -> None:
        """Go to a photo; it is the chosen one then, unless it is one of several already."""
        position = self._photos.position_of(photo)
        if position is None:
            self._set_current(None)
            return
        if photo not in self._selected:
            self._anchor = photo
            self._select(np.array([position]))
        self._go_to(position)

    def set_selected_photos(self, photos: Sequence[int]) -> None:
        """Choose photos, as far as they are shown; the current one stays."""
        if tuple(photos) != self._selected:
            self._select(self._positions_of(photos))

    @override
    def selectAll(self) -> None:
        """Choose every photo that is shown."""
        self._select(np.arange(self._photos.count))

    def _go_to(self, position: int) -> None:
        index = self._photos.index_at(position)
        self.selectionModel().setCurrentIndex(index, _NO_UPDATE)
        self.scrollTo(index)
        self._set_current(self._photos.photo_at(index))

    def _set_current(self, photo: int | None) -> None:
        if photo != self._current:
            self._current = self.delegate.current_photo = photo
            self.viewport().update()
            self.current_photo_changed.emit(photo)

    def _select(self, positions: IntArray) -> None:
        self.selectionModel().select(as_selection(self._photos, positions), _CLEAR_AND_SELECT)

    def _positions(self) -> IntArray:
        return positions_in(self._photos, self.selectionModel().selection())

    def _positions_of(self, photos: Sequence[int]) -> IntArray:
        found = (self._photos.position_of(photo) for photo in photos)
        return np.array(sorted(p for p in found if p is not None), dtype=np.int64)

    def _choose(self, position: int, modifiers: Qt.KeyboardModifier) -> None:
        """What a click on a position, or a key that leads there, does to what is chosen."""
        adds = bool(modifiers & _CTRL)
        if modifiers & _SHIFT:
            start = self._photos.position_of(self._anchor)
            between = spread(position if start is None else start, position)
            self._select(np.union1d(self._positions(), between) if adds else between)
        else:
            self._anchor = self._photos.photo_at(self._photos.index_at(position))
            alone = np.array([position])
            self._select(np.setxor1d(self._positions(), alone) if adds else alone)
        self._go_to(position)

    # Events.

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.ask_soon()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        position = self._photos.position_at(self.indexAt(point))
        if event.button() is _LEFT:
            adds = bool(event.modifiers() & (_CTRL | _SHIFT))
            if position is not None:
                self._choose(position, event.modifiers())
            elif not adds:
                self.clearSelection()
            self._band.begin(point, self._positions() if adds else np.arange(0))
        elif event.button() is Qt.MouseButton.RightButton and position is not None:
            # The menu is about the photo under the pointer, or about all if it is a chosen one.
            self.set_current_photo(self._photos.photo_at(self._photos.index_at(position)))

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = menu_place(event, self, self._photos, self._current)
        if place is not None:
            self.menu_requested.emit(place)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & _LEFT:
            self._band.drag_to(event.position().toPoint())
        else:
            super().mouseMoveEvent(event)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._band.end()

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        photo = self._photos.photo_at(self.indexAt(event.position().toPoint()))
        if photo is not None and event.button() is _LEFT:
            self.photo_activated.emit(photo)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        target = self._target_of(key) if self._photos.count else None
        known = not modifiers & ~(_SHIFT | _CTRL)
        if target is not None and known:
            position = min(max(target, 0), self._photos.count - 1)
            if modifiers == _CTRL:
                self._go_to(position)
            else:
                self._choose(position, modifiers)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current is not None:
            self.photo_activated.emit(self._current)
        elif key == Qt.Key.Key_Space and modifiers == _CTRL and self.current_position is not None:
            self._choose(self.current_position, _CTRL)
        else:
            event.ignore()

    @override
    def keyboardSearch(self, search: str) -> None:
        """Nothing: Qt would ask for the name of every photo, and letters are commands here."""

    # What can be seen.

    @Slot()
    def ask_soon(self) -> None:
        """Say before long what can be seen, whether it is the same or not."""
        if not self._ask_timer.isActive():
            self._ask_timer.start()

    @Slot()
    def _tell_visible(self) -> None:
        if self.isVisible():
            self.visible_photos_changed.emit(*self.visible_positions())

    # What the model says.

    @Slot()
    def _on_model_reset(self) -> None:
        """Other photos, another order, or another layout: the session says what stays chosen."""
        with QSignalBlocker(self):
            self._select(self._positions_of(self._selected))
            self._on_selection_changed()
        index = self._photos.index_of(self._current)
        if index.isValid():
            self.selectionModel().setCurrentIndex(index, _NO_UPDATE)
            self.scrollTo(index)
        self.ask_soon()

    @Slot()
    def _on_selection_changed(self) -> None:
        photos = self._photos.photos_between(0, self._photos.count)
        selected = tuple(photos[self._positions()].tolist())
        if selected != self._selected:
            self._selected = selected
            self.selected_photos_changed.emit(selected)

    @Slot(QRect)
    def _on_band_moved(self, frame: QRect) -> None:
        inside = self._positions_inside(frame)
        self._select(np.union1d(self._band.chosen_before, inside))

    @abstractmethod
    def _positions_inside(self, frame: QRect) -> IntArray:
        """The positions whose cells a frame touches, in coordinates of the viewport."""
