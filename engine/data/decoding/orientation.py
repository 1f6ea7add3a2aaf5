"""How an image is to be turned upright, where its reader knows better than its EXIF."""

from __future__ import annotations

import contextlib

from PIL import Image

from engine.data.decoding.faults import METADATA_ERRORS
from engine.data.decoding.turning import between

#: Of EXIF.
ORIENTATION_TAG = 0x0112
#: In ``info``: what the file says, where its reader has turned it or will, by rules of its own.
_STATED = "stated_orientation"


def note_stated(image: Image.Image, orientation: int) -> None:
    """Note what other programs take for the orientation of an open image, 1 to 8."""
    image.info[_STATED] = orientation


def turn_beside(image: Image.Image, beside: int | None) -> int:
    """How an image is to be turned further, once it is upright by what it says itself.

    Args:
        image: open, not loaded yet.
        beside: the orientation that a sidecar has for it; 1 is the answer without one.
    """
    if beside is None:
        return 1
    stated = image.info.get(_STATED)
    return between(stated if isinstance(stated, int) else orientation_of(image), beside)


def set_orientation(image: Image.Image, orientation: int) -> None:
    """Note how an open image is to be turned, 1 to 8, whatever its EXIF says, even a broken one."""
    with contextlib.suppress(*METADATA_ERRORS):
        image.getexif()  # reads it; what is broken is not read again
    image.getexif()[ORIENTATION_TAG] = orientation


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8, of whatever type it is; a broken or illegal one is 1."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
        if isinstance(value, tuple | list):
            value = value[0]
        if isinstance(value, bytes):
            value = value[0] if len(value) == 1 else value.strip(b" \0").decode("ascii")
        orientation = float(value)  # a number of any kind, or its digits
    except METADATA_ERRORS:
        return 1
    return int(orientation) if orientation in range(1, 9) else 1
