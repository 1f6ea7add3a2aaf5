"""What a camera wrote into a picture about itself and the moment; EXIF 2.3 by way of Pillow."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from PIL import Image

from engine.data.decoding.faults import METADATA_ERRORS

_MAKE, _MODEL, _DATE, _EXIF = 0x010F, 0x0110, 0x0132, 0x8769
_DATE_TAKEN = 0x9003
_MOST_CHARACTERS = 100


class CameraNote(NamedTuple):
    """Empty where nothing is written, or nothing that makes sense.

    Attributes:
        camera: maker and model, without what is said twice; may hold any characters.
        taken: by the camera's clock, as ISO 8601 without a zone: "2024-05-01T12:30:00".
    """

    camera: str = ""
    taken: str = ""


def camera_note(image: Image.Image) -> CameraNote:
    """Read it from an open picture; what is broken counts as not there."""
    try:
        tags = image.getexif()
        make, model, changed = (_text(tags.get(tag)) for tag in (_MAKE, _MODEL, _DATE))
        taken = _text(tags.get_ifd(_EXIF).get(_DATE_TAKEN))
    except METADATA_ERRORS:
        return CameraNote()
    says_make = _brand(make) in ("", _brand(model))
    return CameraNote(model if says_make else f"{make} {model}".strip(), _iso(taken or changed))


def _brand(name: str) -> str:
    return name.partition(" ")[0].casefold()


def _text(value: object) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return text.partition("\0")[0].strip()[:_MOST_CHARACTERS] if isinstance(text, str) else ""


def _iso(text: str) -> str:
    try:
        return datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S").isoformat()
    except ValueError:
        return ""
