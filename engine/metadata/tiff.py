"""Directories of TIFF 6.0, of which EXIF and most RAW files are made."""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from engine.metadata.bounded import MOST_BLOCK, BoundedFile, BrokenError

#: What a file made of directories begins with; the later ones are those of RAW files.
STARTS = (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")

#: A value: a text or block as bytes, one number, a tuple of numbers, or ``None``.
Tags = Mapping[int, Any]

_MOST_ENTRIES = 200
_MOST_NUMBERS = 3
_MOST_TEXT = 400
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}
_NUMBERS = {1: "B", 3: "H", 4: "I", 5: "II", 9: "i", 10: "ii"}


class Directories:
    """The directories of one block.

    Attributes:
        main: the first directory.

    Raises:
        BrokenError: there is no directory at its beginning.
        struct.error: as that.
    """

    def __init__(
        self, block: BoundedFile, wanted: Collection[int], blocks: Collection[int] = ()
    ) -> None:
        """Read the first directory.

        Args:
            block: it begins with its byte order.
            wanted: tags of which short texts and up to three numbers are read.
            blocks: tags of which all bytes are read.
        """
        self._block = block
        self._wanted = wanted
        self._blocks = blocks
        self._order = ">" if block.at(0, 2) == b"MM" else "<"
        self.main = self._directory(struct.unpack(self._order + "I", block.at(4, 4))[0])

    def at(self, place: object) -> Tags:
        """A directory that another one points at; an empty one if it is broken."""
        try:
            return self._directory(place) if isinstance(place, int) else {}
        except (BrokenError, struct.error):
            return {}

    def _directory(self, place: int) -> Tags:
        block, order = self._block, self._order
        count = min(struct.unpack(order + "H", block.at(place, 2))[0], _MOST_ENTRIES)
        count = min(count, (block.size - place - 2) // 12)
        entries = block.at(place + 2, 12 * count)
        found: dict[int, Any] = {}
        for tag, kind, number, held in struct.iter_unpack(order + "HHI4s", entries):
            if kind not in _SIZES or not 0 < number <= MOST_BLOCK:
                continue
            if tag in self._blocks:
                found.setdefault(tag, self._held(held, _SIZES[kind] * number))
            elif tag in self._wanted:
                found.setdefault(tag, self._value(kind, number, held))
        return found

    def _held(self, held: bytes, size: int) -> bytes | None:
        if size <= len(held):
            return held[:size]
        try:
            return self._block.at(struct.unpack(self._order + "I", held)[0], size)
        except BrokenError:
            return None

    def _value(self, kind: int, number: int, held: bytes) -> Any:
        is_text = kind in (2, 7)
        number = min(number, _MOST_TEXT if is_text else _MOST_NUMBERS)
        found = self._held(held, _SIZES[kind] * number)
        if found is None or is_text:
            return found
        values = tuple(_numbers(self._order, kind, found))
        return values[0] if len(values) == 1 else values


def _numbers(order: str, kind: int, held: bytes) -> Iterator[float]:
    for values in struct.iter_unpack(order + _NUMBERS[kind], held):
        if len(values) == 1:
            yield values[0]
        else:
            yield values[0] / values[1] if values[1] else math.nan
