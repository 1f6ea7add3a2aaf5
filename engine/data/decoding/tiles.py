"""Parts of a picture in its own pixels; the whole stays decoded for a while, for the next part."""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data.decoding.decode import (
    Admit,
    admit_size,
    open_file,
    picture_errors,
)
from engine.data.decoding.deep_colour import load
from engine.data.decoding.mending.reading import read_picture
from engine.data.decoding.orientation import orientation_of, turn_beside
from engine.data.decoding.pixels import ToRgb, rgb_pixels
from engine.data.decoding.turning import after, orientation_beside

#: So many pixels stay decoded, two large photos to compare; a larger picture stays alone.
KEPT_PIXELS = 128_000_000

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Their decoders keep whole pictures of their own for as long as the image lives.
_HEAVY_FORMATS = frozenset({"WEBP", "AVIF", "GIF"})


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture; edges in pixels of the whole, upright, in full size.

    Attributes:
        left: the first column.
        top: the first row.
        right: the column behind the last one.
        bottom: the row behind the last one.
        reduction: so many pixels, each way, become one. The edges are multiples of it, unless
            they are those of the picture.
    """

    left: int
    top: int
    right: int
    bottom: int
    reduction: int = 1


@dataclass(frozen=True, eq=False)
class _Picture:
    """A decoded picture as it is stored, not yet turned upright.

    Attributes:
        image: loaded; smaller than the file's picture by ``scale``.
        to_rgb: its way to sRGB.
        orientation: as EXIF counts.
        scale: so many pixels of the file, each way, were decoded to one.
    """

    image: Image.Image
    to_rgb: ToRgb
    orientation: int
    scale: int

    def part(self, tile: Tile) -> DecodedImage:
        """The pixels of a tile, those of the whole picture cut out.

        Raises:
            ImageError: the tile is beside the picture.
        """
        width, height = (side * self.scale for side in self.image.size)
        if self.orientation >= 5:
            width, height = height, width
        left, right = max(tile.left, 0), min(tile.right, width)
        top, bottom = max(tile.top, 0), min(tile.bottom, height)
        if right <= left or bottom <= top:
            raise ImageError("The photo has another size now.")
        if self.orientation in (3, 4, 7, 8):
            top, bottom = height - bottom, height - top
        if self.orientation in (2, 3, 6, 7):
            left, right = width - right, width - left
        if self.orientation >= 5:
            left, top, right, bottom = top, left, bottom, right
        scale = self.scale
        box = left // scale, top // scale, -(-right // scale), -(-bottom // scale)
        part = self.image.crop(box)
        # Upright before it shrinks: a rest that fills no pixel is at the right and below then too.
        if self.orientation in _TURNS:
            part = part.transpose(_TURNS[self.orientation])
        factor = max(1, tile.reduction // scale)
        return DecodedImage(rgb_pixels(part, self.to_rgb, (factor, factor)), width, height)


class TileDecoder:
    """Decodes tiles and keeps the pictures that they are of.

    Args:
        kept_pixels: the most that is kept, of all pictures together.
    """

    def __init__(self, kept_pixels: int = KEPT_PIXELS) -> None:
        self._kept_pixels = kept_pixels
        self._pictures: OrderedDict[tuple[object, ...], _Picture] = OrderedDict()

    @property
    def is_keeping(self) -> bool:
        """Whether a picture is kept."""
        return bool(self._pictures)

    def forget(self) -> None:
        """Free what is kept."""
        self._pictures.clear()

    def decode(self, path: Path, tile: Tile, admit: Admit | None = None) -> DecodedImage:
        """Read a tile: upright, over white where it is transparent, as sRGB.

        Args:
            path: of a picture.
            tile: what to read; what reaches beyond the picture is left out.
            admit: is told how many pixels will be held; may wait.

        Raises:
            ImageError: it cannot be read; the message says why in one sentence.
        """
        with open_file(path) as stream, picture_errors(stream):
            status = os.fstat(stream.fileno())
            beside = orientation_beside(path)
            file = (path, status.st_ino, status.st_size, status.st_mtime_ns, beside)
            picture = self._kept(file, tile.reduction)
            if picture is None:
                picture = self._load(stream, tile.reduction, admit, beside)
                self._pictures[*file, picture.scale] = picture
            return picture.part(tile)

    def _kept(self, file: tuple[object, ...], reduction: int) -> _Picture | None:
        for key, picture in self._pictures.items():
            if key[:-1] == file and reduction % picture.scale == 0:
                self._pictures.move_to_end(key)
                return picture
        return None

    def _load(
        self, stream: BinaryIO, reduction: int, admit: Admit | None, beside: int | None
    ) -> _Picture:
        def read(image: Image.Image) -> _Picture:
            width, turn = image.width, turn_beside(image, beside)
            # JPEG can leave out detail while decoding; what is left over fits no grid of pixels.
            if width % reduction == 0 and image.height % reduction == 0:
                image.draft(None, (width // reduction, image.height // reduction))
            scale = width // image.width
            self._make_room(image.width * image.height)
            admit_size(admit, *image.size)
            load(image)
            # After loading: a TIFF turns itself upright.
            orientation = after(orientation_of(image), turn)
            to_rgb = ToRgb.of(image)
            kept = image.copy() if image.format in _HEAVY_FORMATS else image
            return _Picture(kept, to_rgb, orientation, scale)

        return read_picture(stream, read, partial(admit_size, admit))

    def _make_room(self, pixels: int) -> None:
        sizes = [picture.image.width * picture.image.height for picture in self._pictures.values()]
        while self._pictures and pixels + sum(sizes) > self._kept_pixels:
            self._pictures.popitem(last=False)
            del sizes[0]
