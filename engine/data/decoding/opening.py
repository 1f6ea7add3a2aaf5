"""An open file to an image that is not decoded yet, by the reader that its content needs."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from engine.api.errors import ImageError
from engine.data.decoding.heif import is_heif, open_heif
from engine.data.decoding.jxl import is_jxl, open_jxl
from engine.data.decoding.raw import is_raw, open_raw

#: MPO (several pictures in a JPEG) is not named: Pillow opens it as JPEG, and fails on the name.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "DIB", "TIFF", "AVIF")
# Enough for the brands of a HEIC and the first directory of a RAW.
_PROBE_BYTES = 4096


def open_image(stream: BinaryIO) -> Image.Image:
    """Read what a picture says of itself; ``load`` decodes it, ``orientation_of`` turns it upright.

    Of a RAW it is the preview that the camera made, if it is large enough.

    Raises:
        ImageError: a package that reads such files is missing.
        Exception: one of ``faults.DECODER_ERRORS``, if it is no picture or a broken one.
    """
    head = stream.read(_PROBE_BYTES)
    stream.seek(0)
    if is_heif(head):
        return open_heif(stream)
    if is_jxl(head):
        return open_jxl(stream)
    if is_raw(head, _suffix(stream)):
        image = open_raw(stream)
        if image is not None:
            return image
        stream.seek(0)
        return _open_misnamed(stream)
    return Image.open(stream, formats=FORMATS)


def _open_misnamed(stream: BinaryIO) -> Image.Image:
    """What has a RAW's name or beginning but is none: perhaps a plain TIFF."""
    try:
        return Image.open(stream, formats=("TIFF",))
    except UnidentifiedImageError as error:
        message = "The file is damaged, or a kind of RAW photo that is not supported."
        raise ImageError(message) from error


def _suffix(stream: BinaryIO) -> str:
    """The ending of an open file's name, with its dot and in lower case; "" if it has none."""
    name = getattr(stream, "name", None)
    return PurePath(os.fsdecode(name)).suffix.lower() if isinstance(name, str | bytes) else ""
