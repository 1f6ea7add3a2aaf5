"""The grid of photos: a table whose columns follow the width."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget
from typing_extensions import override

from csra_gui.delegates.photo_delegate import PhotoDelegate
from csra_gui.item_models.photo_list_model import PhotoListModel

_ASK_AFTER_MS = 30


class PhotoGrid(QTableView):
    """Photos in as many columns as fit; arrow keys go through all of them in order.

    Signals:
        current_photo_changed: the photo's row in the session, or ``None``.
        visible_photos_changed: the half-open range of photos that can be seen.
    """

    current_photo_changed = Signal(object)
    visible_photos_changed = Signal(int, int)

    def __init__(self, model: PhotoListModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._photos = model
        self._delegate = PhotoDelegate(self)
        self._current: int | None = None
        self._ask_timer = QTimer(self, singleShot=True, interval=_ASK_AFTER_MS)
        self._ask_timer.timeout.connect(self._tell_visible)
        self._set_up_view()
        self.setModel(model)
        model.rowsInserted.connect(self._on_model_rows_inserted)
        model.modelReset.connect(self._on_model_reset)
        self.verticalScrollBar().valueChanged.connect(self._ask_soon)
        self.selectionModel().currentChanged.connect(self._on_selection_current_changed)

    def _set_up_view(self) -> None:
        # The table would fill a selected cell itself, before the delegate paints it.
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Highlight, Qt.GlobalColor.transparent)
        self.setPalette(palette)
        self.setItemDelegate(self._delegate)
        self.setAccessibleName("Photos")
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.hide()
            header.setMinimumSectionSize(1)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    @property
    def current_photo(self) -> int | None:
        """The photo that the keys start from."""
        return self._current

    def set_current_photo(self, photo: int | None) -> None:
        """Select a photo and scroll to it."""
        index = self._photos.index_of(-1 if photo is None else photo)
        if index.isValid():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.selectionModel().setCurrentIndex(index, flags)
            self.scrollTo(index)

    def set_thumbnail_side(self, side: int) -> None:
        """Another size of thumbnail, in device-independent pixels."""
        if side != self._delegate.thumbnail_side:
            self._delegate.thumbnail_side = side
            self._lay_out()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        target = self._target_of(Qt.Key(event.key()))
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if target is None or plain or not self._photos.count:
            super().keyPressEvent(event)
            return
        self.set_current_photo(min(max(target, 0), self._photos.count - 1))
        event.accept()

    def _target_of(self, key: Qt.Key) -> int | None:
        """The photo that a key leads to, perhaps out of range; ``None`` for other keys."""
        if key not in _NAVIGATION:
            return None
        last, columns = self._photos.count - 1, self._photos.columns
        if key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            return 0 if key == Qt.Key.Key_Home else last
        if self._current is None:
            return 0
        page = columns * max(1, self.viewport().height() // max(1, self.rowHeight(0)))
        step = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -columns,
            Qt.Key.Key_Down: columns,
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_PageDown: page,
        }[key]
        target = self._current + step
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and not 0 <= target <= last:
            # In the first and last row there is nowhere to go, unless the last row is short.
            ends_below = key == Qt.Key.Key_Down and self._current // columns < last // columns
            return last if ends_below else self._current
        return target

    def _lay_out(self) -> None:
        """Fit the columns to the width and keep what was at the top at the top."""
        cell = self._delegate.cell_size(self.font())
        width = self.viewport().width()
        columns = max(1, width // cell.width())
        anchor = self._photos.photo_at(self.indexAt(self.viewport().rect().topLeft()))
        if columns != self._photos.columns:
            self._photos.set_columns(columns)
        self.horizontalHeader().setDefaultSectionSize(max(1, width // columns))
        self.verticalHeader().setDefaultSectionSize(cell.height())
        if anchor:
            hint = QAbstractItemView.ScrollHint.PositionAtTop
            self.scrollTo(self._photos.index_of(anchor), hint)
        self._ask_soon()

    @Slot()
    def _ask_soon(self) -> None:
        if not self._ask_timer.isActive():
            self._ask_timer.start()

    @Slot()
    def _tell_visible(self) -> None:
        height = max(1, self.rowHeight(0) if self._photos.count else 1)
        top = self.verticalScrollBar().value()
        first = top // height
        rows = self.viewport().height() // height + 2
        columns = self._photos.columns
        self.visible_photos_changed.emit(first * columns, (first + rows) * columns)

    @Slot(QModelIndex, int, int)
    def _on_model_rows_inserted(self) -> None:
        self._ask_soon()

    @Slot()
    def _on_model_reset(self) -> None:
        """Another number of columns: the same photo stays current, in another cell."""
        self.horizontalHeader().setDefaultSectionSize(
            max(1, self.viewport().width() // self._photos.columns)
        )
        index = self._photos.index_of(-1 if self._current is None else self._current)
        if index.isValid():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.selectionModel().setCurrentIndex(index, flags)
        else:
            self._set_current(None)
        self._ask_soon()

    @Slot(QModelIndex, QModelIndex)
    def _on_selection_current_changed(self, current: QModelIndex) -> None:
        if current.isValid():
            self._set_current(self._photos.photo_at(current))

    def _set_current(self, photo: int | None) -> None:
        if photo != self._current:
            self._current = photo
            self.current_photo_changed.emit(photo)


_NAVIGATION = frozenset(
    {
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
    }
)
