"""TIFF files that Pillow does not write: odd numbers, odd tags, thumbnails before the photo."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

#: TIFF's number of a type → struct's letter.
_LETTERS = {1: "B", 3: "H", 4: "I", 11: "f", 12: "d"}
Entry = tuple[int, Sequence[float] | bytes]
SHORT, LONG = 3, 4


def tiff(
    pages: Sequence[tuple[NDArray[np.generic], Mapping[int, Entry]]],
    *,
    order: str = "<",
    inner: int = 0,
) -> bytes:
    """An uncompressed TIFF.

    Args:
        pages: pixels and tags on top of, or in place of, the usual ones.
        order: "<" or ">".
        inner: so many of the last pages stand in SubIFDs of the first one.
    """
    data = b"II*\0" if order == "<" else b"MM\0*"
    data += struct.pack(order + "I", 8)
    chained = len(pages) - inner
    offsets: list[int] = []
    links: dict[int, int] = {}
    start = 8
    for number, (pixels, tags) in enumerate(pages):
        more: dict[int, Entry] = {330: (LONG, [0] * inner)} if inner and not number else {}
        block, places = _page(pixels, {**tags, **more}, start, order)
        offsets.append(start)
        data += block
        links[number] = places["next"]
        links.setdefault(-1, places.get("inner", 0))
        start = len(data)
    out = bytearray(data)
    for number in range(chained - 1):
        struct.pack_into(order + "I", out, links[number], offsets[number + 1])
    for k, offset in enumerate(offsets[chained:]):
        struct.pack_into(order + "I", out, links[-1] + 4 * k, offset)
    return bytes(out)


def _page(
    pixels: NDArray[np.generic], tags: Mapping[int, Entry], start: int, order: str
) -> tuple[bytes, dict[str, int]]:
    height, width = pixels.shape[:2]
    samples = pixels.shape[2] if pixels.ndim == 3 else 1
    raw = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()  # type: ignore[arg-type]
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    entries: dict[int, Entry] = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [pixels.dtype.itemsize * 8] * samples),
        259: (SHORT, [1]),
        262: (SHORT, [2 if samples >= 3 else 1]),
        273: (LONG, [0]),
        277: (SHORT, [samples]),
        278: (LONG, [height]),
        279: (LONG, [len(raw)]),
        339: (SHORT, [kind] * samples),
        **tags,
    }
    after = start + 2 + 12 * len(entries) + 4
    rows, extra = b"", b""
    places = {"next": after - 4}
    bodies = {tag: _body(entry, order) for tag, entry in entries.items()}
    pixels_at = after + sum(len(body) for body in bodies.values() if len(body) > 4)
    bodies[273] = struct.pack(order + "I", pixels_at)
    for tag in sorted(entries):
        body, (type_, values) = bodies[tag], entries[tag]
        rows += struct.pack(order + "HHI", tag, type_, len(values))
        if tag == 330:
            places["inner"] = start + 2 + len(rows) if len(body) <= 4 else after + len(extra)
        if len(body) <= 4:
            rows += body.ljust(4, b"\0")
        else:
            rows += struct.pack(order + "I", after + len(extra))
            extra += body
    head = struct.pack(order + "H", len(entries))
    return head + rows + bytes(4) + extra + raw, places


def _body(entry: Entry, order: str) -> bytes:
    type_, values = entry
    if isinstance(values, bytes):
        return values
    return b"".join(struct.pack(order + _LETTERS[type_], value) for value in values)
