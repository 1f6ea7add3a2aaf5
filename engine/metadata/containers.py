"""Where the metadata lies in a picture file, told by its first bytes; nothing is decoded.

JPEG (ITU-T T.81, with the segments of EXIF, XMP and Photoshop), RAF, TIFF and the RAW files made
like it, PNG, WebP here; files of boxes (HEIC, AVIF, CR3, JPEG XL) in ``boxes.py``.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from engine.metadata import boxes, tiff
from engine.metadata.blocks import Blocks
from engine.metadata.bounded import MOST_BLOCK, BoundedFile, BrokenError

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_MORE_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_LONGEST_NAME = max(map(len, (_EXIF, _XMP, _MORE_XMP, _PHOTOSHOP)))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_IPTC_RESOURCE = 0x0404
_MOST_SEGMENTS = 300
# A PNG of a hundred million pixels has its pixels in ten thousand chunks, its XMP behind them.
_MOST_CHUNKS = 20_000
_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG, _KEYWORDS_TAG, _RATING_TAG = 700, 33723, 34377, 40094, 18246
_PROFILE = re.compile(rb"\s*[^\n]*\n\s*\d+\s+([0-9a-fA-F\s]*)", re.ASCII)


def find_blocks(file: BoundedFile) -> Blocks:
    """The blocks of metadata of a file; none of one that is no picture.

    Raises:
        BrokenError: it is broken before anything was found.
        struct.error: as that.
    """
    start = file.at(0, min(32, file.size))
    if start.startswith(b"\xff\xd8"):
        return _in_jpeg(file)
    if start.startswith(b"FUJIFILMCCD-RAW"):
        place, size = struct.unpack(">II", file.at(84, 8))
        return _in_jpeg(file.part(place, size))
    if start.startswith(tiff.STARTS):
        return Blocks(exif=file)
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return _in_png(file)
    is_webp = start.startswith(b"RIFF") and start[8:12] == b"WEBP"
    return _in_webp(file) if is_webp else boxes.find_blocks(file, start)


def with_tiff(blocks: Blocks) -> Blocks:
    """The same with what the first directory of its EXIF holds of XMP, IPTC and Windows' keywords.

    Where the file itself is such a directory, all of it is there.
    """
    if blocks.exif is None:
        return blocks
    names = (_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG, _KEYWORDS_TAG)
    try:
        main = tiff.Directories(blocks.exif, (_RATING_TAG,), names).main
    except (BrokenError, struct.error):
        return blocks
    if main.get(_XMP_TAG):
        blocks.xmp.append(main[_XMP_TAG].rstrip(b"\0"))
    if main.get(_IPTC_TAG):
        blocks.iptc.append(main[_IPTC_TAG])
    if main.get(_PHOTOSHOP_TAG):
        blocks.iptc += _iptc_resources(main[_PHOTOSHOP_TAG])
    blocks.windows_keywords = main.get(_KEYWORDS_TAG) or b""
    rating = main.get(_RATING_TAG)
    blocks.windows_rating = rating if isinstance(rating, int) else None
    return blocks


def _in_jpeg(file: BoundedFile) -> Blocks:
    blocks = Blocks()
    photoshop = b""
    more: dict[bytes, dict[int, bytes]] = {}
    for place, code, length in _segments(file):
        if code in _FRAMES:
            blocks.height, blocks.width = struct.unpack(">HH", file.at(place + 1, 4))
        if code not in (0xE1, 0xED):
            continue
        name = file.at(place, min(length, _LONGEST_NAME))
        if name.startswith(_EXIF) and blocks.exif is None:
            blocks.exif = file.part(place + 6, length - 6)
        elif name.startswith(_XMP):
            blocks.xmp.append(file.at(place, length)[len(_XMP) :])
        elif name.startswith(_MORE_XMP):
            _take_more(more, file.at(place, length)[len(_MORE_XMP) :])
        elif name.startswith(_PHOTOSHOP):
            # One block may go on in the next segment.
            photoshop = (photoshop + file.at(place, length)[len(_PHOTOSHOP) :])[:MOST_BLOCK]
    blocks.iptc += _iptc_resources(photoshop)
    blocks.xmp += [b"".join(part for _, part in sorted(one.items())) for one in more.values()]
    return blocks


def _segments(file: BoundedFile) -> Iterator[tuple[int, int, int]]:
    """Place, code and length of each segment's content before the pixels."""
    place = 2
    for _ in range(_MOST_SEGMENTS):
        if file.size - place < 4:
            return
        mark, code, length = struct.unpack(">BBH", file.at(place, 4))
        if mark != 0xFF or code == 0xDA or length < 2:
            return
        if code == 0xFF:  # filling
            place += 1
            continue
        if code in _STANDALONE:
            place += 2
            continue
        if place + 2 + length > file.size:
            return
        yield place + 4, code, length - 2
        place += 2 + length


def _take_more(more: dict[bytes, dict[int, bytes]], data: bytes) -> None:
    """A piece of a packet that is too long for one segment: its digest, whole length and place."""
    if len(data) < 40:
        return
    whole, place = struct.unpack(">II", data[32:40])
    # Depth maps and the like are longer; there are no labels in these.
    if whole <= MOST_BLOCK:
        more.setdefault(data[:32], {})[place] = data[40:]


def _iptc_resources(data: bytes) -> list[bytes]:
    """The IPTC blocks among Photoshop's resources: a kind, a name and a size before each."""
    found = []
    place = 0
    while data[place : place + 4] == b"8BIM" and len(data) - place >= 12:
        kind, name_size = struct.unpack(">HB", data[place + 4 : place + 7])
        place += 6 + (name_size + 2 & ~1)
        if len(data) - place < 4:
            break
        (size,) = struct.unpack(">I", data[place : place + 4])
        place += 4
        if kind == _IPTC_RESOURCE:
            found.append(data[place : place + size])
        place += size + size % 2
    return found


def _in_png(file: BoundedFile) -> Blocks:
    file.reads.left += _MOST_CHUNKS
    blocks = Blocks()
    place = 8
    for _ in range(_MOST_CHUNKS):
        if file.size - place < 12:
            break
        size, name = struct.unpack(">I4s", file.at(place, 8))
        if size > file.size - place - 12 or name == b"IEND":
            break
        if name == b"IHDR":
            blocks.width, blocks.height = struct.unpack(">II", file.at(place + 8, 8))
        elif name == b"eXIf":
            blocks.exif = _without_name(file.part(place + 8, size))
        elif name in (b"iTXt", b"zTXt", b"tEXt") and size <= MOST_BLOCK:
            _take_text(blocks, name, file.at(place + 8, size))
        place += 12 + size
    return blocks


def _take_text(blocks: Blocks, kind: bytes, data: bytes) -> None:
    """A text of a PNG: XMP as it should be, or what ImageMagick makes of XMP and IPTC."""
    key, _, text = data.partition(b"\0")
    if kind == b"iTXt":
        if key != b"XML:com.adobe.xmp" or len(text) < 2:
            return
        is_packed, text = text[0], text[2:]
        text = text.split(b"\0", 2)[-1]  # behind the language and the translated key
        blocks.xmp.append(_unpacked(text) if is_packed else text)
        return
    if key.lower() not in (b"raw profile type xmp", b"raw profile type iptc"):
        return
    match = _PROFILE.match(_unpacked(text[1:]) if kind == b"zTXt" else text)
    if match is None:
        return
    try:
        profile = bytes.fromhex(match[1].decode())
    except ValueError:
        return
    if key.lower().endswith(b"xmp"):
        blocks.xmp.append(profile)
    else:
        blocks.iptc += _iptc_resources(profile) or [profile]


def _unpacked(data: bytes) -> bytes:
    """What was packed; only so much of it, since a few bytes can become gigabytes."""
    try:
        return zlib.decompressobj().decompress(data, MOST_BLOCK)
    except zlib.error:
        return b""


def _in_webp(file: BoundedFile) -> Blocks:
    blocks = Blocks()
    place = 12
    for _ in range(_MOST_SEGMENTS):
        if file.size - place < 8:
            break
        name, size = struct.unpack("<4sI", file.at(place, 8))
        if name == b"EXIF":
            blocks.exif = _without_name(file.part(place + 8, size))
        elif name == b"XMP " and size <= MOST_BLOCK:
            blocks.xmp.append(file.at(place + 8, size))
        place += 8 + size + size % 2
    return blocks


def _without_name(block: BoundedFile) -> BoundedFile:
    """EXIF without the name before it, which some programs write where none belongs."""
    if block.size > 6 and block.at(0, 6) == _EXIF:
        return block.part(6, block.size - 6)
    return block
