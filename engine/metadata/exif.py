"""What a camera wrote into a file as EXIF 2.3, read by its structure with bounded reads.

Nothing is decoded and no library of pictures is asked, so that a hundred thousand files cost
minutes.
"""

from __future__ import annotations

import math
import re
import struct
from datetime import datetime
from pathlib import Path

from engine.library.cameras import CameraFacts
from engine.metadata import bounded
from engine.metadata.blocks import Blocks
from engine.metadata.bounded import BoundedFile, BrokenError
from engine.metadata.containers import find_blocks
from engine.metadata.tiff import Directories, Tags

_MOST_TEXT = 100

_MAKE, _MODEL, _CHANGED, _EXIF, _GPS = 0x010F, 0x0110, 0x0132, 0x8769, 0x8825
_WIDTH, _HEIGHT, _ORIENTATION = 0x0100, 0x0101, 0x0112
_EXPOSURE, _APERTURE, _ISO, _TAKEN, _FOCAL = 0x829A, 0x829D, 0x8827, 0x9003, 0x920A
_PIXELS_X, _PIXELS_Y, _LENS = 0xA002, 0xA003, 0xA434
_WANTED = frozenset(
    (_MAKE, _MODEL, _CHANGED, _EXIF, _GPS, _WIDTH, _HEIGHT, _EXPOSURE, _APERTURE, _ISO, _TAKEN)
) | {_ORIENTATION, _FOCAL, _PIXELS_X, _PIXELS_Y, _LENS, 1, 2, 3, 4}
# Orientations of photos that are turned by a quarter.
_LYING = range(5, 9)
_DATE = re.compile(r"(\d{4})\D(\d\d)\D(\d\d)\D(\d\d)\D(\d\d)\D(\d\d)", re.ASCII)


def read_camera_facts(path: Path) -> CameraFacts:
    """What a file says; nothing of one that is no picture, is broken, or holds no EXIF.

    Raises:
        OSError: it cannot be read or is no regular file.
    """
    with bounded.opened(path) as file:
        try:
            return _said(find_blocks(file))
        except (BrokenError, struct.error, ValueError, OverflowError):
            return CameraFacts()


def read_orientation(path: Path) -> int:
    """How a file says that its picture is to be turned, 1 to 8; 1 where it says nothing sensible.

    Raises:
        OSError: it cannot be read or is no regular file.
    """
    with bounded.opened(path) as file:
        try:
            exif = find_blocks(file).exif
            said = Directories(exif, {_ORIENTATION}).main.get(_ORIENTATION) if exif else None
        except (BrokenError, struct.error, ValueError, OverflowError):
            return 1
    number = _whole(said)
    return number if number is not None and number <= 8 else 1


def _said(blocks: Blocks) -> CameraFacts:
    """What directories say; a size that the pixels have goes before theirs."""
    width, height = blocks.width or None, blocks.height or None
    if blocks.exif is None:
        return CameraFacts(width=width, height=height)
    directories = Directories(blocks.exif, _WANTED)
    main = directories.main
    detail = directories.at(main.get(_EXIF)) or _first(blocks.detail)
    place = directories.at(main.get(_GPS)) or _first(blocks.place)
    make, model = _text(main.get(_MAKE)), _text(main.get(_MODEL))
    latitude, longitude = _place(place)
    width = width or _whole(detail.get(_PIXELS_X)) or _whole(main.get(_WIDTH))
    height = height or _whole(detail.get(_PIXELS_Y)) or _whole(main.get(_HEIGHT))
    if _whole(main.get(_ORIENTATION)) in _LYING:
        width, height = height, width
    return CameraFacts(
        taken=_moment(_text(detail.get(_TAKEN))) or _moment(_text(main.get(_CHANGED))),
        camera=_camera(make, model),
        lens=_text(detail.get(_LENS)),
        exposure_s=_above_zero(detail.get(_EXPOSURE)),
        aperture=_above_zero(detail.get(_APERTURE)),
        iso=_whole(detail.get(_ISO)),
        focal_mm=_above_zero(detail.get(_FOCAL)),
        width=width,
        height=height,
        latitude=latitude,
        longitude=longitude,
    )


def _first(block: BoundedFile | None) -> Tags:
    """The first directory of a block that lies apart; an empty one if it is broken."""
    try:
        return Directories(block, _WANTED).main if block else {}
    except (BrokenError, struct.error):
        return {}


def _text(value: object) -> str:
    if not isinstance(value, bytes):
        return ""
    plain = value.partition(b"\0")[0]
    try:
        text = plain.decode("utf-8")
    except UnicodeDecodeError:
        text = plain.decode("latin-1")
    return text.strip()[:_MOST_TEXT]


def _camera(make: str, model: str) -> str:
    brand = make.partition(" ")[0].casefold()
    says_make = brand in ("", model.partition(" ")[0].casefold())
    return model if says_make else f"{make} {model}".strip()


def _moment(text: str) -> str:
    match = _DATE.match(text)
    try:
        return datetime(*map(int, match.groups())).isoformat() if match else ""  # type: ignore[arg-type]  # there are six
    except ValueError:
        return ""


def _number(value: object) -> float:
    found = value[0] if isinstance(value, tuple) and value else value
    return float(found) if isinstance(found, (int, float)) else math.nan


def _above_zero(value: object) -> float | None:
    number = _number(value)
    return number if math.isfinite(number) and number > 0 else None


def _whole(value: object) -> int | None:
    number = _above_zero(value)
    return None if number is None or number < 1 else int(number)


def _place(tags: Tags) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees; neither if one makes no sense."""
    found = []
    for side, tag, negative, most in ((1, 2, "S", 90.0), (3, 4, "W", 180.0)):
        parts, name = tags.get(tag), _text(tags.get(side)).upper()
        if not isinstance(parts, tuple) or len(parts) != 3 or not name:
            return None, None
        degrees = parts[0] + (parts[1] + parts[2] / 60) / 60
        if not math.isfinite(degrees) or not 0 <= degrees <= most:
            return None, None
        found.append(-degrees if name.startswith(negative) else degrees)
    return found[0], found[1]
