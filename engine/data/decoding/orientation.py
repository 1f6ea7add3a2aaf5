"""How an image is to be turned upright, where its reader knows better than its EXIF."""

from __future__ import annotations

import contextlib

from PIL import Image

from engine.data.decoding.faults import METADATA_ERRORS

#: Of EXIF.
ORIENTATION_TAG = 0x0112


def set_orientation(image: Image.Image, orientation: int) -> None:
    """Note how an open image is to be turned, 1 to 8, whatever its EXIF says, even a broken one."""
    with contextlib.suppress(*METADATA_ERRORS):
        image.getexif()  # reads it; what is broken is not read again
    image.getexif()[ORIENTATION_TAG] = orientation
