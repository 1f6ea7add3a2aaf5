"""A digest of what is a picture in a file, and of nothing that labels are written into.

Two files of one digest have the very same pixels, frames, profiles and whatever follows the
picture (a film of a moving photo, further pictures), packed by the same bytes. Nothing is decoded.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

from engine.metadata import bounded, boxes
from engine.metadata.bounded import BoundedFile, BrokenError

_MOST_READS = 2_000_000
_PIECE = 1 << 20
_MOST_DIRECTORIES = 1000
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_XMP_NAMES = (b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0")
# Where the further pictures begin: it changes with what lies before them.
_PLACES = b"MPF\0"
_XMP_KEYS = (b"XML:com.adobe.xmp\0", b"Raw profile type xmp\0")
_FRAMES_PROFILE_EXIF = 0x2A

# Of TIFF: what lies where, and what labels are written into.
_BANDS, _BAND_SIZES, _TILES, _TILE_SIZES = 273, 279, 324, 325
_JPEG, _JPEG_SIZE = 513, 514
_INSIDE = frozenset({330, 34665, 34853, 40965})
# XMP, IPTC, Photoshop's; what makers wrote may hold places and is compared by ExifTool.
_LEFT_OUT = frozenset({700, 33723, 34377, 37500, 50740, _BANDS, _TILES, _JPEG}) | _INSIDE
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def picture_digest(path: Path) -> str:
    """The digest; empty where the file is of a kind of which nobody knows how to tell.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        with bounded.opened(path, _MOST_READS) as file:
            for piece in _pieces(file):
                digest.update(piece)
    except (BrokenError, struct.error):
        return ""
    return digest.hexdigest()


def _pieces(file: BoundedFile) -> Iterator[bytes]:
    start = file.at(0, 12)
    if start.startswith(b"\xff\xd8"):
        return _of_jpeg(file)
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return _of_png(file)
    if start.startswith(b"RIFF") and start.endswith(b"WEBP"):
        return _of_webp(file)
    if start.startswith((b"II*\0", b"MM\0*")):
        return _of_tiff(file)
    if start[4:8] == b"ftyp":
        return _of_items(file)
    raise BrokenError


def _all(part: BoundedFile, place: int = 0) -> Iterator[bytes]:
    while place < part.size:
        piece = part.at(place, min(_PIECE, part.size - place))
        place += len(piece)
        yield piece


def _of_jpeg(file: BoundedFile) -> Iterator[bytes]:
    place = 2
    while True:
        mark, code, length = struct.unpack(">BBH", file.at(place, 4))
        if mark != 0xFF:
            raise BrokenError
        if code == 0xFF:  # filling
            place += 1
        elif code in _STANDALONE:
            place += 2
        elif code == 0xDA:
            # The pixels, and all that follows them.
            yield from _all(file, place)
            return
        else:
            yield from _segment(file, place, code, length)
            place += 2 + length


def _segment(file: BoundedFile, place: int, code: int, length: int) -> Iterator[bytes]:
    data = file.at(place, length + 2)
    is_xmp = code == 0xE1 and data[4:].startswith(_XMP_NAMES)
    is_places = code == 0xE2 and data[4:].startswith(_PLACES)
    if not (is_xmp or is_places or code == 0xED):
        yield data


def _of_png(file: BoundedFile) -> Iterator[bytes]:
    place = 8
    while file.size - place >= 12:
        size, name = struct.unpack(">I4s", file.at(place, 8))
        key = file.at(place + 8, min(size, 24)) if name in (b"iTXt", b"zTXt", b"tEXt") else b""
        if not key.startswith(_XMP_KEYS):
            yield name
            yield from _all(file.part(place + 8, size))
        place += 12 + size
        if name == b"IEND":
            break
    yield from _all(file, place)


def _of_webp(file: BoundedFile) -> Iterator[bytes]:
    place = 12
    while file.size - place >= 8:
        name, size = struct.unpack("<4sI", file.at(place, 8))
        if name == b"VP8X":
            # A plain file gets one with its metadata; what it says of a plain file is nothing.
            flags = file.at(place + 8, 1)[0] & _FRAMES_PROFILE_EXIF
            if flags:
                yield bytes([flags])
        elif name != b"XMP ":
            yield name
            yield from _all(file.part(place + 8, size))
        place += 8 + size + size % 2


def _of_items(file: BoundedFile) -> Iterator[bytes]:
    for item, parts in sorted(boxes.picture_items(file), key=lambda found: found[0]):
        yield item.to_bytes(4, "big")
        for part in parts:
            yield from _all(part)


def _of_tiff(file: BoundedFile) -> Iterator[bytes]:
    order = ">" if file.at(0, 2) == b"MM" else "<"
    waiting = [struct.unpack(order + "I", file.at(4, 4))[0]]
    seen: set[int] = set()
    while waiting:
        place = waiting.pop(0)
        if not place or place in seen:
            continue
        seen.add(place)
        if len(seen) > _MOST_DIRECTORIES:
            raise BrokenError
        yield b"directory"
        directory = _Directory(file, order, place)
        yield from directory.values()
        for start, size in directory.data():
            yield from _all(file.part(start, size))
        waiting += directory.further()


class _Directory:
    """One directory of a TIFF: its entries, each a kind, a count, and its bytes."""

    def __init__(self, file: BoundedFile, order: str, place: int) -> None:
        self._order = order
        (count,) = struct.unpack(order + "H", file.at(place, 2))
        raw = file.at(place + 2, 12 * count + 4)
        (self._next,) = struct.unpack(order + "I", raw[-4:])
        self._entries: dict[int, tuple[int, bytes]] = {}
        for tag, kind, number, held in struct.iter_unpack(order + "HHI4s", raw[:-4]):
            size = _SIZES.get(kind, 0) * number
            if size > len(held):
                value = file.at(struct.unpack(order + "I", held)[0], size)
            else:
                value = held[:size]
            self._entries[tag] = (kind, value)

    def values(self) -> Iterator[bytes]:
        """What it says, but for places."""
        for tag, (kind, held) in sorted(self._entries.items()):
            if tag not in _LEFT_OUT:
                yield struct.pack(">HH", tag, kind) + held

    def data(self) -> Iterator[tuple[int, int]]:
        """Where its pixels lie: places and sizes."""
        for starts, sizes in ((_BANDS, _BAND_SIZES), (_TILES, _TILE_SIZES), (_JPEG, _JPEG_SIZE)):
            yield from zip(self._numbers(starts), self._numbers(sizes), strict=False)

    def further(self) -> list[int]:
        """Where the directories lie that it names."""
        inside = [place for tag in sorted(_INSIDE) for place in self._numbers(tag)]
        return [*inside, self._next]

    def _numbers(self, tag: int) -> tuple[int, ...]:
        kind, held = self._entries.get(tag, (4, b""))
        form = {3: "H", 4: "I", 13: "I"}.get(kind)
        if form is None:
            return ()
        return struct.unpack(f"{self._order}{len(held) // struct.calcsize(form)}{form}", held)
