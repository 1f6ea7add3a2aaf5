"""A file made of parts of another one and of bytes between them, without a copy of either."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import BinaryIO

from typing_extensions import Buffer, override

#: Bytes as they are, or those of the file from ``start`` to ``stop``.
Piece = bytes | range


class _Pieces(io.RawIOBase):
    """Reads pieces one behind the other.

    Args:
        source: the file that ranges are of; it can seek, and is not closed with this one.
        pieces: none of them empty.
    """

    def __init__(self, source: BinaryIO, pieces: Sequence[Piece]) -> None:
        self._source = source
        self._pieces = pieces
        self._ends = list(accumulate(map(len, pieces)))
        self._position = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._ends[-1]}[whence]
        if start + offset < 0:
            raise ValueError("a place before the beginning")
        self._position = start + offset
        return self._position

    @override
    def readinto(self, buffer: Buffer) -> int:
        wanted = memoryview(buffer).cast("B")
        index = bisect_right(self._ends, self._position)
        if index == len(self._pieces):
            return 0
        piece = self._pieces[index]
        skipped = self._position - (self._ends[index] - len(piece))
        count = min(len(wanted), len(piece) - skipped)
        if isinstance(piece, bytes):
            data = piece[skipped : skipped + count]
        else:
            self._source.seek(piece.start + skipped)
            data = self._source.read(count)
        wanted[: len(data)] = data
        self._position += len(data)
        return len(data)


def joined(source: BinaryIO, pieces: Sequence[Piece]) -> BinaryIO:
    """A file to read that consists of the pieces, at least one, which are not empty."""
    return io.BufferedReader(_Pieces(source, pieces))
