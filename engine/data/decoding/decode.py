"""One picture file to upright sRGB pixels of the wanted size; what is broken raises ImageError.

Runs in a decoding process (``engine.data.decoding.pool``): Pillow is good, but a stranger's file
may still crash or stall it. Training, tagging and the window all read pictures through here, so
a model sees in use the very pixels that it was trained on.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import stat
import warnings
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
from PIL import Image

from engine.api.config import DecodeMode
from engine.api.errors import ImageError
from engine.api.geometry import Box, content_box, fitted_size
from engine.api.passing import DISK_FAILS
from engine.api.values import DecodedImage, PixelArray, Thumbnail
from engine.data.away import is_disk_fault
from engine.data.decoding.deep_colour import load
from engine.data.decoding.faults import (
    DECODER_ERRORS,
    opening_fault,
    picture_fault,
)
from engine.data.decoding.limits import MAX_PIXELS, check_size
from engine.data.decoding.measuring import measure
from engine.data.decoding.mending.reading import read_picture
from engine.data.decoding.orientation import orientation_of, turn_beside
from engine.data.decoding.origin import origin_of
from engine.data.decoding.pixels import ToRgb, rgb_pixels
from engine.data.decoding.turning import after, orientation_beside, upright

#: ``inside`` shrinks to fit a square, ``squash`` fills it, ``letterbox`` fits it and pads.
Fit = Literal["inside", "squash", "letterbox"]

#: x, y, width and height in pixels of the picture as it is stored, before it is turned upright.
CropBox = tuple[float, float, float, float]

#: Is told, before any pixel is decoded, how many pixels will be held in memory; may wait.
Admit = Callable[[int], None]

#: Grey value that letterboxed pictures are padded with.
PADDING = 128
# Shrinking by a whole number of pixels first is fast; bilinear needs twice the size to stay sharp.
_REDUCING_GAP = 2.0
# Of smaller photos a thumbnail is decoded again as quickly as it is kept.
_LEAST_SHARED_PIXELS = 2_000_000


class _Thumbnail(NamedTuple):
    """A thumbnail that is wanted too: its side, and the file's size and time of change."""

    side: int
    file_size: int
    mtime_ns: int


class _Form(NamedTuple):
    """What is wanted of a picture."""

    side: int | None
    fit: Fit
    mode: DecodeMode
    thumbnail: _Thumbnail | None = None
    facts: bool = False


def decode(
    path: Path,
    side: int | None,
    fit: Fit = "inside",
    admit: Admit | None = None,
    crop: CropBox | None = None,
    mode: DecodeMode = "fast",
) -> DecodedImage:
    """Read a picture: the first frame, upright, over white where it is transparent, as sRGB.

    A sidecar beside it may say how it is turned (``decoding.turning``).

    Args:
        path: a regular file; a pipe or a device is refused without waiting for it.
        side: of the square to fit, in pixels; ``None`` is full size (then ``fit`` is ``inside``).
        fit: how it fits the square; only ``letterbox`` and ``squash`` enlarge.
        admit: see ``Admit``.
        crop: the part to read, as it is stored: it is not turned upright, and is black where it
            reaches beyond the picture. The size of the result is then that of the crop.
        mode: whether detail that the square cannot show may be left out early.

    Raises:
        ImageError: it cannot be read; the message says why in one sentence.
    """
    if side is None and fit != "inside":
        raise ValueError(f"{fit!r} needs a side.")

    def read(image: Image.Image) -> DecodedImage:
        form = _Form(side, fit, mode)
        if crop is None:
            return _decode(image, form, admit, orientation_beside(path))
        return _decode(_cropped(image, crop, admit), form, None)

    with open_file(path) as stream, picture_errors(stream):
        return read_picture(stream, read, partial(admit_size, admit))


def decode_with_more(
    path: Path,
    side: int,
    fit: Fit,
    thumbnail: int | None,
    admit: Admit | None = None,
    *,
    facts: bool = False,
) -> DecodedImage:
    """The very pixels that ``decode`` gives, and a thumbnail and facts of the same decoding.

    There is no thumbnail of a small photo, which is decoded as quickly as a thumbnail is kept, nor
    one larger than what was decoded. Of a JPEG it is scaled down from more detail than ``decode``
    would read for it alone; of other files it is the same to the pixel.

    Args:
        path: as for ``decode``.
        side: of the square to fit, in pixels.
        fit: how it fits the square.
        thumbnail: side of the square that the thumbnail fits, in pixels; ``None`` for none.
        admit: see ``Admit``.
        facts: whether the picture is measured (``decoding.measuring``).

    Raises:
        ImageError: it cannot be read.
    """
    with open_file(path) as stream, picture_errors(stream):
        wanted = None
        if thumbnail is not None:
            status = os.fstat(stream.fileno())
            wanted = _Thumbnail(thumbnail, status.st_size, status.st_mtime_ns)
        form = _Form(side, fit, "fast", wanted, facts)

        def read(image: Image.Image) -> DecodedImage:
            return _decode(image, form, admit, orientation_beside(path))

        return read_picture(stream, read, partial(admit_size, admit))


@contextlib.contextmanager
def picture_errors(stream: BinaryIO) -> Generator[None, None, None]:
    """Whatever goes wrong with the picture in an open file is an ``ImageError``."""
    # Pillow warns of much that is only odd, and of sizes for which we have a limit of our own.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except DECODER_ERRORS as error:
            _check_disk(stream)
            raise ImageError(picture_fault(error, stream, MAX_PIXELS)) from error
        _check_disk(stream)


def _check_disk(stream: BinaryIO) -> None:
    """Refuse what came of a file that could not be read: who reads metadata passes over that."""
    raw = getattr(stream, "raw", None)
    if isinstance(raw, _WatchedFile) and raw.has_failed:
        raise ImageError(DISK_FAILS)


class _WatchedFile(io.FileIO):
    """A file that notes whether its disk failed."""

    has_failed = False

    def readinto(self, buffer: Any) -> int:
        try:
            return super().readinto(buffer)
        except OSError as error:
            self.has_failed |= is_disk_fault(error)
            raise

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as error:
            self.has_failed |= is_disk_fault(error)
            raise


def open_file(path: Path) -> BinaryIO:
    """Open a regular file that is not empty.

    Raises:
        ImageError: it is something else, or cannot be read.
    """
    # Looked at first: whoever waits at the other end of a pipe would take it for read. Without
    # O_NONBLOCK opening one that came since waits for somebody to write into it, perhaps for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        _check_kind(path.stat().st_mode)
        descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:
        raise ImageError(opening_fault(error, path)) from error
    try:
        status = os.fstat(descriptor)
        _check_kind(status.st_mode)
        if status.st_size == 0:
            raise ImageError("The file is empty.")
        # With its name, whose ending tells a RAW from a TIFF.
        return io.BufferedReader(_WatchedFile(os.fspath(path), "rb", opener=lambda *_: descriptor))
    except BaseException:
        os.close(descriptor)
        raise


def _check_kind(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise ImageError("This is a folder, not a picture.")
    if not stat.S_ISREG(mode):
        raise ImageError("This is a pipe, socket or device, not a picture.")


def _decode(
    image: Image.Image,
    form: _Form,
    admit: Admit | None,
    beside: int | None = None,
) -> DecodedImage:
    side, fit, mode, thumbnail, facts = form
    width, height = image.size
    turn = turn_beside(image, beside)
    target = _target(width, height, side, fit)
    if mode == "fast":
        # JPEG can leave out detail while decoding, never below the size asked for.
        image.draft(None, target)
    admit_size(admit, *image.size)
    load(image)
    # After loading, which turns a TIFF upright by itself.
    orientation = after(orientation_of(image), turn)
    pixels = upright(_scaled(image, target, mode), orientation)
    small = None
    if thumbnail is not None:
        small = _small(image, (width, height), thumbnail, (orientation, beside or 0))
    if orientation >= 5:
        width, height = height, width
    content = Box.UNIT
    if fit == "letterbox" and side is not None:
        content = content_box(width, height, side, "letterbox")
        pixels = _padded(pixels, side, content)
    decoded = DecodedImage(pixels, width, height, content, small)
    return replace(decoded, facts=measure(decoded, origin_of(image))) if facts else decoded


def _small(
    image: Image.Image, size: tuple[int, int], wanted: _Thumbnail, turns: tuple[int, int]
) -> Thumbnail | None:
    """A thumbnail of a loaded picture whose own size is given, if it is worth it."""
    width, height = target = fitted_size(*size, wanted.side)
    orientation, beside = turns
    if math.prod(size) < _LEAST_SHARED_PIXELS or image.width < width or image.height < height:
        return None
    pixels = upright(_scaled(image, target, "fast"), orientation)
    return Thumbnail(pixels, wanted.side, wanted.file_size, wanted.mtime_ns, beside)


def admit_size(admit: Admit | None, width: int, height: int) -> None:
    """Refuse more pixels than the limit, and wait until so many may be held."""
    check_size(width, height)
    if admit is not None:
        admit(width * height)


def _cropped(image: Image.Image, crop: CropBox, admit: Admit | None) -> Image.Image:
    """A part of the stored picture in sRGB, with the corners rounded as Pillow rounds them."""
    x, y, width, height = crop
    left, top, right, bottom = round(x), round(y), round(x + width), round(y + height)
    if right <= left or bottom <= top:
        raise ImageError("The part of the picture that was asked for is empty.")
    check_size(*image.size)
    check_size(right - left, bottom - top)
    if admit is not None:
        admit(image.width * image.height + (right - left) * (bottom - top))
    load(image)
    # To sRGB first: beyond its edge a picture is black, whatever the first of its colours is.
    pixels = Image.fromarray(rgb_pixels(image, ToRgb.of(image), (1, 1)))
    return pixels.crop((left, top, right, bottom))


def _target(width: int, height: int, side: int | None, fit: Fit) -> tuple[int, int]:
    """The size of the scaled picture as it is stored, before it is turned and padded."""
    if side is None:
        return width, height
    if fit == "inside":
        return fitted_size(width, height, side)
    box = content_box(width, height, side, fit)
    return round(box.width * side), round(box.height * side)


def _scaled(image: Image.Image, target: tuple[int, int], mode: DecodeMode) -> PixelArray:
    factor_x, factor_y = (1, 1) if mode == "exact" else _factors(image.size, target)
    to_rgb = ToRgb.of(image)
    pixels = rgb_pixels(image, to_rgb, (factor_x, factor_y))
    if pixels.shape[1::-1] == target:
        return pixels
    small = Image.fromarray(pixels)
    # reduce() covers a part of its last pixel where the size is no multiple: leave that part out.
    box = (0.0, 0.0, image.width / factor_x, image.height / factor_y)
    return np.array(small.resize(target, Image.Resampling.BILINEAR, box=box))


def _factors(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """By how much each side may be shrunk at once."""
    x, y = (int(have / (want * _REDUCING_GAP)) for have, want in zip(size, target, strict=True))
    return max(1, x), max(1, y)


def _padded(pixels: PixelArray, side: int, content: Box) -> PixelArray:
    height, width = pixels.shape[:2]
    left, top = round(content.left * side), round(content.top * side)
    square = np.full((side, side, 3), PADDING, dtype=np.uint8)
    square[top : top + height, left : left + width] = pixels
    return square
