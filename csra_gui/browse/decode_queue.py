"""Wishes for decoded pictures, asked of the pool a few at a time and answered in the GUI thread."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QImage

from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data.decoding.pool import DecodeRequest

_log = logging.getLogger(__name__)

#: Few are on their way at once, so that what is asked for last is decoded next; and no more than
#: the pool decodes at once, or the large photo would have to wait for all the small ones.
_IN_FLIGHT = min(8, os.cpu_count() or 1)

#: A picture and the size of the photo in its own pixels, or what went wrong.
_Result = tuple[QImage, QSize] | Exception


class ImageDecoder(Protocol):
    """What decodes a file somewhere else; ``engine.data.decoding.pool.DecodePool`` is one."""

    def submit(self, request: DecodeRequest) -> Future[DecodedImage]:
        """The image, or an ``ImageError``, later."""
        ...

    def close(self) -> None:
        """End the workers."""
        ...


class DecodeQueue(QObject):
    """Has pictures decoded, what is wanted first first; wishes that are not renewed are dropped.

    Decoding happens in the pool's processes and the ``QImage`` is made in one of its threads;
    every signal is emitted in the GUI thread.

    Args:
        decoder: shared with other queues; the caller closes it.
        in_flight: how many are decoded at once.

    Signals:
        image_decoded: a ``DecodeRequest``, its ``QImage``, and the ``QSize`` of the photo itself.
        image_failed: a ``DecodeRequest``, and why there is no image.
    """

    image_decoded = Signal(object, QImage, QSize)
    image_failed = Signal(object, str)

    _answered = Signal()

    def __init__(self, decoder: ImageDecoder, parent: QObject, in_flight: int = _IN_FLIGHT) -> None:
        super().__init__(parent)
        self._decoder = decoder
        self._in_flight_limit = in_flight
        self._wanted: deque[DecodeRequest] = deque()
        self._in_flight: dict[DecodeRequest, Future[DecodedImage]] = {}
        self._results: deque[tuple[DecodeRequest, Future[DecodedImage], _Result]] = deque()
        self._closed = False
        self._closing = threading.Lock()
        self._answered.connect(self._on_answered, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """Whether something is still to come."""
        return bool(self._wanted or self._in_flight)

    def want(self, requests: Sequence[DecodeRequest]) -> None:
        """Decode these, the first of them first; whatever else was asked for is dropped."""
        self._wanted = deque(requests)
        for request in self._in_flight.keys() - set(requests):
            if self._in_flight[request].cancel():
                self._in_flight.pop(request, None)
        self._fill()

    def forget(self, paths: Iterable[Path]) -> None:
        """Give no answer of these that is on its way: it may be of the file as it was."""
        old = set(paths)
        for request in [request for request in self._in_flight if request.path in old]:
            del self._in_flight[request]

    def clear(self) -> None:
        """Forget every wish."""
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
            request = self._wanted.popleft()
            if request in self._in_flight:
                continue
            future = self._decoder.submit(request)
            self._in_flight[request] = future
            future.add_done_callback(partial(self._on_done, request))

    def _on_done(self, request: DecodeRequest, future: Future[DecodedImage]) -> None:
        """In whichever thread ended the future."""
        try:
            decoded = future.result()
            result: _Result = to_qimage(decoded), QSize(decoded.width, decoded.height)
        except CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - reported in the GUI thread
            result = error
        self._results.append((request, future, result))
        # Once closed this object may be deleted at any moment, also while a signal is on its way.
        with self._closing:
            if not self._closed:
                self._answered.emit()

    @Slot()
    def _on_answered(self) -> None:
        while self._results:
            request, future, result = self._results.popleft()
            if self._in_flight.get(request) is not future:
                continue  # nobody wants it any more
            del self._in_flight[request]
            if isinstance(result, Exception):
                if not isinstance(result, ImageError):
                    _log.error("An image could not be decoded", exc_info=result)
                self.image_failed.emit(request, str(result))
            else:
                self.image_decoded.emit(request, *result)
        self._fill()


def to_qimage(decoded: DecodedImage) -> QImage:
    """The pixels as an image that owns its memory."""
    pixels = decoded.pixels
    height, width = pixels.shape[:2]
    return QImage(
        pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888
    ).convertToFormat(QImage.Format.Format_RGB32)
