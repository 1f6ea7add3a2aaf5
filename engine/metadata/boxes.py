"""Metadata in files of boxes (ISO/IEC 14496-12): HEIC, AVIF, Canon's CR3 and JPEG XL."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from engine.metadata.blocks import Blocks
from engine.metadata.bounded import MOST_BLOCK, BoundedFile, BrokenError

_MOST_BOXES = 300
_MOST_ITEMS = 2000
_JXL = b"\0\0\0\x0cJXL \r\n\x87\n"
_CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_XMP_TYPE = b"application/rdf+xml"


class _Box(NamedTuple):
    name: bytes
    content: BoundedFile


def find_blocks(file: BoundedFile, start: bytes) -> Blocks:
    """The blocks of a file that begins like this; none of one that has no boxes."""
    if start.startswith(_JXL):
        return _in_jxl(file)
    if start[4:8] != b"ftyp":
        return Blocks()
    blocks = Blocks()
    for box in _boxes(file):
        if box.name == b"meta":
            _take_items(blocks, file, box.content)
        elif box.name == b"moov":
            _take_canon(blocks, box.content)
        elif box.name == b"uuid" and box.content.size > 16 and box.content.at(0, 16) == _XMP:
            blocks.xmp.append(box.content.part(16, box.content.size).all())
    return blocks


def picture_items(file: BoundedFile) -> Iterator[tuple[int, list[BoundedFile]]]:
    """The items of HEIF that are no metadata, by number, each with its pieces in the file.

    Item 0, which no file has, is what is said of them: sizes, turns, profiles.

    Raises:
        BrokenError: it does not say where they lie.
        struct.error: as that.
    """
    for box in _boxes(file):
        if box.name != b"meta":
            continue
        inside = {inner.name: inner.content for inner in _boxes(box.content, 4)}
        if b"iinf" not in inside or b"iloc" not in inside:
            raise BrokenError
        metadata = dict(_item_kinds(inside[b"iinf"]))
        if b"iprp" in inside:
            yield 0, [inside[b"iprp"]]
        for item, in_data, extents in _item_places(inside[b"iloc"]):
            home = inside.get(b"idat") if in_data else file
            if item not in metadata and home is not None:
                yield item, [home.part(*extent) for extent in extents]


def _boxes(file: BoundedFile, place: int = 0) -> Iterator[_Box]:
    for _ in range(_MOST_BOXES):
        if file.size - place < 8:
            return
        size, name = struct.unpack(">I4s", file.at(place, 8))
        head = 8
        if size == 1:
            if file.size - place < 16:
                return
            (size,) = struct.unpack(">Q", file.at(place + 8, 8))
            head = 16
        elif size == 0:  # up to the end
            size = file.size - place
        if size < head:
            return
        yield _Box(name, file.part(place + head, size - head))
        place += size


def _in_jxl(file: BoundedFile) -> Blocks:
    blocks = Blocks()
    for box in _boxes(file):
        if box.name == b"xml " and box.content.size <= MOST_BLOCK:
            blocks.xmp.append(box.content.all())
        elif box.name == b"Exif":
            blocks.exif = _directories(box.content)
    return blocks


def _directories(content: BoundedFile) -> BoundedFile | None:
    """EXIF of HEIF and JPEG XL: how far its directories lie behind the number that says so."""
    if content.size < 12:
        return None
    (offset,) = struct.unpack(">I", content.at(0, 4))
    return content.part(4 + offset, content.size)


def _take_canon(blocks: Blocks, film: BoundedFile) -> None:
    for box in _boxes(film):
        if box.name != b"uuid" or box.content.size < 16 or box.content.at(0, 16) != _CANON:
            continue
        for inner in _boxes(box.content, 16):
            if inner.name == b"CMT1":
                blocks.exif = inner.content
            elif inner.name == b"CMT2":
                blocks.detail = inner.content
            elif inner.name == b"CMT4":
                blocks.place = inner.content


def _take_items(blocks: Blocks, file: BoundedFile, meta: BoundedFile) -> None:
    """Items of HEIF: one box says what they are, one where they lie, one may hold them."""
    inside = {box.name: box.content for box in _boxes(meta, 4)}
    if b"iinf" not in inside or b"iloc" not in inside:
        return
    kinds = dict(_item_kinds(inside[b"iinf"]))
    if not kinds:
        return
    for item, in_data, extents in _item_places(inside[b"iloc"]):
        home = inside.get(b"idat") if in_data else file
        if item not in kinds or home is None or sum(size for _, size in extents) > MOST_BLOCK:
            continue
        if kinds[item] == b"Exif" and len(extents) == 1:
            blocks.exif = _directories(home.part(*extents[0]))
        elif kinds[item] == b"mime":
            blocks.xmp.append(b"".join(home.part(*extent).all() for extent in extents))


def _item_kinds(iinf: BoundedFile) -> Iterator[tuple[int, bytes]]:
    """The items that are EXIF or XMP, and which."""
    is_long = iinf.at(0, 1)[0] > 0
    data = iinf.all()
    place = 8 if is_long else 6
    for _ in range(_MOST_ITEMS):
        if len(data) - place < 8:
            return
        size, name = struct.unpack(">I4s", data[place : place + 8])
        if size < 8:
            return
        content = data[place + 8 : place + size]
        place += size
        if name != b"infe" or len(content) < 12 or content[0] not in (2, 3):
            continue
        width = 2 if content[0] == 2 else 4
        item = int.from_bytes(content[4 : 4 + width], "big")
        kind, rest = content[6 + width : 10 + width], content[10 + width :]
        if kind == b"Exif" or (kind == b"mime" and rest.split(b"\0")[1:2] == [_XMP_TYPE]):
            yield item, kind


def _item_places(iloc: BoundedFile) -> Iterator[tuple[int, bool, list[tuple[int, int]]]]:
    """Of each item: its number, whether it lies in the box for data, and its pieces."""
    reader = _Numbers(iloc.all())
    version = reader.take(1)
    reader.take(3)
    sizes = reader.take(2)
    widths = [sizes >> shift & 15 for shift in (12, 8, 4, 0)]
    offset_width, length_width, base_width, index_width = widths
    wide = 4 if version == 2 else 2
    for _ in range(min(reader.take(wide), _MOST_ITEMS)):
        item = reader.take(wide)
        method = reader.take(2) & 15 if version in (1, 2) else 0
        reader.take(2)
        base = reader.take(base_width)
        extents = []
        for _ in range(min(reader.take(2), _MOST_BOXES)):
            if version in (1, 2):
                reader.take(index_width)
            extents.append((base + reader.take(offset_width), reader.take(length_width)))
        if method in (0, 1):
            yield item, method == 1, extents


class _Numbers:
    """Whole numbers of several bytes, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def take(self, width: int) -> int:
        end = self._place + width
        if end > len(self._data):
            raise BrokenError
        found = int.from_bytes(self._data[self._place : end], "big")
        self._place = end
        return found
