"""BMP: where its pixels begin and how many colours it has, worked out anew from its header."""

from __future__ import annotations

import struct
from typing import BinaryIO

from engine.data.decoding.mending.pieces import Piece

_FILE_HEADER = 14
_USUAL_HEADERS = range(40, 125)
_HAS_MASKS = 3


def sound_bmp(stream: BinaryIO, size: int) -> list[Piece]:
    """The pieces of a BMP of ``size`` bytes; none if its header is not of a usual kind."""
    stream.seek(0)
    head = stream.read(_FILE_HEADER + 40)
    if len(head) < _FILE_HEADER + 40:
        return []
    start, length, bits, packing, colours = struct.unpack_from("<10xII10xHI12xI", head)
    if length not in _USUAL_HEADERS or bits not in (1, 4, 8, 16, 24, 32):
        return []
    most = 1 << bits if bits <= 8 else 0
    if not 0 < colours <= most:  # as many as have room before the pixels
        colours = (start - _FILE_HEADER - length) // 4
        colours = colours if 0 < colours <= most else most
    masks = 12 if packing == _HAS_MASKS and length == 40 else 0
    start = _FILE_HEADER + length + masks + 4 * colours
    rewritten = bytearray(head)
    struct.pack_into("<I", rewritten, 10, start)
    struct.pack_into("<I", rewritten, 46, colours)
    return [bytes(rewritten), range(len(head), size)] if start < size else []
