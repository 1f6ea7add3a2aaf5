"""Two photos side by side, with the same zoom at the same place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.image_loader import LoadedPhoto, large_loader
from csra_gui.browse.photo_texts import photo_error, state_text
from csra_gui.browse.tile_loader import TileLoader
from csra_gui.browse.view_mode import Browsing, ViewMode
from csra_gui.session.session import Session
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.photo_view import PhotoView
from engine.texts import display_name


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
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        left, right = (side.view for side in self.sides)
        left.place_changed.connect(right.set_place)
        right.place_changed.connect(left.set_place)
        self._connect()

    def _connect(self) -> None:
        self._browsing.pair_changed.connect(self._on_browsing_pair_changed)
        self._browsing.mode_changed.connect(self._on_browsing_mode_changed)
        for fact in (
            self._session.focus.current_changed,
            self._session.pipeline.predictions_changed,
            self._session.decisions.changed,
            self._session.thresholds.changed,
        ):
            fact.connect(self._update)
        self.loader.image_loaded.connect(self._update)
        self.loader.image_failed.connect(self._update)

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
            said = state_text(self._session, photo)
            side.set_labels(said, is_current=photo == self._session.focus.current)

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
        self.labels = plain_label("", self)
        self.labels.setContentsMargins(8, 4, 8, 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.labels)

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

    def set_labels(self, text: str, *, is_current: bool) -> None:
        """Say what is in the photo; the labels of the current one are bold."""
        font = self.labels.font()
        font.setBold(is_current)
        self.labels.setFont(font)
        self.labels.setText(text)
