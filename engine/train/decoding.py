"""Decoding images for training: a lost decoder costs a second try, a bad image ends the work."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from engine.api.errors import DataError, ImageError
from engine.api.values import DecodedImage
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.texts import display_path

#: A decoder may be killed from outside, for want of memory say; the picture is not to blame then.
_TRIES = 3


def decoded(
    pool: DecodePool, requests: Sequence[DecodeRequest]
) -> Generator[DecodedImage, None, None]:
    """Decode images, in order.

    Raises:
        DataError: an image cannot be read, whoever tries; the message names it.
    """
    with closing(pool.map(requests)) as images:
        for request, image in zip(requests, images, strict=True):
            yield _tried_again(pool, request, image) if isinstance(image, ImageError) else image


def _tried_again(pool: DecodePool, request: DecodeRequest, error: ImageError) -> DecodedImage:
    for _ in range(_TRIES - 1):
        try:
            return pool.submit(request).result()
        except ImageError as again:
            error = again
    raise DataError(
        f"The training image {display_path(request.path)} cannot be used: {error}"
    ) from error
