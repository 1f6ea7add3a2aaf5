"""How a photo is turned by what a sidecar says, which goes before what the photo says itself.

So digiKam, darktable and Lightroom take ``tiff:Orientation`` of a sidecar: it stands in place of
the orientation of EXIF, 1 to 8, and is not added to it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from functools import cache
from pathlib import Path
from xml.parsers import expat

import numpy as np

from engine.api.values import PixelArray
from engine.data.sidecar_names import sidecars_of

RIGHT, LEFT, HALF = 6, 8, 3
_MOST_BYTES = 4 << 20
_TAG = "http://ns.adobe.com/tiff/1.0/ Orientation"
_MOST_DIGITS = 8


def orientation_beside(photo: Path) -> int | None:
    """What the first sidecar that says so has as orientation, 1 to 8; ``None`` if none does.

    What is broken, hostile or cannot be read says nothing.
    """
    with contextlib.suppress(OSError, ValueError):
        for path in sidecars_of(photo):
            found = _orientation_in(path)
            if found is not None:
                return found
    return None


def _orientation_in(path: Path) -> int | None:
    # Opening one that is a pipe would wait for whoever writes into it.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with contextlib.suppress(OSError), os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode) and 0 < status.st_size <= _MOST_BYTES:
            return _Reader().orientation(file.read(_MOST_BYTES))
    return None


class _Reader:
    """Finds one field of a packet, as an attribute or as an element."""

    def __init__(self) -> None:
        self._found = ""
        self._is_inside = False

    def orientation(self, data: bytes) -> int | None:
        """What the field says, if it makes sense."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse  # whose entities might grow without end
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._read
        try:
            parser.Parse(data, True)
        except (expat.ExpatError, ValueError):
            return None
        text = self._found.strip()
        return int(text) if text in tuple("12345678") else None

    def _refuse(self, *_: object) -> None:
        raise ValueError("a packet has no document type")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._is_inside = name == _TAG and not self._found
        if not self._found:
            self._found = attributes.get(_TAG, "")

    def _end(self, _name: str) -> None:
        self._is_inside = False

    def _read(self, text: str) -> None:
        if self._is_inside and len(self._found) < _MOST_DIGITS:
            self._found += text


def upright(pixels: PixelArray, orientation: int) -> PixelArray:
    """Undo an EXIF orientation (TIFF 6.0, tag 274)."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


@cache
def after(first: int, second: int) -> int:
    """The orientation that does what two do, one after the other; ``RIGHT`` and ``LEFT`` turn."""
    return _same_as(upright(upright(_probe(), first), second))


@cache
def between(stated: int, wanted: int) -> int:
    """The orientation that is still to be undone in pixels in which another one has been."""
    known = upright(_probe(), stated)
    goal = upright(_probe(), wanted)
    return next(code for code in range(1, 9) if np.array_equal(upright(known, code), goal))


def _same_as(turned: PixelArray) -> int:
    codes = range(1, 9)
    return next(code for code in codes if np.array_equal(upright(_probe(), code), turned))


def _probe() -> PixelArray:
    return np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
