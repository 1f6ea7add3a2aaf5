"""HEIF files for tests: small ones of ``tests/data/heif/make.sh``, and what is made of them."""

from __future__ import annotations

import struct

from tests.paths import ROOT

HEIF_FILES = ROOT / "tests" / "data" / "heif"


def stored(name: str = "plain.heic") -> bytes:
    """The bytes of one of the files; all but ``cat.heic`` hold the gradient of 96 by 64."""
    return (HEIF_FILES / name).read_bytes()


def with_property(data: bytes, kind: bytes, content: bytes) -> bytes:
    """A file whose one image has a property more: ``irot`` turns it, ``imir`` mirrors it."""
    box = struct.pack(">I4s", 8 + len(content), kind) + content
    data = _grown(data, b"ipco", box, [b"meta", b"iprp"])
    # ipma: version and flags, count of entries, then per image its number and its properties
    at = data.index(b"ipma") + 4
    entries, _, count = struct.unpack_from(">IHB", data, at + 4)
    assert entries == 1
    number = len(_children(data, data.index(b"ipco") - 4))
    out = bytearray(data)
    out[at + 10] = count + 1
    out[at + 11 + count : at + 11 + count] = bytes([0x80 | number])
    for name in (b"meta", b"iprp", b"ipma"):
        _resize(out, out.index(name) - 4, 1)
    return _moved(bytes(out), len(box) + 1)


def with_size(data: bytes, width: int, height: int) -> bytes:
    """A file that says that its image has another size."""
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


def _grown(data: bytes, inside: bytes, box: bytes, around: list[bytes]) -> bytes:
    out = bytearray(data)
    start = out.index(inside) - 4
    (size,) = struct.unpack_from(">I", out, start)
    out[start + size : start + size] = box
    for name in (inside, *around):
        _resize(out, out.index(name) - 4, len(box))
    return bytes(out)


def _resize(out: bytearray, start: int, by: int) -> None:
    (size,) = struct.unpack_from(">I", out, start)
    struct.pack_into(">I", out, start, size + by)


def _children(data: bytes, start: int) -> list[bytes]:
    (size,) = struct.unpack_from(">I", data, start)
    names, at = [], start + 8
    while at < start + size:
        (length, name) = struct.unpack_from(">I4s", data, at)
        names.append(name)
        at += length
    return names


def _moved(data: bytes, by: int) -> bytes:
    """Pixels lie further back now: heif-enc writes a base offset of 0 and one extent."""
    out = bytearray(data)
    at = out.index(b"iloc") + 4
    assert out[at + 4 : at + 6] == b"\x44\x40"  # 4 bytes for offset, length and base
    base = at + 8 + 4
    extent = base + 4 + 2
    (offset,) = struct.unpack_from(">I", out, extent)
    struct.pack_into(">I", out, extent, offset + by)
    return bytes(out)
