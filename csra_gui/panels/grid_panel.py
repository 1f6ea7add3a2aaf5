"""The photos of the session as a grid, with their thumbnails."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QStackedLayout, QVBoxLayout, QWidget

from csra_gui.item_models.photo_list_model import PhotoListModel
from csra_gui.panels.grid_view import PhotoGrid
from csra_gui.session import Session
from csra_gui.settings import THUMBNAIL_SIDE, Settings
from csra_gui.workers.image_loader import ImageDecoder, thumbnail_loader

#: Thumbnails are decoded in few sizes, so that the slider does not decode all anew at each step.
_DECODED_SIDES = (128, 192, 256, 384, 512, 640, 960)
_LOAD_AHEAD = 24


class GridPanel(QWidget):
    """The grid, and below it how many photos there are and how large they are shown."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        decoder: ImageDecoder,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        side = int(settings.value(THUMBNAIL_SIDE))
        self.thumbnails = thumbnail_loader(decoder, self._decoded_side(side), self)
        self._model = PhotoListModel(session, self.thumbnails, self)
        self.grid = PhotoGrid(self._model, self)
        self.grid.set_thumbnail_side(side)
        self._hint = QLabel(self)
        self._hint.setTextFormat(Qt.TextFormat.PlainText)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setWordWrap(True)
        self._size = QSlider(Qt.Orientation.Horizontal, self)
        self._set_up_size_slider(side)
        self._stack = QStackedLayout()
        self._set_up_layout()
        self._connect()

    def _set_up_size_slider(self, side: int) -> None:
        self._size.setRange(int(THUMBNAIL_SIDE.minimum), int(THUMBNAIL_SIDE.maximum))
        self._size.setSingleStep(8)
        self._size.setPageStep(32)
        self._size.setValue(side)
        self._size.setFixedWidth(140)
        self._size.setAccessibleName(THUMBNAIL_SIDE.caption)
        self._size.setToolTip(THUMBNAIL_SIDE.caption)

    def _set_up_layout(self) -> None:
        self._count = QLabel(self)
        self._count.setTextFormat(Qt.TextFormat.PlainText)
        self._stack.addWidget(self.grid)
        self._stack.addWidget(self._hint)
        below = QHBoxLayout()
        below.setContentsMargins(8, 4, 8, 4)
        below.addWidget(self._count, 1)
        below.addWidget(self._size)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._stack, 1)
        layout.addLayout(below)

    def _connect(self) -> None:
        self._session.photos_reset.connect(self._tell_count)
        self._session.photos_added.connect(self._on_session_photos_added)
        self._session.scan_started.connect(self._tell_count)
        self._session.scan_finished.connect(self._tell_count)
        self._session.current_changed.connect(self._on_session_current_changed)
        self._settings.setting_changed.connect(self._on_settings_changed)
        self._size.valueChanged.connect(self._on_size_changed)
        self.grid.current_photo_changed.connect(self._session.set_current)
        self.grid.visible_photos_changed.connect(self._on_grid_visible_photos_changed)

    def _decoded_side(self, side: int) -> int:
        pixels = side * self.devicePixelRatioF()
        return next((s for s in _DECODED_SIDES if s >= pixels), _DECODED_SIDES[-1])

    @Slot()
    def _tell_count(self) -> None:
        count = len(self._session.photos)
        noun = "photo" if count == 1 else "photos"
        looking = "Looking for photos…"
        if self._session.is_scanning:
            self._count.setText(f"{looking} {count:,} so far" if count else looking)
        else:
            self._count.setText(f"{count:,} {noun}")
        self._hint.setText(looking if self._session.is_scanning else "No photos were found here.")
        self._stack.setCurrentWidget(self.grid if count else self._hint)

    @Slot(int, int)
    def _on_session_photos_added(self, first: int, end: int) -> None:
        self._tell_count()
        if first == 0 and self._session.current is None:
            self.grid.set_current_photo(0)

    @Slot(object)
    def _on_session_current_changed(self, photo: int | None) -> None:
        if photo != self.grid.current_photo:
            self.grid.set_current_photo(photo)

    @Slot(int, int)
    def _on_grid_visible_photos_changed(self, first: int, end: int) -> None:
        ahead = self._model.paths_between(first, end + _LOAD_AHEAD)
        self.thumbnails.want(ahead)

    @Slot(int)
    def _on_size_changed(self, side: int) -> None:
        self._settings.set_value(THUMBNAIL_SIDE, side)

    @Slot(str, object)
    def _on_settings_changed(self, key: str, value: object) -> None:
        if key == THUMBNAIL_SIDE.key and isinstance(value, int):
            self._size.setValue(value)
            self.thumbnails.set_side(self._decoded_side(value))
            self.grid.set_thumbnail_side(value)
