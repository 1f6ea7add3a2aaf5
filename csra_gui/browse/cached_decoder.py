"""Thumbnails from the disk where they are there, else from the photo, which is then kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial

from csra_gui.browse.decode_queue import ImageDecoder
from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data.decoding.pool import DecodeRequest
from engine.records.thumbnail_cache import ThumbnailCache, ThumbnailKey
from engine.records.thumbnail_writer import ThumbnailWriter

_log = logging.getLogger(__name__)


class CachedDecoder:
    """An ``ImageDecoder`` of thumbnails with a cache before another decoder.

    A file of the cache is decoded by that other decoder too, in its own process: somebody may have
    put anything there. One that is damaged is removed, and the photo is decoded instead. The sizes
    of the original in the answer are those of the photo, or those of the thumbnail where it came
    from the cache.

    Args:
        decoder: decodes photos and files of the cache; it is not closed with this.
        cache: where thumbnails are kept.
    """

    def __init__(self, decoder: ImageDecoder, cache: ThumbnailCache) -> None:
        self._decoder = decoder
        self._cache = cache
        # One thread looks up, so the latest wish is not held up by encoding, which another does.
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="thumbnail-find")
        self._writer = ThumbnailWriter(cache)

    def submit(self, request: DecodeRequest) -> Future[DecodedImage]:
        """Ask for a thumbnail; the request has a side and neither fit nor crop.

        Raises:
            RuntimeError: it is closed.
        """
        if request.side is None or request.fit != "inside" or request.crop is not None:
            raise ValueError("Only whole thumbnails are cached.")
        answer: Future[DecodedImage] = Future()
        task = self._readers.submit(self._look_up, request, request.side, answer)
        task.add_done_callback(lambda done: answer.cancel() if done.cancelled() else None)
        return answer

    def set_limit(self, limit: int) -> None:
        """Change the cache's limit (bytes), in a thread."""
        self._writer.run(partial(self._cache.set_limit, limit))

    def total(self) -> Future[int]:
        """The bytes of the cache, counted in a thread."""
        return self._writer.run(self._cache.total)

    def clear(self) -> Future[int]:
        """Empty the cache, in a thread; how many bytes that freed."""
        return self._writer.run(self._cache.clear)

    def close(self) -> None:
        """Look up and store nothing any more; what waits is cancelled."""
        self._readers.shutdown(wait=True, cancel_futures=True)
        self._writer.close()

    # In the thread that looks up.

    def _look_up(self, request: DecodeRequest, side: int, answer: Future[DecodedImage]) -> None:
        if answer.cancelled():
            return
        try:
            key = ThumbnailKey.of(request.path, side)
        except (OSError, ValueError):  # the decoder says what is wrong with it
            self._ask(request, answer, partial(_pass_on, answer))
            return
        file = self._cache.find(key)
        if file is None:
            self._ask(request, answer, partial(self._on_photo, answer, key))
        else:
            then = partial(self._on_thumbnail, request, answer, key)
            self._ask(DecodeRequest(file, side), answer, then)

    def _ask(
        self,
        request: DecodeRequest,
        answer: Future[DecodedImage],
        then: Callable[[Future[DecodedImage]], object],
    ) -> None:
        """Hand a request on; cancelling the answer cancels it."""
        try:
            inner = self._decoder.submit(request)
        except RuntimeError:  # the decoder is closed
            answer.cancel()
            return
        answer.add_done_callback(lambda done: inner.cancel() if done.cancelled() else None)
        inner.add_done_callback(then)

    # In whichever thread ended the decoder's future.

    def _on_photo(
        self, answer: Future[DecodedImage], key: ThumbnailKey, inner: Future[DecodedImage]
    ) -> None:
        # Storing is asked for first: whoever has the answer may rely on its turn coming.
        if not inner.cancelled() and inner.exception() is None:
            self._writer.store_soon(key, inner.result().pixels)
        _pass_on(answer, inner)

    def _on_thumbnail(
        self,
        request: DecodeRequest,
        answer: Future[DecodedImage],
        key: ThumbnailKey,
        inner: Future[DecodedImage],
    ) -> None:
        if inner.cancelled() or not isinstance(inner.exception(), ImageError):
            _pass_on(answer, inner)
            return
        _log.info("A damaged thumbnail was removed from the cache")
        self._cache.drop(key)
        self._ask(request, answer, partial(self._on_photo, answer, key))


def _pass_on(answer: Future[DecodedImage], inner: Future[DecodedImage]) -> None:
    """Give the answer what the decoder said."""
    try:
        image = inner.result()
    except CancelledError:
        answer.cancel()
    except Exception as error:  # noqa: BLE001 - whoever waits for the answer gets it
        if answer.set_running_or_notify_cancel():
            answer.set_exception(error)
    else:
        if answer.set_running_or_notify_cancel():
            answer.set_result(image)
