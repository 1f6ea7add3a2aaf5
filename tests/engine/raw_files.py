"""DNG files for tests, written here: a TIFF whose pixels have one colour each, and a preview."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from engine.api.values import PixelArray
from tests.engine.images import gradient

_SHORT, _LONG, _RATIONAL, _ASCII, _BYTE, _SRATIONAL = 3, 4, 5, 2, 1, 10
_SIZES = {_BYTE: 1, _ASCII: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8, _SRATIONAL: 8}
_CODES = {_BYTE: "B", _ASCII: "B", _SHORT: "H", _LONG: "I", _RATIONAL: "I", _SRATIONAL: "i"}

Tag = tuple[int, int, tuple[int, ...]]


@dataclass(frozen=True)
class Preview:
    """The preview that a DNG carries.

    Attributes:
        data: a JPEG.
        stated: the length that the DNG gives for it; ``None`` for the real one.
    """

    data: bytes
    stated: int | None = None


def jpeg(pixels: PixelArray, orientation: int | None = None) -> bytes:
    """A JPEG of pixels as they are, with an orientation in its EXIF if there is one."""
    file = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    options = {"exif": exif} if orientation is not None else {}
    Image.fromarray(pixels).save(file, "JPEG", quality=95, subsampling=0, **options)
    return file.getvalue()


def mosaic(pixels: PixelArray) -> np.ndarray:
    """RGB pixels as a sensor under red, green, green and blue filters sees them, 16 bits."""
    linear = (pixels / 255.0) ** 2.2
    seen = np.empty(pixels.shape[:2])
    seen[0::2, 0::2] = linear[0::2, 0::2, 0]
    seen[0::2, 1::2] = linear[0::2, 1::2, 1]
    seen[1::2, 0::2] = linear[1::2, 0::2, 1]
    seen[1::2, 1::2] = linear[1::2, 1::2, 2]
    return np.rint(seen * 65535).astype("<u2")


def dng(
    pixels: PixelArray | None = None,
    preview: Preview | None = None,
    orientation: int = 1,
    size: tuple[int, int] | None = None,
) -> bytes:
    """A DNG file.

    Args:
        pixels: what the sensor saw; the gradient by default.
        preview: put in before it.
        orientation: how the whole is to be turned, by EXIF.
        size: width and height that are stated; the real ones by default.
    """
    raw = mosaic(gradient(192, 128) if pixels is None else pixels)
    width, height = size or (raw.shape[1], raw.shape[0])
    data = raw.tobytes()
    one = (1, 1)
    colours: list[Tag] = [
        (50706, _BYTE, (1, 4, 0, 0)),
        (50708, _ASCII, tuple(b"Test Camera\0")),
        (50721, _SRATIONAL, (3, 1, -1, 1, 0, 1, -1, 1, 2, 1, 0, 1, 0, 1, 0, 1, 1, 1)),
        (50728, _RATIONAL, one * 3),
        (50778, _SHORT, (21,)),
    ]
    sensor: list[Tag] = [
        *_picture(width, height, 32803, 1),
        (258, _SHORT, (16,)),
        (277, _SHORT, (1,)),
        (33421, _SHORT, (2, 2)),
        (33422, _BYTE, (0, 1, 1, 2)),
        (50717, _LONG, (65535,)),
    ]
    head: list[Tag] = [
        (271, _ASCII, tuple(b"Test\0")),
        (272, _ASCII, tuple(b"Camera\0")),
        (274, _SHORT, (orientation,)),
        (306, _ASCII, tuple(b"2024:05:01 12:30:00\0")),
        *colours,
    ]
    if preview is None:
        return _tiff([([*head, (254, _LONG, (0,)), *sensor], data, len(data))])
    with Image.open(io.BytesIO(preview.data)) as image:
        shown: list[Tag] = [
            *_picture(*image.size, 6, 7),
            (258, _SHORT, (8, 8, 8)),
            (277, _SHORT, (3,)),
            (254, _LONG, (1,)),
        ]
    first = ([*head, *shown], preview.data, preview.stated or len(preview.data))
    return _tiff([first, ([(254, _LONG, (0,)), *sensor], data, len(data))])


def write_dng(path: Path, data: bytes | None = None) -> Path:
    """Write a DNG with a preview, or the bytes of one."""
    path.write_bytes(dng(preview=Preview(jpeg(gradient(192, 128)))) if data is None else data)
    return path


def _picture(width: int, height: int, kind: int, packing: int) -> list[Tag]:
    return [
        (256, _LONG, (width,)),
        (257, _LONG, (height,)),
        (259, _SHORT, (packing,)),
        (262, _SHORT, (kind,)),
        (278, _LONG, (height,)),
    ]


def _tiff(pages: list[tuple[list[Tag], bytes, int]]) -> bytes:
    """A TIFF: the first page, and those after it as its sub-pages, as cameras have them."""
    out = bytearray(b"II*\0\0\0\0\0")
    subs = []
    for number, (tags, data, stated) in reversed(list(enumerate(pages))):
        at = len(out)
        out += data + b"\0" * (len(data) % 2)
        places = [(273, _LONG, (at,)), (279, _LONG, (stated,))]
        if number == 0 and subs:
            places.append((330, _LONG, tuple(subs)))
        start = _directory(out, [*tags, *places])
        if number:
            subs.insert(0, start)
    struct.pack_into("<I", out, 4, start)
    return bytes(out)


def _directory(out: bytearray, tags: list[Tag]) -> int:
    entries = []
    for tag, kind, values in sorted(tags):
        packed = struct.pack(f"<{len(values)}{_CODES[kind]}", *values)
        if len(packed) > 4:
            at = len(out)
            out += packed + b"\0" * (len(packed) % 2)
            packed = struct.pack("<I", at)
        count = len(values) // (2 if kind in (_RATIONAL, _SRATIONAL) else 1)
        entries.append(struct.pack("<HHI", tag, kind, count) + packed.ljust(4, b"\0"))
    start = len(out)
    out += struct.pack("<H", len(entries)) + b"".join(entries) + b"\0\0\0\0"
    return start
