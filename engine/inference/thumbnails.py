"""Thumbnails and facts along the way: what is decoded for a model is not decoded again for them."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from engine.api.config import ThumbnailWish
from engine.api.errors import ImageError
from engine.api.values import DecodedImage, Thumbnail
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.records.thumbnail_cache import ThumbnailCache, ThumbnailKey
from engine.records.thumbnail_writer import ThumbnailWriter


class ImageSource(Protocol):
    """What decodes images in order; ``DecodePool`` is one."""

    def map(
        self, requests: Iterable[DecodeRequest], window: int = 32
    ) -> Generator[DecodedImage | ImageError, None, None]:
        """See ``DecodePool.map``."""
        ...


class ThumbnailsAlongTheWay:
    """Decodes as its pool does, and keeps a thumbnail of each large photo of the same decoding.

    Those that the cache has are left alone, and once it is nearly full no more are made: nobody has
    asked for these yet, and those that somebody looked at do not go for them.

    Args:
        pool: decodes; stays open.
        wish: which thumbnails, and where they go.
    """

    def __init__(self, pool: DecodePool, wish: ThumbnailWish) -> None:
        self._pool = pool
        self._side = wish.side
        cache = ThumbnailCache(wish.folder, wish.limit)
        self._writer = ThumbnailWriter(cache, only_into_room=True)

    def map(
        self, requests: Iterable[DecodeRequest], window: int = 32
    ) -> Generator[DecodedImage | ImageError, None, None]:
        """See ``DecodePool.map``."""
        asked: deque[Path] = deque()

        def with_thumbnails() -> Generator[DecodeRequest, None, None]:
            for request in requests:
                asked.append(request.path)
                side = self._side if self._writer.has_room else None
                yield replace(request, thumbnail=side)

        with contextlib.closing(self._pool.map(with_thumbnails(), window)) as images:
            for image in images:
                path = asked.popleft()
                if isinstance(image, DecodedImage) and image.thumbnail is not None:
                    self._writer.store_soon(_key(path, image.thumbnail), image.thumbnail.pixels)
                yield image

    def close(self) -> None:
        """Write what waits; there are no more than a few dozen."""
        self._writer.close(finish=True)


class _Measuring:
    """Decodes as another one does, and measures all of it."""

    def __init__(self, source: ImageSource) -> None:
        self._source = source

    def map(
        self, requests: Iterable[DecodeRequest], window: int = 32
    ) -> Generator[DecodedImage | ImageError, None, None]:
        """See ``DecodePool.map``."""
        return self._source.map((replace(request, facts=True) for request in requests), window)


@contextlib.contextmanager
def image_source(
    pool: DecodePool, wish: ThumbnailWish | None, *, facts: bool = False
) -> Generator[ImageSource, None, None]:
    """The pool, with thumbnails along the way and facts measured as far as they are wanted."""
    if facts:
        with image_source(pool, wish) as source:
            yield _Measuring(source)
        return
    if wish is None or not wish.limit:
        yield pool
        return
    with contextlib.closing(ThumbnailsAlongTheWay(pool, wish)) as source:
        yield source


def _key(path: Path, thumbnail: Thumbnail) -> ThumbnailKey:
    """The same that whoever looks for the thumbnail makes of the file."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - keeps links
    return ThumbnailKey(
        whole, thumbnail.file_size, thumbnail.mtime_ns, thumbnail.side, thumbnail.turn
    )
