"""The pages of an SQLite file, read without SQLite: what is sound of them is used, page by page.

The format is that of https://sqlite.org/fileformat2.html, without reserved bytes and in UTF-8, as
this program's libraries are. Everything read is taken to be damaged until it fits.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

MAGIC = b"SQLite format 3\0"
USUAL_PAGE_SIZE = 4096
Value = int | float | str | bytes | None

_HEADER_SIZE = 100
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_LONGEST_VARINT = 9


class UnreadableError(Exception):
    """A page, a cell or a record is not as the format wants it."""


class Kind(IntEnum):
    """What a page of a tree holds; the numbers are SQLite's."""

    INDEX_INNER = 2
    TABLE_INNER = 5
    INDEX_LEAF = 10
    TABLE_LEAF = 13


@dataclass(frozen=True, slots=True)
class Cell:
    """An entry of a page.

    Attributes:
        child: page with what lies before it; 0 in a leaf.
        rowid: in a tree of a table.
        values: of the record; empty where a table's inner page has none.
    """

    child: int
    rowid: int
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a tree, as far as it could be read.

    Attributes:
        kind: of tree and level.
        cells: that could be read.
        last_child: of an inner page, after all cells; else 0.
        is_whole: whether all of its cells could be read and its bytes add up.
    """

    kind: Kind
    cells: tuple[Cell, ...]
    last_child: int
    is_whole: bool

    @property
    def is_of_table(self) -> bool:
        """Whether it belongs to a tree of rows with numbers."""
        return self.kind in (Kind.TABLE_LEAF, Kind.TABLE_INNER)

    @property
    def children(self) -> tuple[int, ...]:
        """The pages below, in order."""
        if self.kind in (Kind.TABLE_LEAF, Kind.INDEX_LEAF):
            return ()
        return (*(cell.child for cell in self.cells), self.last_child)


class PageFile:
    """A file of pages, and newer ones of a log over it.

    Args:
        data: of the file.
        page_size: in bytes; a power of two from 512 to 65536.
        newer: page number → content.
    """

    def __init__(self, data: bytes, page_size: int, newer: Mapping[int, bytes] = {}) -> None:
        self._data = data
        self._newer = newer
        self.page_size = page_size
        # A page that was cut counts: what is missing of it is taken for zeros.
        self.count = max(-(-len(data) // page_size), *newer, 0)

    def raw(self, number: int) -> bytes:
        """The bytes of a page; empty if there is none of this number."""
        if number in self._newer:
            return self._newer[number]
        start = (number - 1) * self.page_size
        if number < 1 or start >= len(self._data):
            return b""
        return self._data[start : start + self.page_size].ljust(self.page_size, b"\0")

    def page(self, number: int) -> Page:
        """A page of a tree.

        Raises:
            UnreadableError: it is none, or not there.
        """
        data = self.raw(number)
        start = _HEADER_SIZE if number == 1 else 0
        if not data or data[start] not in set(Kind):
            raise UnreadableError
        kind = Kind(data[start])
        is_inner = kind in (Kind.TABLE_INNER, Kind.INDEX_INNER)
        count = int.from_bytes(data[start + 3 : start + 5], "big")
        pointers = start + (12 if is_inner else 8)
        content = pointers + 2 * count
        if content > self.page_size:
            raise UnreadableError
        cells, used = [], content + data[start + 7]
        is_whole = True
        for (place,) in struct.iter_unpack(">H", data[pointers:content]):
            try:
                if not content <= place < self.page_size:
                    raise UnreadableError
                cell, length = self._cell(data, place, kind)
                cells.append(cell)
                used += max(4, length)
            except UnreadableError:
                is_whole = False
        last = int.from_bytes(data[start + 8 : start + 12], "big") if is_inner else 0
        used += _free_bytes(data, start) - content
        begin = int.from_bytes(data[start + 5 : start + 7], "big") or 65536
        is_whole = is_whole and used == self.page_size - begin
        return Page(kind, tuple(cells), last, is_whole)

    def _cell(self, data: bytes, place: int, kind: Kind) -> tuple[Cell, int]:
        child, at, rowid = 0, place, 0
        if kind in (Kind.TABLE_INNER, Kind.INDEX_INNER):
            child, at = int.from_bytes(data[at : at + 4], "big"), at + 4
            if kind is Kind.TABLE_INNER:
                rowid, at = _varint(data, at)
                return Cell(child, _signed(rowid)), at - place
        size, at = _varint(data, at)
        if kind is Kind.TABLE_LEAF:
            rowid, at = _varint(data, at)
        local = self._local(size, kind)
        end = at + local
        if end + (4 if local < size else 0) > self.page_size:
            raise UnreadableError
        payload = data[at:end]
        if local < size:
            first = int.from_bytes(data[end : end + 4], "big")
            payload, end = payload + self._overflow(first, size - local), end + 4
        return Cell(child, _signed(rowid), record(payload)), end - place

    def _local(self, size: int, kind: Kind) -> int:
        """How much of a record lies in the page itself."""
        usable = self.page_size
        most = usable - 35 if kind is Kind.TABLE_LEAF else (usable - 12) * 64 // 255 - 23
        if size <= most:
            return size
        least = (usable - 12) * 32 // 255 - 23
        wanted = least + (size - least) % (usable - 4)
        return wanted if wanted <= most else least

    def _overflow(self, number: int, size: int) -> bytes:
        if size > self.count * self.page_size:
            raise UnreadableError
        parts = []
        while size > 0:
            data = self.raw(number)
            if not data:
                raise UnreadableError
            number = int.from_bytes(data[:4], "big")
            parts.append(data[4 : 4 + size])
            size -= len(parts[-1])
        if number:
            raise UnreadableError
        return b"".join(parts)

    def free_pages(self) -> set[int]:
        """Pages that the file's header says are not used; what is in them is old."""
        head = self.raw(1)
        if not head.startswith(MAGIC):
            return set()
        found: set[int] = set()
        trunk = int.from_bytes(head[32:36], "big")
        while trunk and trunk not in found and (data := self.raw(trunk)):
            found.add(trunk)
            count = min(int.from_bytes(data[4:8], "big"), self.page_size // 4 - 2)
            found |= {n for (n,) in struct.iter_unpack(">I", data[8 : 8 + 4 * count])}
            trunk = int.from_bytes(data[:4], "big")
        return found


def page_size_of(data: bytes) -> int | None:
    """What the header of a file says; ``None`` if it has no sound one."""
    if not data.startswith(MAGIC):
        return None
    size = int.from_bytes(data[16:18], "big")
    size = 65536 if size == 1 else size
    return size if size >= 512 and not size & (size - 1) else None


def record(payload: bytes) -> tuple[Value, ...]:
    """The values of a record.

    Raises:
        UnreadableError: it does not add up, or a text is not UTF-8.
    """
    return tuple(_values(payload))


def _values(payload: bytes) -> Iterator[Value]:
    head, at = _varint(payload, 0)
    if not at <= head <= len(payload):
        raise UnreadableError
    place = head
    while at < head:
        serial, at = _varint(payload, at)
        length = _length(serial)
        if at > head or place + length > len(payload):
            raise UnreadableError
        yield _value(serial, payload[place : place + length])
        place += length
    if place != len(payload):
        raise UnreadableError


def _length(serial: int) -> int:
    if serial >= 12:
        return (serial - 12) // 2
    if serial in (10, 11):
        raise UnreadableError
    return 8 if serial == 7 else _INTEGERS.get(serial, 0)


def _value(serial: int, data: bytes) -> Value:
    if serial == 0:
        return None
    if serial in (8, 9):
        return serial - 8
    if serial in _INTEGERS:
        return int.from_bytes(data, "big", signed=True)
    if serial == 7:
        return float(struct.unpack(">d", data)[0])
    if serial % 2 == 0:
        return data
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError from error


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(at, min(at + _LONGEST_VARINT, len(data))):
        byte = data[place]
        if place == at + _LONGEST_VARINT - 1:
            return value << 8 | byte, place + 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    raise UnreadableError


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _free_bytes(data: bytes, start: int) -> int:
    """Of the blocks within a page that no cell uses."""
    place, total = int.from_bytes(data[start + 1 : start + 3], "big"), 0
    last = 0
    while place > last and place + 4 <= len(data):
        last = place
        total += int.from_bytes(data[place + 2 : place + 4], "big")
        place = int.from_bytes(data[place : place + 2], "big")
    return total
