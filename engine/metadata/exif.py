"""What a camera wrote into a file as EXIF 2.3, read by its structure with bounded reads.

Nothing is decoded and no library of pictures is asked, so that a hundred thousand files cost
minutes. JPEG, TIFF and the RAW files made like it, RAF, PNG and WebP are understood.
"""

from __future__ import annotations

import math
import os
import re
import stat
import struct
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from engine.library.cameras import CameraFacts

# A block of EXIF in a JPEG ends within 64 KiB; other files may hold it behind their pixels.
_MOST_BLOCK = 1 << 20
_MOST_READS = 300
_MOST_PIECES = 100  # segments, chunks, and entries of one directory
_MOST_TEXT = 100

_MAKE, _MODEL, _CHANGED, _EXIF, _GPS = 0x010F, 0x0110, 0x0132, 0x8769, 0x8825
_WIDTH, _HEIGHT = 0x0100, 0x0101
_EXPOSURE, _APERTURE, _ISO, _TAKEN, _FOCAL = 0x829A, 0x829D, 0x8827, 0x9003, 0x920A
_PIXELS_X, _PIXELS_Y, _LENS = 0xA002, 0xA003, 0xA434
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}
_NUMBERS = {1: "B", 3: "H", 4: "I", 5: "II", 9: "i", 10: "ii"}
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
_DATE = re.compile(r"(\d{4})\D(\d\d)\D(\d\d)\D(\d\d)\D(\d\d)\D(\d\d)", re.ASCII)

_Tags = Mapping[int, Any]


def read_camera_facts(path: Path) -> CameraFacts:
    """What a file says; nothing of one that is no picture, is broken, or holds no EXIF.

    Raises:
        OSError: it cannot be read or is no regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb", buffering=8192) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):  # a pipe would never end
            raise OSError(f"{path} is not a regular file.")
        try:
            return _read(_Bytes(file, 0, status.st_size))
        except (_BrokenError, struct.error, ValueError, OverflowError):
            return CameraFacts()


class _BrokenError(Exception):
    """What is read does not make sense, or there is too much of it."""


class _Bytes:
    """A part of a file, of which only so much is ever read."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self.start = start
        self.size = size
        self._reads = 0

    def at(self, place: int, count: int) -> bytes:
        """So many bytes from a place."""
        self._reads += 1
        if place < 0 or place + count > self.size or count > _MOST_BLOCK:
            raise _BrokenError
        if self._reads > _MOST_READS:
            raise _BrokenError
        self._file.seek(self.start + place)
        found = self._file.read(count)
        if len(found) != count:
            raise _BrokenError
        return found

    def part(self, place: int, size: int) -> _Bytes:
        """A part of the part."""
        return _Bytes(self._file, self.start + place, max(0, min(size, self.size - place)))


def _read(file: _Bytes) -> CameraFacts:
    start = file.at(0, 16)
    if start.startswith(b"\xff\xd8"):
        return _read_jpeg(file)
    if start.startswith(b"FUJIFILMCCD-RAW"):
        place, size = struct.unpack(">II", file.at(84, 8))
        return _read_jpeg(file.part(place, size))
    if start.startswith(_TIFF_STARTS):
        return _read_tiff(file)
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return _read_chunks(file, 8, ">I4s", b"eXIf")
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return _read_chunks(file, 12, "<4sI", b"EXIF")
    return CameraFacts()


def _read_jpeg(file: _Bytes) -> CameraFacts:
    block: _Bytes | None = None
    place = 2
    width = height = None
    for _ in range(_MOST_PIECES):
        if file.size - place < 10:
            break
        mark, code, length = struct.unpack(">BBH", file.at(place, 4))
        if mark != 0xFF or code == 0xDA:
            break
        if code == 0xE1 and block is None and file.at(place + 4, 6) == b"Exif\0\0":
            block = file.part(place + 10, length - 8)
        if code in _FRAMES:
            height, width = struct.unpack(">HH", file.at(place + 5, 4))
            break
        place += 2 + length
    return _read_tiff(block, width, height) if block else CameraFacts(width=width, height=height)


def _read_chunks(file: _Bytes, place: int, form: str, wanted: bytes) -> CameraFacts:
    """Chunks of a name and a size, in either order: of PNG with a checksum, of WebP made even."""
    is_png = form.startswith(">")
    width = height = None
    for _ in range(_MOST_PIECES):
        if file.size - place < 8:
            break
        first, second = struct.unpack(form, file.at(place, 8))
        name, size = (second, first) if is_png else (first, second)
        if name == b"IHDR":
            width, height = struct.unpack(">II", file.at(place + 8, 8))
        elif name == wanted:
            skip = 6 if file.at(place + 8, min(size, 6)) == b"Exif\0\0" else 0
            return _read_tiff(file.part(place + 8 + skip, size - skip), width, height)
        place += 8 + size + (4 if is_png else size % 2)
    return CameraFacts(width=width, height=height)


def _read_tiff(block: _Bytes, width: int | None = None, height: int | None = None) -> CameraFacts:
    """What directories of TIFF 6.0 say; a size that the pixels have goes before theirs."""
    order = ">" if block.at(0, 2) == b"MM" else "<"
    main = _directory(block, order, struct.unpack(order + "I", block.at(4, 4))[0])
    detail = _directory_at(block, order, main.get(_EXIF))
    place = _directory_at(block, order, main.get(_GPS))
    make, model = _text(main.get(_MAKE)), _text(main.get(_MODEL))
    latitude, longitude = _place(place)
    return CameraFacts(
        taken=_moment(_text(detail.get(_TAKEN))) or _moment(_text(main.get(_CHANGED))),
        camera=_camera(make, model),
        lens=_text(detail.get(_LENS)),
        exposure_s=_above_zero(detail.get(_EXPOSURE)),
        aperture=_above_zero(detail.get(_APERTURE)),
        iso=_whole(detail.get(_ISO)),
        focal_mm=_above_zero(detail.get(_FOCAL)),
        width=width or _whole(detail.get(_PIXELS_X)) or _whole(main.get(_WIDTH)),
        height=height or _whole(detail.get(_PIXELS_Y)) or _whole(main.get(_HEIGHT)),
        latitude=latitude,
        longitude=longitude,
    )


def _directory_at(block: _Bytes, order: str, place: object) -> _Tags:
    """A directory that another one points at; an empty one if it is broken."""
    try:
        return _directory(block, order, place) if isinstance(place, int) else {}
    except (_BrokenError, struct.error):
        return {}


_WANTED = frozenset(
    (_MAKE, _MODEL, _CHANGED, _EXIF, _GPS, _WIDTH, _HEIGHT, _EXPOSURE, _APERTURE, _ISO, _TAKEN)
) | {_FOCAL, _PIXELS_X, _PIXELS_Y, _LENS, 1, 2, 3, 4}


def _directory(block: _Bytes, order: str, place: int) -> _Tags:
    count = min(struct.unpack(order + "H", block.at(place, 2))[0], _MOST_PIECES)
    count = min(count, (block.size - place - 2) // 12)
    entries = block.at(place + 2, 12 * count)
    found: dict[int, Any] = {}
    for tag, kind, number, held in struct.iter_unpack(order + "HHI4s", entries):
        if tag in _WANTED and kind in _SIZES and 0 < number <= _MOST_BLOCK:
            found.setdefault(tag, _value(block, order, (kind, number), held))
    return found


def _value(block: _Bytes, order: str, form: tuple[int, int], held: bytes) -> Any:
    """A text as bytes, one number, or a tuple of numbers; ``None`` if it lies nowhere."""
    kind, number = form
    is_text = kind in (2, 7)
    number = min(number, 4 * _MOST_TEXT if is_text else 3)
    size = _SIZES[kind] * number
    if size > 4:
        try:
            held = block.at(struct.unpack(order + "I", held)[0], size)
        except _BrokenError:
            return None
    if is_text:
        return held[:size]
    values = tuple(_numbers(order, kind, held[:size]))
    return values[0] if len(values) == 1 else values


def _numbers(order: str, kind: int, held: bytes) -> Iterator[float]:
    for values in struct.iter_unpack(order + _NUMBERS[kind], held):
        if len(values) == 1:
            yield values[0]
        else:
            yield values[0] / values[1] if values[1] else math.nan


def _text(value: object) -> str:
    if not isinstance(value, bytes):
        return ""
    plain = value.partition(b"\0")[0]
    try:
        text = plain.decode("utf-8")
    except UnicodeDecodeError:
        text = plain.decode("latin-1")
    return text.strip()[:_MOST_TEXT]


def _camera(make: str, model: str) -> str:
    brand = make.partition(" ")[0].casefold()
    says_make = brand in ("", model.partition(" ")[0].casefold())
    return model if says_make else f"{make} {model}".strip()


def _moment(text: str) -> str:
    match = _DATE.match(text)
    try:
        return datetime(*map(int, match.groups())).isoformat() if match else ""  # type: ignore[arg-type]
    except ValueError:
        return ""


def _first(value: object) -> float:
    found = value[0] if isinstance(value, tuple) and value else value
    return float(found) if isinstance(found, (int, float)) else math.nan


def _above_zero(value: object) -> float | None:
    number = _first(value)
    return number if math.isfinite(number) and number > 0 else None


def _whole(value: object) -> int | None:
    number = _above_zero(value)
    return None if number is None or number < 1 else int(number)


def _place(tags: _Tags) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees; neither if one makes no sense."""
    found = []
    for side, tag, negative, most in ((1, 2, "S", 90.0), (3, 4, "W", 180.0)):
        parts, name = tags.get(tag), _text(tags.get(side)).upper()
        if not isinstance(parts, tuple) or len(parts) != 3 or not name:
            return None, None
        degrees = parts[0] + (parts[1] + parts[2] / 60) / 60
        if not math.isfinite(degrees) or not 0 <= degrees <= most:
            return None, None
        found.append(-degrees if name.startswith(negative) else degrees)
    return found[0], found[1]
