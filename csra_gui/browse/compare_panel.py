"""Two photos side by side, with the same zoom at the same place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QSplitter, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.theme import Tone, tone_color
from csra_gui.base.tool_tips import tool_tip
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.image_loader import LoadedPhoto, large_loader
from csra_gui.browse.photo_texts import photo_error
from csra_gui.browse.tile_loader import TileLoader
from csra_gui.browse.view_mode import Browsing, ViewMode
from csra_gui.session.session import Session
from csra_gui.widgets.photo_view import PhotoView
from engine.texts import display_name

#: Over the photo that keys decide on, in pixels.
_LINE = 3


class ComparePanel(QWidget):
    """The photos of ``Browsing.pair``. The one that is clicked becomes the current one."""

    def __init__(
        self, session: Session, browsing: Browsing, decoder: ImageDecoder, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._browsing = browsing
        self.loader = large_loader(decoder, self)
        self.sides = tuple(
            _Side(name, decoder, self) for name in ("Photo on the left", "Photo on the right")
        )
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        splitter.setChildrenCollapsible(False)
        for side in self.sides:
            splitter.addWidget(side)
            side.view.installEventFilter(self)
        self.both = QCheckBox("&Decide on both photos", self)
        self.both.setToolTip(
            tool_tip("What you say of a label goes for both photos, not for one of them.")
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(splitter, 1)
        below = QVBoxLayout()
        below.setContentsMargins(8, 0, 8, 6)
        below.addWidget(self.both)
        layout.addLayout(below)
        left, right = (side.view for side in self.sides)
        left.place_changed.connect(right.set_place)
        right.place_changed.connect(left.set_place)
        self._connect()

    def _connect(self) -> None:
        self._browsing.pair_changed.connect(self._on_browsing_pair_changed)
        self._browsing.mode_changed.connect(self._on_browsing_mode_changed)
        self._browsing.subjects_changed.connect(self._on_browsing_subjects_changed)
        self.both.toggled.connect(self._browsing.set_both)
        for fact in (
            self._session.focus.current_changed,
            self._session.pipeline.predictions_changed,
            self._session.decisions.changed,
            self._session.thresholds.changed,
        ):
            fact.connect(self._update)
        self.loader.image_loaded.connect(self._update)
        self.loader.image_failed.connect(self._update)

    def set_labels(self, left: QWidget, right: QWidget) -> None:
        """Show the labels of each photo below it."""
        for side, labels in zip(self.sides, (left, right), strict=True):
            side.set_labels(labels)

    def choose_at(self, place: QPoint) -> None:
        """Make the photo current on whose half a place of the screen is."""
        pair = self._browsing.pair
        for number, side in enumerate(self.sides):
            if pair is not None and side.rect().contains(side.mapFromGlobal(place)):
                self._session.focus.set_current(pair[number])

    def reload(self, photos: Sequence[int]) -> None:
        """Load photos anew whose files are other ones now."""
        paths = [self._session.photos.paths[photo] for photo in photos]
        self.loader.forget(paths)
        for side in self.sides:
            side.forget(paths)
        if self._browsing.mode is ViewMode.COMPARE:
            self._on_browsing_pair_changed()

    @Slot()
    def _on_browsing_pair_changed(self) -> None:
        paths = self._session.photos.paths
        self.loader.want([paths[photo] for photo in self._browsing.pair or ()])
        self._update()

    @Slot(object)
    def _on_browsing_mode_changed(self, mode: ViewMode) -> None:
        if mode is not ViewMode.COMPARE:  # large pictures weigh much
            for side in self.sides:
                side.show_nothing("")
            self.loader.clear()

    @Slot()
    def _on_browsing_subjects_changed(self) -> None:
        self.both.setChecked(self._browsing.both)

    @Slot()
    def _update(self) -> None:
        pair = self._browsing.pair
        if pair is None or self._browsing.mode is not ViewMode.COMPARE:
            return
        for side, photo in zip(self.sides, pair, strict=True):
            path = self._session.photos.paths[photo]
            loaded = self.loader.photo(path)
            error = photo_error(self._session, photo, self.loader.error(path))
            side.view.set_caption(display_name(path))
            if loaded is not None:
                side.show_photo(loaded)
            else:
                side.show_nothing(error or "Loading…")
            side.mark_current(photo == self._session.focus.current)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.FocusIn):
            pair = self._browsing.pair
            views = [side.view for side in self.sides]
            if pair is not None and watched in views:
                self._session.focus.set_current(pair[views.index(watched)])
        return super().eventFilter(watched, event)


class _Side(QWidget):
    """One photo, and its labels below."""

    def __init__(self, name: str, decoder: ImageDecoder, parent: QWidget) -> None:
        super().__init__(parent)
        self._path: Path | None = None
        self.view = PhotoView(self)
        self._tiles = TileLoader(decoder, self.view)
        self.view.setAccessibleName(name)
        self.is_current = False
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, _LINE, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self.view, 1)

    def set_labels(self, labels: QWidget) -> None:
        """Show the photo's labels below it."""
        row = QVBoxLayout()
        row.setContentsMargins(8, 6, 8, 6)
        row.addWidget(labels)
        self._column.addLayout(row)

    def show_photo(self, photo: LoadedPhoto) -> None:
        """Show a photo, unless it is there already, perhaps zoomed."""
        if photo.path != self._path:
            self._path = photo.path
            self._tiles.show(photo)

    def forget(self, paths: Sequence[Path]) -> None:
        """Take the next picture of one of these, though the path is the same."""
        if self._path in paths:
            self._path = None

    def show_nothing(self, message: str) -> None:
        """Show no photo, and why."""
        self._path = None
        self._tiles.show(None)
        self.view.set_message(message)

    def mark_current(self, is_current: bool) -> None:
        """Draw a line over the photo that keys decide on."""
        self.is_current = is_current
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        if self.is_current:
            color = tone_color(Tone.ACCENT, self.palette())
            QPainter(self).fillRect(0, 0, self.width(), _LINE, color)
