"""A part of a file that may be hostile: only so much of it is ever read."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

#: The most bytes of one block: of EXIF, IPTC or XMP.
MOST_BLOCK = 4 << 20


class BrokenError(Exception):
    """What is read does not make sense, or there is too much of it."""


class Reads:
    """How many reads a file is still worth; shared by all its parts."""

    def __init__(self, most: int) -> None:
        self.left = most


class BoundedFile:
    """A part of a file.

    Attributes:
        start: where it begins in the file.
        size: bytes.
        reads: raise ``reads.left`` where a format is known to need more.
    """

    def __init__(self, file: BinaryIO, start: int, size: int, reads: Reads) -> None:
        self._file = file
        self.start = start
        self.size = size
        self.reads = reads

    def at(self, place: int, count: int) -> bytes:
        """So many bytes from a place.

        Raises:
            BrokenError: they are not there, or too many.
        """
        self.reads.left -= 1
        if place < 0 or count < 0 or place + count > self.size or count > MOST_BLOCK:
            raise BrokenError
        if self.reads.left < 0:
            raise BrokenError
        self._file.seek(self.start + place)
        found = self._file.read(count)
        if len(found) != count:
            raise BrokenError
        return found

    def all(self) -> bytes:
        """Everything in it; as ``at``."""
        return self.at(0, self.size)

    def part(self, place: int, size: int) -> BoundedFile:
        """A part of the part; none of it lies outside."""
        place = max(0, min(place, self.size))
        size = max(0, min(size, self.size - place))
        return BoundedFile(self._file, self.start + place, size, self.reads)


@contextlib.contextmanager
def opened(path: Path, most_reads: int = 600) -> Generator[BoundedFile, None, None]:
    """Open a file; nobody is waited for.

    Raises:
        OSError: it cannot be read or is no regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb", buffering=8192) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):  # a pipe would never end
            raise OSError(f"{path} is not a regular file.")
        yield BoundedFile(file, 0, status.st_size, Reads(most_reads))
