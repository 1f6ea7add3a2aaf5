"""Writes thumbnails in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from engine.api.values import PixelArray
from engine.records.thumbnail_cache import ThumbnailCache, ThumbnailKey

T = TypeVar("T")

#: So many thumbnails may wait to be written; when the disk is slower than that, some are not kept.
_WAITING_WRITES = 64


class ThumbnailWriter:
    """Puts thumbnails into a cache beside other work; nobody waits for the encoder or the disk.

    Args:
        cache: where they are kept.
        only_into_room: store none that the cache has, and none that others would have to go for.
    """

    def __init__(self, cache: ThumbnailCache, *, only_into_room: bool = False) -> None:
        self._cache = cache
        self._only_into_room = only_into_room
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="thumbnail-store")
        self._slots = threading.BoundedSemaphore(_WAITING_WRITES)
        self._closed = False
        self.has_room = bool(cache.limit)

    def store_soon(self, key: ThumbnailKey, pixels: PixelArray) -> None:
        """Keep a thumbnail, (h, w, 3) uint8, unless too many wait already."""
        if not self._closed and self._slots.acquire(blocking=False):
            try:
                self._thread.submit(self._store, key, pixels).add_done_callback(self._free)
            except RuntimeError:  # closed meanwhile
                self._slots.release()

    def run(self, work: Callable[[], T]) -> Future[T]:
        """Do something else with the cache, in its turn."""
        return self._thread.submit(work)

    def close(self, *, finish: bool = False) -> None:
        """Store nothing any more; what waits is written first, or dropped."""
        self._closed = True
        self._thread.shutdown(wait=True, cancel_futures=not finish)

    def _store(self, key: ThumbnailKey, pixels: PixelArray) -> None:
        if self._only_into_room:
            if self._cache.find(key) is not None:
                return
            self.has_room = self._cache.has_room()
            if not self.has_room:
                return
        self._cache.store(key, pixels)

    def _free(self, _done: Future[None]) -> None:
        self._slots.release()
