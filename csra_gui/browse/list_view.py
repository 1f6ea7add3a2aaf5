"""The shown photos as a list with columns; a click on a column's head sorts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QSignalBlocker,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget
from typing_extensions import override

from csra_gui.browse.context_menu import menu_place
from csra_gui.browse.photo_details_model import COLUMNS, PhotoDetailsModel
from csra_gui.browse.photo_ranges import ranges_of, runs

_SELECT_ROWS = (
    QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
)
_NO_UPDATE = QItemSelectionModel.SelectionFlag.NoUpdate
#: Widths of ``COLUMNS`` at the start.
_WIDTHS = (120, 190, 70, 60, 100, 120, 115, 110, 115, 70)


class PhotoList(QTableView):
    """Whole rows are chosen; the current photo is apart from what is chosen.

    Signals:
        current_photo_changed, selected_photos_changed, photo_activated, menu_requested: as
            ``ThumbnailView``'s.
        sort_requested: the key of the column whose head was clicked.
    """

    current_photo_changed = Signal(object)
    selected_photos_changed = Signal(object)
    photo_activated = Signal(int)
    sort_requested = Signal(str)
    menu_requested = Signal(QPoint)

    def __init__(self, model: PhotoDetailsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._photos = model
        self._current: int | None = None
        self._selected: tuple[int, ...] = ()
        self._set_up_view()
        self.setModel(model)
        self._set_up_header()
        model.modelReset.connect(self._on_model_reset)
        selection = self.selectionModel()
        selection.currentRowChanged.connect(self._on_selection_current_changed)
        selection.selectionChanged.connect(self._on_selection_changed)
        self.doubleClicked.connect(self._activate)

    def _set_up_view(self) -> None:
        self.setAccessibleName("List of photos")
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + 8)

    def _set_up_header(self) -> None:
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setHighlightSections(False)
        header.setSectionsMovable(True)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate(_WIDTHS):
            header.resizeSection(column, width)
        header.sectionClicked.connect(
            lambda column: self.sort_requested.emit(COLUMNS[column].sort_key)
        )

    def show_sort(self, key: str, *, descending: bool) -> None:
        """Mark the column that photos are sorted by; none if it is another order."""
        header = self.horizontalHeader()
        keys = [column.sort_key for column in COLUMNS]
        header.setSortIndicatorShown(key in keys)
        if key in keys:
            order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
            header.setSortIndicator(keys.index(key), order)

    @property
    def current_photo(self) -> int | None:
        """The photo that the keys start from."""
        return self._current

    @property
    def selected_photos(self) -> tuple[int, ...]:
        """The chosen photos, in shown order."""
        return self._selected

    def set_current_photo(self, photo: int | None) -> None:
        """Go to a photo; it is the chosen one then, unless it is one of several already."""
        index = self._photos.index_of(photo)
        if not index.isValid():
            self._set_current(None)
            return
        flags = _NO_UPDATE if photo in self._selected else _SELECT_ROWS
        self.selectionModel().setCurrentIndex(index, flags)
        self.scrollTo(index)

    def set_selected_photos(self, photos: Sequence[int]) -> None:
        """Choose photos, as far as they are shown; the current one stays."""
        if tuple(photos) != self._selected:
            self._select(photos)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if event.button() is not Qt.MouseButton.RightButton:
            super().mousePressEvent(event)
        elif index.isValid():
            self.set_current_photo(self._photos.photo_at(index))

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = menu_place(event, self, self._photos, self._current)
        if place is not None:
            self.menu_requested.emit(place)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._activate(self.currentIndex())
        else:
            super().keyPressEvent(event)

    @override
    def keyboardSearch(self, search: str) -> None:
        """Nothing: Qt would ask for the name of every photo, and letters are commands here."""

    def _select(self, photos: Sequence[int]) -> None:
        found = (self._photos.position_of(photo) for photo in photos)
        positions = np.array(sorted(p for p in found if p is not None), dtype=np.int64)
        selection = QItemSelection()
        for first, last in runs(positions):
            selection.select(self._photos.index_at(first), self._photos.index_at(last))
        self.selectionModel().select(selection, _SELECT_ROWS)

    @Slot(QModelIndex)
    def _activate(self, index: QModelIndex) -> None:
        photo = self._photos.photo_at(index)
        if photo is not None:
            self.photo_activated.emit(photo)

    @Slot()
    def _on_model_reset(self) -> None:
        with QSignalBlocker(self):  # the session says what stays chosen
            self._select(self._selected)
            self._on_selection_changed()
        index = self._photos.index_of(self._current)
        if index.isValid():
            self.selectionModel().setCurrentIndex(index, _NO_UPDATE)
            self.scrollTo(index)

    @Slot(QModelIndex, QModelIndex)
    def _on_selection_current_changed(self, current: QModelIndex) -> None:
        if current.isValid():
            self._set_current(self._photos.photo_at(current))

    def _set_current(self, photo: int | None) -> None:
        if photo != self._current:
            self._current = photo
            self.current_photo_changed.emit(photo)

    @Slot()
    def _on_selection_changed(self) -> None:
        ranges = ranges_of(self.selectionModel().selection())
        positions = [np.arange(cells.top(), cells.bottom() + 1) for cells in ranges]
        chosen = np.unique(np.concatenate(positions)) if positions else np.arange(0)
        selected = tuple(self._photos.photos_between(0, self._photos.count)[chosen].tolist())
        if selected != self._selected:
            self._selected = selected
            self.selected_photos_changed.emit(selected)
