"""Photos decoded by the pool to one size, and the latest of them kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Signal, Slot
from PySide6.QtGui import QImage

from csra_gui.browse.decode_queue import DecodeQueue, ImageDecoder
from engine.data.decoding.pool import DecodeRequest

_THUMBNAIL_BYTES = 192 * 1024 * 1024
_LARGE_BYTES = 192 * 1024 * 1024
LARGE_SIDE = 2560


@dataclass(frozen=True, slots=True, eq=False)
class LoadedPhoto:
    """A photo to be shown.

    Attributes:
        path: of its file.
        image: the photo, perhaps scaled down.
        size: of the photo in its own pixels; for a thumbnail from the disk, of that.
    """

    path: Path
    image: QImage
    size: QSize


class ImageLoader(QObject):
    """Loads images of one size, what was asked for last first, and keeps the latest of them.

    Args:
        decoder: shared with other loaders; the caller closes it.
        side: of the square that each image fits, in pixels.
        byte_limit: memory for the images that are kept.
        in_flight: how many are decoded at once, if fewer than usual.

    Signals:
        image_loaded: a path whose image is there now.
        image_failed: a path, and why it cannot be shown.
    """

    image_loaded = Signal(object)
    image_failed = Signal(object, str)

    def __init__(
        self,
        decoder: ImageDecoder,
        parent: QObject,
        *,
        side: int,
        byte_limit: int,
        in_flight: int | None = None,
    ) -> None:
        super().__init__(parent)
        self.decoder = decoder
        self._side = side
        self._byte_limit = byte_limit
        self._photos: OrderedDict[Path, LoadedPhoto] = OrderedDict()
        self._bytes = 0
        self._errors: dict[Path, str] = {}
        limit = () if in_flight is None else (in_flight,)
        self._queue = DecodeQueue(decoder, self, *limit)
        self._queue.image_decoded.connect(self._on_queue_image_decoded)
        self._queue.image_failed.connect(self._on_queue_image_failed)

    @property
    def side(self) -> int:
        """Of the square that each image fits, in pixels."""
        return self._side

    def photo(self, path: Path) -> LoadedPhoto | None:
        """The image and what it is of, if it is there; nothing is started."""
        photo = self._photos.get(path)
        if photo is not None:
            self._photos.move_to_end(path)
        return photo

    def image(self, path: Path) -> QImage | None:
        """The image if it is there; nothing is started."""
        photo = self.photo(path)
        return None if photo is None else photo.image

    def error(self, path: Path) -> str | None:
        """Why an image cannot be shown, or ``None``."""
        return self._errors.get(path)

    def want(self, paths: Sequence[Path]) -> None:
        """Load these, the first of them first; whatever else was asked for is dropped."""
        new = [path for path in paths if path not in self._photos and path not in self._errors]
        self._queue.want([DecodeRequest(path, self._side) for path in new])

    def set_side(self, side: int) -> None:
        """Load another size from now on; images of the old size go."""
        if side != self._side:
            self._side = side
            self.clear()

    def forget(self, paths: Iterable[Path]) -> None:
        """Load these anew when they are wanted again: their files are other ones now."""
        paths = list(paths)
        for path in paths:
            photo = self._photos.pop(path, None)
            if photo is not None:
                self._bytes -= photo.image.sizeInBytes()
            self._errors.pop(path, None)
        self._queue.forget(paths)

    def clear(self) -> None:
        """Forget every image and request."""
        self._photos.clear()
        self._errors.clear()
        self._bytes = 0
        self._queue.clear()

    def close(self) -> None:
        """Start nothing any more."""
        self._queue.close()
        self.clear()

    @Slot(object, QImage, QSize)
    def _on_queue_image_decoded(self, request: DecodeRequest, image: QImage, size: QSize) -> None:
        self._photos[request.path] = LoadedPhoto(request.path, image, size)
        self._bytes += image.sizeInBytes()
        while self._bytes > self._byte_limit and len(self._photos) > 1:
            _, oldest = self._photos.popitem(last=False)
            self._bytes -= oldest.image.sizeInBytes()
        self.image_loaded.emit(request.path)

    @Slot(object, str)
    def _on_queue_image_failed(self, request: DecodeRequest, error: str) -> None:
        self._errors[request.path] = error
        self.image_failed.emit(request.path, error)


def thumbnail_loader(decoder: ImageDecoder, side: int, parent: QObject) -> ImageLoader:
    """The loader of the small images in the grid."""
    return ImageLoader(decoder, parent, side=side, byte_limit=_THUMBNAIL_BYTES)


def large_loader(decoder: ImageDecoder, parent: QObject) -> ImageLoader:
    """The loader of the photo that is shown large."""
    return ImageLoader(decoder, parent, side=LARGE_SIDE, byte_limit=_LARGE_BYTES, in_flight=2)
