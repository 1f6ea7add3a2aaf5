"""PNG: only the chunks that the pixels need, and of the others those that are sound.

After the PNG specification, third edition, sections 5 and 11.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import BinaryIO

from engine.data.decoding.mending.pieces import Piece

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_END = b"\0\0\0\0IEND\xaeB`\x82"
_PIXELS = frozenset({b"IHDR", b"PLTE", b"IDAT"})
# They change how the pixels look; all others (texts, times, further frames) are left out.
_LOOKS = frozenset({b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"eXIf"})
_NEXT = re.compile(rb"PLTE|tRNS|IDAT|IEND")
_MOST_CHUNKS = 200_000
_MOST_SIDE_BYTES = 8 << 20
_MOST_PROFILE_BYTES = 1 << 20  # Pillow unpacks no more
_SEARCHED_BYTES = 64 << 20
_MOST_TRIES = 200


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A chunk: where its length stands, its name, and how many bytes of data it has."""

    start: int
    name: bytes
    length: int

    @property
    def stop(self) -> int:
        """Where the next chunk begins."""
        return self.start + 12 + self.length


def sound_png(stream: BinaryIO, size: int, *, with_looks: bool) -> list[Piece]:
    """The pieces of a PNG of ``size`` bytes without what could cost the picture.

    Args:
        stream: the file.
        size: in bytes.
        with_looks: keep what changes how the pixels look, as far as it is sound.
    """
    kept = _PIXELS | _LOOKS if with_looks else _PIXELS
    pieces: list[Piece] = [SIGNATURE]
    for chunk in _chunks(stream, size):
        if chunk.name == b"IEND":
            break
        if chunk.stop > size:  # the last of the pixels, without its checksum perhaps
            have = size - chunk.start - 8
            if chunk.name == b"IDAT" and have > 0:
                data = range(chunk.start + 8, size)
                pieces += [struct.pack(">I4s", have, b"IDAT"), data, bytes(4)]
            break
        if chunk.name in kept and (chunk.name in _PIXELS or _is_sound(stream, chunk)):
            last = pieces[-1]
            if isinstance(last, range) and last.stop == chunk.start:
                pieces[-1] = range(last.start, chunk.stop)
            else:
                pieces.append(range(chunk.start, chunk.stop))
    return [*pieces, _END]


def _chunks(stream: BinaryIO, size: int) -> Generator[_Chunk, None, None]:
    start = len(SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        chunk = _chunk_at(stream, start)
        if chunk is None or (chunk.stop > size and chunk.name not in _PIXELS):
            chunk = _found_after(stream, start, size)  # a length that lies
        if chunk is None:
            return
        yield chunk
        start = chunk.stop


def _chunk_at(stream: BinaryIO, start: int) -> _Chunk | None:
    stream.seek(start)
    head = stream.read(8)
    if len(head) < 8 or not head[4:].isalpha():
        return None
    length, name = struct.unpack(">I4s", head)
    return _Chunk(start, name, length)


def _found_after(stream: BinaryIO, start: int, size: int) -> _Chunk | None:
    """The next chunk that the pixels need, which its checksum proves to be one."""
    stream.seek(start)
    data = stream.read(_SEARCHED_BYTES)
    for tried, match in enumerate(_NEXT.finditer(data, 5)):
        chunk = _chunk_at(stream, start + match.start() - 4)
        if chunk is not None and chunk.stop <= size and _has_its_checksum(stream, chunk):
            return chunk
        if tried == _MOST_TRIES:
            break
    return None


def _is_sound(stream: BinaryIO, chunk: _Chunk) -> bool:
    if chunk.length > _MOST_SIDE_BYTES or not _has_its_checksum(stream, chunk):
        return False
    if chunk.name != b"iCCP":
        return True
    stream.seek(chunk.start + 8)
    _, _, rest = stream.read(chunk.length).partition(b"\0")
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(rest[1:], _MOST_PROFILE_BYTES)
    except zlib.error:
        return False
    return rest[:1] == b"\0" and unpacking.eof


def _has_its_checksum(stream: BinaryIO, chunk: _Chunk) -> bool:
    stream.seek(chunk.start + 4)
    checksum = zlib.crc32(stream.read(4 + chunk.length))
    return stream.read(4) == struct.pack(">I", checksum)
