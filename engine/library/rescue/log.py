"""SQLite's write-ahead log as a file: whose it is, and the pages that were committed in it."""

from __future__ import annotations

import struct
import sys
from array import array
from pathlib import Path

_MAGIC = (0x377F0682, 0x377F0683)
_HEADER, _FRAME = 32, 24
_HALF, _WHOLE = 0x7FFFFFFF, 1 << 32


def salt_of(log: Path) -> int | None:
    """The number that a log starts with and that each reset counts up; ``None``: it has none."""
    try:
        with log.open("rb") as file:
            header = file.read(_HEADER)
    except OSError:
        return None
    if len(header) < _HEADER or struct.unpack_from(">I", header)[0] not in _MAGIC:
        return None
    return int(struct.unpack_from(">I", header, 16)[0])


def follows(salt: int | None, noted: int) -> bool:
    """Whether a log may be the one that was noted, reset any number of times since."""
    return salt is not None and (salt - noted) % _WHOLE <= _HALF // 128


def committed_pages(log: bytes, page_size: int) -> dict[int, bytes]:
    """Page number → its content after the last commit that is whole in a log.

    A log of another page size, or that ends within its header, has none.
    """
    if len(log) < _HEADER:
        return {}
    magic, _, size = struct.unpack_from(">III", log)
    if magic not in _MAGIC or size != page_size:
        return {}
    is_big = magic == _MAGIC[1]
    sums = _checksum(log[:24], (0, 0), is_big=is_big)
    if sums != struct.unpack_from(">II", log, 24):
        return {}
    committed: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for start in range(_HEADER, len(log) - _FRAME - size + 1, _FRAME + size):
        number, pages_then = struct.unpack_from(">II", log, start)
        page = log[start + _FRAME : start + _FRAME + size]
        sums = _checksum(log[start : start + 8], sums, is_big=is_big)
        sums = _checksum(page, sums, is_big=is_big)
        has_salt = log[start + 8 : start + 16] == log[16:24]
        if not number or not has_salt or sums != struct.unpack_from(">II", log, start + 16):
            break
        pending[number] = page
        if pages_then:
            committed |= pending
            pending = {}
            committed = {n: page for n, page in committed.items() if n <= pages_then}
    return committed


def _checksum(data: bytes, sums: tuple[int, int], *, is_big: bool) -> tuple[int, int]:
    words = array("I", data)
    if (sys.byteorder == "big") != is_big:
        words.byteswap()
    first, second = sums
    pairs = iter(words)
    for even, odd in zip(pairs, pairs, strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
