"""The photos of the session as thumbnails or as a list."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.settings import THUMBNAIL_SIDE, Settings
from csra_gui.base.tool_tips import tool_tip
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.grid_view import PhotoGrid
from csra_gui.browse.image_loader import thumbnail_loader
from csra_gui.browse.list_view import PhotoList
from csra_gui.browse.nothing_shown import NothingShown
from csra_gui.browse.photo_details_model import PhotoDetailsModel
from csra_gui.browse.photo_link import PhotoLink
from csra_gui.browse.photo_list_model import PhotoListModel
from csra_gui.browse.view_mode import Browsing, ViewMode
from csra_gui.session.session import Session
from csra_gui.session.sort_keys import FOUND
from engine.texts import photos_text

#: Thumbnails are decoded in few sizes, so that the slider does not decode all anew at each step.
_DECODED_SIDES = (128, 192, 256, 384, 512, 640, 960)
_LOAD_AHEAD = 24
#: One thumbnail beside its scroll bar, in pixels.
_LEAST_WIDTH = 190
_LOOKING = "Looking for photos…"


class GridPanel(QWidget):
    """The grid or the list, and below it how many photos there are and how large they are shown.

    Signals:
        photo_activated: a photo was clicked twice.
        menu_requested: where on the screen the menu of the chosen photos belongs.
    """

    photo_activated = Signal(int)
    menu_requested = Signal(QPoint)

    def __init__(
        self,
        session: Session,
        settings: Settings,
        browsing: Browsing,
        decoder: ImageDecoder,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._browsing = browsing
        side = int(settings.value(THUMBNAIL_SIDE))
        self.thumbnails = thumbnail_loader(decoder, self._decoded_side(side), self)
        self._model = PhotoListModel(session, self.thumbnails, self)
        self.grid = PhotoGrid(self._model, self)
        self.grid.set_thumbnail_side(side)
        self.list = PhotoList(PhotoDetailsModel(session, self), self)
        self._links = [PhotoLink(session, view, view) for view in (self.grid, self.list)]
        self.nothing = NothingShown(session, settings, self)
        self._count = QLabel(self)
        self._size = QSlider(Qt.Orientation.Horizontal, self)
        self._set_up_size_slider(side)
        self._stack = QStackedLayout()
        self._set_up_layout()
        self._connect()
        self._show_mode()

    def _set_up_size_slider(self, side: int) -> None:
        self._size.setRange(int(THUMBNAIL_SIDE.minimum), int(THUMBNAIL_SIDE.maximum))
        self._size.setSingleStep(8)
        self._size.setPageStep(32)
        self._size.setValue(side)
        self._size.setMinimumWidth(70)
        self._size.setMaximumWidth(140)
        self._size.setAccessibleName(THUMBNAIL_SIDE.caption)
        self._size.setToolTip(tool_tip(THUMBNAIL_SIDE.caption))

    def _set_up_layout(self) -> None:
        self._count.setTextFormat(Qt.TextFormat.PlainText)
        for page in (self.grid, self.list, self.nothing):
            self._stack.addWidget(page)
        # However many digits there are, they do not widen the window.
        self._count.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        below = QHBoxLayout()
        below.setContentsMargins(8, 4, 8, 4)
        below.addWidget(self._count, 2)
        below.addWidget(self._size, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._stack, 1)
        layout.addLayout(below)
        self.setMinimumWidth(_LEAST_WIDTH)

    def _connect(self) -> None:
        session = self._session
        for fact in (
            session.pipeline.photos_reset,
            session.pipeline.photos_added,
            session.pipeline.scan_started,
            session.pipeline.scan_finished,
            session.selection_changed,
            session.shown.settled,
        ):
            fact.connect(self._tell_count)
        session.pipeline.photos_reset.connect(self.thumbnails.clear)
        session.shown.order_changed.connect(self._show_sort)
        self._browsing.mode_changed.connect(self._show_mode)
        self._settings.setting_changed.connect(self._on_settings_changed)
        self._size.valueChanged.connect(self._on_size_changed)
        self.grid.visible_photos_changed.connect(self._on_grid_visible_photos_changed)
        self.list.sort_requested.connect(self._on_list_sort_requested)
        for view in (self.grid, self.list):
            view.photo_activated.connect(self.photo_activated)
            view.menu_requested.connect(self.menu_requested)

    @property
    def view(self) -> PhotoGrid | PhotoList:
        """The grid or the list, whichever is there."""
        return self.list if self._browsing.mode is ViewMode.LIST else self.grid

    def _decoded_side(self, side: int) -> int:
        pixels = side * self.devicePixelRatioF()
        return next((s for s in _DECODED_SIDES if s >= pixels), _DECODED_SIDES[-1])

    @Slot()
    def _show_mode(self) -> None:
        self.setVisible(self._browsing.mode in (ViewMode.GRID, ViewMode.LIST))
        self._size.setVisible(self._browsing.mode is not ViewMode.LIST)
        self._tell_count()
        self._show_sort()

    @Slot()
    def _tell_count(self) -> None:
        count, shown = self._session.photos.present_count, len(self._session.shown)
        if self._session.pipeline.is_scanning:
            text = f"{_LOOKING} {count:,} so far" if count else _LOOKING
        elif shown == count:
            text = photos_text(count)
        else:
            text = f"{shown:,} of {count:,} photos"
        chosen = len(self._session.selection)
        self._count.setText(f"{text}, {chosen:,} selected" if chosen > 1 else text)
        self._show_page(self.view if shown else self.nothing)

    def _show_page(self, page: QWidget) -> None:
        """Keys go to the photos as soon as there are some, unless they go elsewhere on purpose."""
        if page is self._stack.currentWidget():
            return
        # Before: Qt hands the focus of what it hides on, to a line to type in even.
        focused = self.window().focusWidget()
        self._stack.setCurrentWidget(page)
        if page is not self.nothing and (focused is None or self.isAncestorOf(focused)):
            page.setFocus()

    @Slot(object, object)
    def take_changes(self, changed: Sequence[int], _vanished: Sequence[int]) -> None:
        """Load the thumbnails of files that are other ones now anew."""
        paths = self._session.photos.paths
        self.thumbnails.forget([paths[row] for row in changed])
        self.grid.ask_soon()

    @Slot()
    def _show_sort(self) -> None:
        shown = self._session.shown
        self.list.show_sort(shown.sort_key, descending=shown.descending)

    @Slot(str)
    def _on_list_sort_requested(self, key: str) -> None:
        """Up, then down, then as the photos were found."""
        shown = self._session.shown
        if shown.sort_key != key:
            shown.set_sort(key, descending=False)
        elif not shown.descending:
            shown.set_sort(key, descending=True)
        else:
            shown.set_sort(FOUND, descending=False)

    @Slot(int, int)
    def _on_grid_visible_photos_changed(self, first: int, end: int) -> None:
        self.thumbnails.want(self._model.paths_between(first, end + _LOAD_AHEAD))

    @Slot(int)
    def _on_size_changed(self, side: int) -> None:
        self._settings.set_value(THUMBNAIL_SIDE, side)

    @Slot(str, object)
    def _on_settings_changed(self, key: str, value: object) -> None:
        if key == THUMBNAIL_SIDE.key and isinstance(value, int):
            self._size.setValue(value)
            self.thumbnails.set_side(self._decoded_side(value))
            self.grid.set_thumbnail_side(value)
