"""JPEG: only the segments that the pixels need, and the end mark where it is missing.

A file without its end mark may be whole or cut: the decoder fills what is missing with grey and
says nothing. So it is decoded twice, followed by nothing and followed by noise. What is whole
does not see the noise. Sections are those of ITU-T T.81.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from PIL import Image

from engine.data.decoding.faults import METADATA_ERRORS
from engine.data.decoding.mending.pieces import Piece

START = b"\xff\xd8"
_END = b"\xff\xd9"
_EXIF = b"Exif\0\0"

_SOI, _EOI, _SOS, _DRI = 0xD8, 0xD9, 0xDA, 0xDD
_RESTARTS = range(0xD0, 0xD8)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xCA})
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, _DRI})
_COMMENT = 0xFE
_APPS = range(0xE0, 0xF0)

_MARKER = re.compile(rb"\xff([\xc0-\xfe])")
# In the pixels' code FF 00 is a byte FF, and FF FF is one FF that was repeated.
_MARKER_IN_CODE = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
# What phones write behind a photo: a film, or notes of Samsung's. A decoder in want of code would
# take its bytes for pixels.
_TRAILER = re.compile(
    rb"\0\0..ftyp(?:mp4|iso|qt  |3gp|avc|M4V|MSNV|hei|mif)|MotionPhoto_|SEFH|SEFT", re.DOTALL
)
_MOST_SEGMENTS = 10_000
_MOST_TRIES = 10_000
_NOISE_BYTES = 2048


@dataclass
class Jpeg:
    """What is needed of a JPEG file.

    Attributes:
        pieces: of its beginning, up to the end of its pixels, without the end mark.
        has_end: whether the end mark was there.
    """

    pieces: list[Piece] = field(default_factory=lambda: [START])
    has_end: bool = False
    _frame: int = 0
    _components: bytes = b""
    _scans: list[bytes] = field(default_factory=list)
    _has_restarts: bool = False
    _last_restart: int = 7

    def whole(self) -> list[Piece]:
        """The pieces of a file that ends as it should."""
        return [*self.pieces, _END]

    def followed_by_noise(self) -> list[Piece]:
        """The same with noise before the end mark, which a decoder in want of code will take."""
        # It begins with another bit than the zeros with which a decoder fills up.
        noise = bytes((k**3 * 31 + 170) % 251 for k in range(_NOISE_BYTES))
        if not self._has_restarts:
            return [*self.pieces, noise, _END]
        marks = (bytes([0xFF, 0xD0 + (self._last_restart + k) % 8]) for k in range(1, 9))
        return [*self.pieces, noise, *(mark + noise for mark in marks), _END]

    @property
    def has_every_scan(self) -> bool:
        """Whether each component comes with all its coefficients, in full precision (G.1.1.1)."""
        missing = {(component, k) for component in self._components for k in range(64)}
        for scan in self._scans:
            count = scan[0]
            first, last, low = 0, 63, 0
            if self._frame in _PROGRESSIVE:
                first, last, low = scan[1 + 2 * count], scan[2 + 2 * count], scan[-1] & 15
            if low == 0:
                parts = range(first, last + 1)
                missing -= {(c, k) for c in scan[1 : 1 + 2 * count : 2] for k in parts}
        return bool(self._components) and not missing

    def add(self, data: bytes, segment: _Segment) -> None:
        """Take in what is needed of a segment."""
        body = data[segment.start + 4 : segment.stop]
        if segment.marker in _APPS:
            if segment.is_misfit and body.startswith(_EXIF):
                body = body[:0xFFFD]
            elif segment.is_misfit:
                return
            if _is_needed(segment.marker, body):
                head = struct.pack(">BBH", 0xFF, segment.marker, len(body) + 2)
                self.pieces.append(head + body)
            return
        if segment.is_misfit or segment.marker == _COMMENT:
            return
        if segment.marker in _FRAMES:
            self._frame, self._components = segment.marker, body[6::3]
        elif segment.marker == _DRI:
            self._has_restarts = body != b"\0\0"
        elif segment.marker == _SOS:
            self._scans.append(body)
        self.pieces.append(range(segment.start, segment.stop))

    def add_code(self, start: int, stop: int, last_restart: int | None) -> None:
        """Take in the code of a scan."""
        self._last_restart = 7 if last_restart is None else last_restart
        if stop > start:
            self.pieces.append(range(start, stop))


@dataclass(frozen=True, slots=True)
class _Segment:
    """A marker with its body; a misfit's length is wrong, and it stops where the next begins."""

    start: int
    stop: int
    marker: int
    is_misfit: bool = False


def needed_of_jpeg(data: bytes) -> Jpeg | None:
    """Look through a JPEG file; ``None`` if there are no pixels in it."""
    jpeg = Jpeg()
    start = len(START)
    for _ in range(_MOST_SEGMENTS):
        segment = _segment(data, start)
        if segment is None:
            break
        if segment.marker == _EOI:
            jpeg.has_end = True
            break
        jpeg.add(data, segment)
        start = segment.stop
        if segment.marker == _SOS:
            start, last_restart = _end_of_code(data, start)
            jpeg.add_code(segment.stop, start, last_restart)
            if not _goes_on(data, start):
                break
    return jpeg if jpeg._scans else None


def _segment(data: bytes, start: int) -> _Segment | None:
    """The next segment, from ``start`` on or behind junk."""
    while data[start : start + 2] == b"\xff\xff":
        start += 1
    if not _is_marker(data, start):
        found = _next_start(data, start)
        return None if found is None else _segment_at(data, found)
    return _segment_at(data, start)


def _segment_at(data: bytes, start: int) -> _Segment:
    marker = data[start + 1]
    if marker == _EOI:
        return _Segment(start, start + 2, marker)
    if _fits(data, start):
        return _Segment(start, start + 2 + _length(data, start), marker)
    found = _next_start(data, start + 2)
    return _Segment(start, len(data) if found is None else found, marker, is_misfit=True)


def _next_start(data: bytes, start: int) -> int | None:
    """Where the next segment that can be one begins; pictures in between are passed over."""
    behind = start
    for tried, match in enumerate(_MARKER.finditer(data, start)):
        if tried == _MOST_TRIES:
            break
        at, marker = match.start(), match[1][0]
        if at < behind or marker in _RESTARTS or marker == _EOI:
            continue
        if marker == _SOI:
            end = data.find(_END, at) if data[at + 2 : at + 3] == b"\xff" else -1
            behind = max(behind, end + 2)
        elif _fits(data, at):
            return at
    return None


def _is_marker(data: bytes, at: int) -> bool:
    marker = data[at + 1] if at + 1 < len(data) and data[at] == 0xFF else 0
    return marker >= 0xC0 and marker not in _RESTARTS and marker not in (_SOI, 0xFF)


def _length(data: bytes, start: int) -> int:
    return int.from_bytes(data[start + 2 : start + 4], "big")


def _fits(data: bytes, start: int) -> bool:
    """Whether a segment's length leads to where another can begin."""
    length = _length(data, start)
    stop = start + 2 + length
    if length < 2 or stop > len(data):
        return False
    if data[start + 1] == _SOS:
        return length == 6 + 2 * data[start + 4]
    return _is_marker(data, stop) or data[stop : stop + 2] == b"\xff\xff"


def _end_of_code(data: bytes, start: int) -> tuple[int, int | None]:
    """Where the code of a scan ends, and the last restart mark in it, 0 to 7."""
    trailer = _TRAILER.search(data, start)
    if trailer is not None:
        data = data[: trailer.start()]
    last_restart = None
    for match in _MARKER_IN_CODE.finditer(data, start):
        if match[1][0] not in _RESTARTS:
            return match.start(), last_restart
        last_restart = match[1][0] - _RESTARTS.start
    return len(data.rstrip(b"\xff")), last_restart


def _goes_on(data: bytes, at: int) -> bool:
    """Whether more of the picture follows the code of a scan, rather than some trailer."""
    if not _is_marker(data, at):
        return False
    marker = data[at + 1]
    return marker == _EOI or (marker in {*_TABLES, _SOS, _COMMENT} and _fits(data, at))


def _is_needed(marker: int, body: bytes) -> bool:
    if marker == 0xE0:
        return body.startswith(b"JFIF\0") and len(body) >= 14
    if marker == 0xE1:
        return body.startswith(_EXIF) and _can_be_read(body)
    if marker == 0xE2:
        return body.startswith(b"ICC_PROFILE\0") and len(body) > 14
    return marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12


def _can_be_read(exif: bytes) -> bool:
    try:
        Image.Exif().load(exif)
    except METADATA_ERRORS:
        return False
    return True
