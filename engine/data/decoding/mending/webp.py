"""WebP: only the chunks of the picture, and a length that fits them (RFC 9649, section 2)."""

from __future__ import annotations

import struct
from typing import BinaryIO

from engine.data.decoding.mending.pieces import Piece

_PIXELS = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"})
_IS_ANIMATED, _HAS_ALPHA = 0x02, 0x10
_MOST_CHUNKS = 100_000


def sound_webp(stream: BinaryIO, size: int) -> list[Piece]:
    """The pieces of a WebP of ``size`` bytes without profile, EXIF, XMP and what is unknown."""
    pieces: list[Piece] = []
    start = 12
    for _ in range(_MOST_CHUNKS):
        stream.seek(start)
        head = stream.read(8)
        if len(head) < 8:
            break
        name, length = struct.unpack("<4sI", head)
        stop = start + 8 + length
        if name == b"VP8X" and length == 10:
            pieces.append(head + _flags(stream.read(10)))
        elif name in _PIXELS and stop <= size:
            pieces.append(range(start, stop))
            if length % 2:
                pieces.append(b"\0")
        if name in (b"VP8 ", b"VP8L"):
            break  # the picture; what follows is about it
        start = stop + length % 2
    length = 4 + sum(map(len, pieces))
    return [b"RIFF" + struct.pack("<I", length) + b"WEBP", *pieces]


def _flags(header: bytes) -> bytes:
    """A header that announces nothing of what is left out."""
    return bytes([header[0] & (_IS_ANIMATED | _HAS_ALPHA)]) + header[1:]
