"""Reads a picture as it is, and if that fails, without what stands beside its pixels."""

from __future__ import annotations

import contextlib
import io
import zlib
from collections.abc import Callable, Generator
from typing import BinaryIO, TypeVar

from PIL import Image

from engine.data.decoding.faults import DECODER_ERRORS, METADATA_ERRORS
from engine.data.decoding.mending.bmp import sound_bmp
from engine.data.decoding.mending.jpeg import START, Jpeg, needed_of_jpeg
from engine.data.decoding.mending.pieces import joined
from engine.data.decoding.mending.png import SIGNATURE, sound_png
from engine.data.decoding.mending.webp import sound_webp
from engine.data.decoding.odd_tiff import open_odd_tiff
from engine.data.decoding.opening import open_image
from engine.data.decoding.tiff_pages import go_to_photo

T = TypeVar("T")

# Larger files of these kinds are not mended: they would be held in memory.
_MOST_BYTES = 256 << 20
_ROWS_AT_ONCE = 256

#: Is told the size of the picture that is decoded next, in pixels; may wait, or refuse it.
AdmitSize = Callable[[int, int], None]


def read_picture(stream: BinaryIO, read: Callable[[Image.Image], T], admit: AdmitSize) -> T:
    """Open the picture in a file and read it.

    Args:
        stream: can seek.
        read: takes the opened picture and loads it; called again if something beside the
            pixels made it fail.
        admit: asked before a picture is decoded only to see whether it is whole.

    Raises:
        Exception: one of ``DECODER_ERRORS``, that of the file as it is.
    """
    try:
        return _read(stream, read)
    except (MemoryError, Image.DecompressionBombError):
        raise
    except METADATA_ERRORS as error:
        for mended in _mended(stream, admit):
            with contextlib.suppress(*METADATA_ERRORS):
                return _read(mended, read)
        with contextlib.suppress(*METADATA_ERRORS, ImportError):
            if _is_tiff(stream):
                return read(open_odd_tiff(stream, admit))
        raise error from None


def _read(stream: BinaryIO, read: Callable[[Image.Image], T]) -> T:
    with open_image(stream) as image:
        go_to_photo(image)
        return read(image)


def _is_tiff(stream: BinaryIO) -> bool:
    stream.seek(0)
    return stream.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _mended(stream: BinaryIO, admit: AdmitSize) -> Generator[BinaryIO, None, None]:
    """The file without what may be wrong with it: first the least, then all that can go."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    head = stream.read(12)
    if head.startswith(SIGNATURE):
        yield joined(stream, sound_png(stream, size, with_looks=True))
        yield joined(stream, sound_png(stream, size, with_looks=False))
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        yield joined(stream, sound_webp(stream, size))
    if head.startswith(b"BM") and (pieces := sound_bmp(stream, size)):
        yield joined(stream, pieces)
    if head.startswith(START) and size <= _MOST_BYTES:
        stream.seek(0)
        jpeg = needed_of_jpeg(stream.read())
        if jpeg is not None and (jpeg.has_end or _is_whole(stream, jpeg, admit)):
            yield joined(stream, jpeg.whole())


def _is_whole(stream: BinaryIO, jpeg: Jpeg, admit: AdmitSize) -> bool:
    """Whether all pixels of a JPEG without an end mark are there."""
    if not jpeg.has_every_scan:
        return False
    try:
        first = _checksum(joined(stream, jpeg.whole()), admit)
        return first == _checksum(joined(stream, jpeg.followed_by_noise()), None)
    except DECODER_ERRORS:
        return False


def _checksum(stream: BinaryIO, admit: AdmitSize | None) -> int:
    """Of all pixels, at full size."""

    def read(image: Image.Image) -> int:
        if admit is not None:
            admit(*image.size)
        image.load()
        checksum = 0
        for top in range(0, image.height, _ROWS_AT_ONCE):
            bottom = min(top + _ROWS_AT_ONCE, image.height)
            rows = image.crop((0, top, image.width, bottom))
            checksum = zlib.crc32(rows.tobytes(), checksum)
        return checksum

    return _read(stream, read)
