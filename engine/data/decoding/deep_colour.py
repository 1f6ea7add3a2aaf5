"""Colours of 16 bits whose values use only the lower bits, as of cameras with 12: not black.

Pillow keeps the upper eight bits of such colours. Where those are nearly empty the file is read
once more for the lower eight, by taking its byte order for the other one.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import IO

import numpy as np
from PIL import Image, ImageFile

from engine.api.values import FloatArray, PixelArray
from engine.data.decoding.faults import DECODER_ERRORS

#: What a picture of plain numbers calls white: the smallest of these that none exceeds.
USUAL_WHITES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0, 4294967295.0)

# Numbers from 0 to 1 may go beyond: a light in a photo, brighter than white.
_OVEREXPOSED = 32
# Upper bytes below this leave two bits or more unused.
_DARK = 64
_ROWS_AT_ONCE = 256
# Not CMYK: little ink is no dark photo.
_MODES = ("RGB", "RGBA", "RGBX")
_OTHER_ORDER = {
    **{f"{mode};16B": f"{mode};16L" for mode in _MODES},
    **{f"{mode};16L": f"{mode};16B" for mode in _MODES},
    **{f"{mode};16N": f"{mode};16B" for mode in _MODES},
}


def usual_white(highest: float) -> float | None:
    """What is white in a picture of numbers from 0 on; ``None`` if it is none of the usual."""
    if 1 < highest < _OVEREXPOSED:
        return highest
    return next((white for white in USUAL_WHITES if highest <= white), None)


def load(image: Image.Image) -> None:
    """Decode an opened image; colours of 16 bits that use few of them become as bright as meant."""
    source = image.fp if isinstance(image, ImageFile.ImageFile) else None
    tiles = list(image.tile) if isinstance(image, ImageFile.ImageFile) else []
    depth = _raw_mode(tiles)
    image.load()
    if ";16" not in depth or image.mode not in ("RGB", "RGBA", "LA") or source is None:
        return
    colours = len(image.getbands()) - (image.mode in ("RGBA", "LA"))
    if _highest(image, range(colours)) < _DARK:
        low = _lower_bytes(source, image, tiles)
        is_seen = _brighten(image, low, range(colours))
        if is_seen and image.mode in ("RGBA", "LA") and _highest(image, [colours]) < _DARK:
            _brighten(image, low, [colours])


def _raw_mode(tiles: Sequence[ImageFile._Tile]) -> str:
    args = tiles[0].args if tiles else ""
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _highest(image: Image.Image, bands: Sequence[int]) -> float:
    return max(float(image.getchannel(band).getextrema()[1]) for band in bands)  # type: ignore[arg-type]


def _lower_bytes(
    source: IO[bytes], image: Image.Image, tiles: Sequence[ImageFile._Tile]
) -> Image.Image | None:
    """The lower halves of all values; ``None`` where Pillow has no way to them."""
    other = _OTHER_ORDER.get(_raw_mode(tiles))
    if other is None or not image.format:
        return None
    try:
        low = Image.open(source, formats=(image.format,))
        page = image.tell()
        if page:
            low.seek(page)
        low.tile = [tile._replace(args=_with_mode(tile.args, other)) for tile in low.tile]
        low.load()
    except DECODER_ERRORS:
        return None
    return low if (low.size, low.mode) == (image.size, image.mode) else None


def _with_mode(args: object, mode: str) -> tuple[object, ...] | str:
    return (mode, *args[1:]) if isinstance(args, tuple) else mode


def _brighten(image: Image.Image, low: Image.Image | None, bands: Sequence[int]) -> bool:
    """Make the most of the values; whether there are any but 0."""
    highest = max(float(values.max()) for _, values in _values(image, low, bands))
    if not highest:
        return False
    white = max(usual_white(highest) or USUAL_WHITES[-1], 255.0)
    for top, values in _values(image, low, bands):
        part = image.crop((0, top, image.width, top + len(values)))
        channels = list(part.split())
        bright: PixelArray = np.rint(values * (255.0 / white)).clip(0, 255).astype(np.uint8)
        for place, band in enumerate(bands):
            channels[band] = Image.fromarray(bright[..., place])
        image.paste(Image.merge(image.mode, channels), (0, top))
    return True


def _values(
    image: Image.Image, low: Image.Image | None, bands: Sequence[int]
) -> Generator[tuple[int, FloatArray], None, None]:
    """Some rows after the others, of some bands: (rows, width, bands), 0 to 65535."""
    for top in range(0, image.height, _ROWS_AT_ONCE):
        box = (0, top, image.width, min(top + _ROWS_AT_ONCE, image.height))
        values = np.asarray(image.crop(box))[..., list(bands)].astype(np.float32) * 256
        if low is not None:
            values += np.asarray(low.crop(box))[..., list(bands)]
        else:
            values += values / 256
        yield top, values
