"""Photos decoded by the pool, as Qt images in the GUI thread."""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QImage

from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data.decoding.pool import DecodeRequest

_log = logging.getLogger(__name__)

#: Few are on their way at once, so that what is asked for last is decoded next; and no more than
#: the pool decodes at once, or the large photo would have to wait for all the small ones.
_IN_FLIGHT = min(8, os.cpu_count() or 1)
_THUMBNAIL_BYTES = 192 * 1024 * 1024
_LARGE_BYTES = 192 * 1024 * 1024
LARGE_SIDE = 2560


class ImageDecoder(Protocol):
    """What decodes a file somewhere else; ``engine.data.decoding.pool.DecodePool`` is one."""

    def submit(self, request: DecodeRequest) -> Future[DecodedImage]:
        """The image, or an ``ImageError``, later."""
        ...

    def close(self) -> None:
        """End the workers."""
        ...


class ImageLoader(QObject):
    """Loads images of one size, what was asked for last first, and keeps the latest of them.

    Decoding happens in the pool's processes and the ``QImage`` is made in one of its threads;
    every signal is emitted in the GUI thread.

    Args:
        decoder: shared with other loaders; the caller closes it.
        byte_limit: memory for the images that are kept.
        in_flight: how many are decoded at once.

    Signals:
        image_loaded: a path whose image is there now.
        image_failed: a path, and why it cannot be shown.
    """

    image_loaded = Signal(object)
    image_failed = Signal(object, str)

    _decoded = Signal()

    def __init__(
        self,
        decoder: ImageDecoder,
        parent: QObject,
        *,
        side: int,
        byte_limit: int,
        in_flight: int = _IN_FLIGHT,
    ) -> None:
        super().__init__(parent)
        self._decoder = decoder
        self._side = side
        self._byte_limit = byte_limit
        self._in_flight_limit = in_flight
        self._images: OrderedDict[Path, QImage] = OrderedDict()
        self._bytes = 0
        self._errors: dict[Path, str] = {}
        self._wanted: list[Path] = []
        self._in_flight: dict[Path, Future[DecodedImage]] = {}
        self._results: deque[tuple[Path, Future[DecodedImage], QImage | BaseException]] = deque()
        self._closed = False
        self._closing = threading.Lock()
        self._decoded.connect(self._on_decoded, Qt.ConnectionType.QueuedConnection)

    def image(self, path: Path) -> QImage | None:
        """The image if it is there; nothing is started."""
        image = self._images.get(path)
        if image is not None:
            self._images.move_to_end(path)
        return image

    def error(self, path: Path) -> str | None:
        """Why an image cannot be shown, or ``None``."""
        return self._errors.get(path)

    def want(self, paths: Sequence[Path]) -> None:
        """Load these, the first of them first; whatever else was asked for is dropped."""
        self._wanted = [p for p in paths if p not in self._images and p not in self._errors]
        wanted = set(self._wanted)
        for path in [p for p in self._in_flight if p not in wanted]:
            if self._in_flight[path].cancel():
                self._in_flight.pop(path, None)
        self._fill()

    def set_side(self, side: int) -> None:
        """Load another size from now on; images of the old size go."""
        if side != self._side:
            self._side = side
            self.clear()

    def forget(self, paths: Iterable[Path]) -> None:
        """Load these anew when they are wanted again: their files are other ones now."""
        for path in paths:
            image = self._images.pop(path, None)
            if image is not None:
                self._bytes -= image.sizeInBytes()
            self._errors.pop(path, None)
            # What is on its way may be of the file as it was.
            self._in_flight.pop(path, None)

    def clear(self) -> None:
        """Forget every image and request."""
        self._images.clear()
        self._errors.clear()
        self._bytes = 0
        self._wanted.clear()
        for future in list(self._in_flight.values()):
            future.cancel()
        self._in_flight.clear()

    def close(self) -> None:
        """Start nothing any more."""
        with self._closing:
            self._closed = True
        self.clear()

    def _fill(self) -> None:
        while self._wanted and len(self._in_flight) < self._in_flight_limit and not self._closed:
            path = self._wanted.pop(0)
            if path in self._in_flight:
                continue
            future = self._decoder.submit(DecodeRequest(path, self._side))
            self._in_flight[path] = future
            future.add_done_callback(partial(self._on_done, path))

    def _on_done(self, path: Path, future: Future[DecodedImage]) -> None:
        """In whichever thread ended the future."""
        try:
            result: QImage | BaseException = to_qimage(future.result())
        except CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - reported in the GUI thread
            result = error
        self._results.append((path, future, result))
        # Once closed this object may be deleted at any moment, also while a signal is on its way.
        with self._closing:
            if not self._closed:
                self._decoded.emit()

    @Slot()
    def _on_decoded(self) -> None:
        while self._results:
            path, future, result = self._results.popleft()
            if self._in_flight.get(path) is not future:
                continue  # of another size, or of the file as it was
            del self._in_flight[path]
            if isinstance(result, QImage):
                self._keep(path, result)
                self.image_loaded.emit(path)
            else:
                if not isinstance(result, ImageError):
                    _log.error("An image could not be decoded", exc_info=result)
                self._errors[path] = str(result)
                self.image_failed.emit(path, str(result))
        self._fill()

    def _keep(self, path: Path, image: QImage) -> None:
        self._images[path] = image
        self._bytes += image.sizeInBytes()
        while self._bytes > self._byte_limit and len(self._images) > 1:
            _, oldest = self._images.popitem(last=False)
            self._bytes -= oldest.sizeInBytes()


def thumbnail_loader(decoder: ImageDecoder, side: int, parent: QObject) -> ImageLoader:
    """The loader of the small images in the grid."""
    return ImageLoader(decoder, parent, side=side, byte_limit=_THUMBNAIL_BYTES)


def large_loader(decoder: ImageDecoder, parent: QObject) -> ImageLoader:
    """The loader of the photo that is shown large."""
    return ImageLoader(decoder, parent, side=LARGE_SIDE, byte_limit=_LARGE_BYTES, in_flight=2)


def to_qimage(decoded: DecodedImage) -> QImage:
    """The pixels as an image that owns its memory."""
    pixels = decoded.pixels
    height, width = pixels.shape[:2]
    return QImage(
        pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888
    ).convertToFormat(QImage.Format.Format_RGB32)
