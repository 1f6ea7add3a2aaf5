"""The sharp parts of a photo for the view that shows it, decoded when it is zoomed in."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QSize, QTimer, Slot
from PySide6.QtGui import QImage

from csra_gui.browse.decode_queue import DecodeQueue, ImageDecoder
from csra_gui.browse.image_loader import LoadedPhoto
from csra_gui.widgets.photo_view import PhotoView
from engine.data.decoding.pool import DecodeRequest
from engine.data.decoding.tiles import Tile
from engine.texts import display_text

#: The next is asked for while one is decoded; all else can still be dropped.
_IN_FLIGHT = 2
#: What is sharp sooner needs no word that it will be.
_SLOW_MS = 400


class TileLoader(QObject):
    """Shows photos in a view and makes sharp what is seen of them; what is out of sight waits.

    Args:
        decoder: shared; the caller closes it.
        view: shows the photos, and owns this.
    """

    def __init__(self, decoder: ImageDecoder, view: PhotoView) -> None:
        super().__init__(view)
        self._view = view
        self._path: Path | None = None
        self._queue = DecodeQueue(decoder, self, _IN_FLIGHT)
        self._slow = QTimer(self, singleShot=True, interval=_SLOW_MS)
        self._slow.timeout.connect(lambda: view.set_detail_note("sharpening…"))
        view.tiles_requested.connect(self._on_view_tiles_requested)
        self._queue.image_decoded.connect(self._on_queue_image_decoded)
        self._queue.image_failed.connect(self._on_queue_image_failed)

    def show(self, photo: LoadedPhoto | None) -> None:
        """Show another photo, or another picture of it; ``None`` shows the view's message."""
        self._queue.clear()
        self._end()
        self._path = None if photo is None else photo.path
        if photo is None:
            self._view.set_photo(None)
        else:
            self._view.set_photo(photo.image, photo.size)

    def close(self) -> None:
        """Start nothing any more."""
        self._queue.close()

    @Slot(object)
    def _on_view_tiles_requested(self, tiles: tuple[Tile, ...]) -> None:
        if self._path is None:
            return
        self._queue.want([DecodeRequest(self._path, tile=tile) for tile in tiles])
        if not tiles:
            self._end()
        elif not self._slow.isActive():
            self._slow.start()

    @Slot(object, QImage, QSize)
    def _on_queue_image_decoded(self, request: DecodeRequest, image: QImage, _size: QSize) -> None:
        if request.tile is not None:
            self._view.set_tile(request.tile, image)
        if not self._queue.is_busy:
            self._end()

    @Slot(object, str)
    def _on_queue_image_failed(self, request: DecodeRequest, error: str) -> None:
        """It would be the same with every other part; coarser ones may be possible."""
        self._end()
        if request.tile is not None:
            why = f"cannot be shown sharper: {display_text(error)}"
            self._view.set_finest(2 * request.tile.reduction, why)

    def _end(self) -> None:
        self._slow.stop()
        self._view.set_detail_note("")
