"""TIFF pictures of numbers that Pillow does not know: floats in colour, of 16 or 64 bits, and such.

Only what Pillow refuses comes here. ``tifffile`` reads it, if it is not compressed or deflated.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.api.values import PixelArray
from engine.data.decoding.deep_colour import usual_white

_ORIENTATION_TAG = 0x0112
_MOST_CHANNELS = 32
# Of a whole number that is a colour; what claims more is damaged as a rule.
_MOST_BYTES = 2
_ROWS_AT_ONCE = 256
# Photometric interpretations: grey where 0 is white, grey where 0 is black, RGB.
_WHITE_IS_ZERO = 0
_UNDERSTOOD = frozenset({_WHITE_IS_ZERO, 1, 2})
_SEPARATE_PLANES = 2


def open_odd_tiff(stream: BinaryIO, admit: Callable[[int, int], None]) -> Image.Image:
    """The first page of a TIFF, decoded, with eight bits per channel and its orientation.

    Args:
        stream: can seek.
        admit: is told the size before anything is decoded; may refuse it.

    Raises:
        ValueError: it is of a kind that is not understood, or broken.
        ImportError: tifffile is not there.
    """
    import tifffile  # noqa: PLC0415 - a quarter of a second, for what hardly anybody has

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # a broken file is no fault of ours
    stream.seek(0)
    try:
        with tifffile.TiffFile(stream) as file:
            page = file.pages.first
            if page.photometric not in _UNDERSTOOD or page.samplesperpixel > _MOST_CHANNELS:
                raise ValueError("an odd TIFF")
            admit(page.imagewidth * page.samplesperpixel, page.imagelength)
            values = page.asarray(maxworkers=1)
            if page.planarconfig == _SEPARATE_PLANES and values.ndim == 3:
                values = np.moveaxis(values, 0, -1)
            has_alpha = bool(page.extrasamples) and page.extrasamples[0] in (1, 2)
            tag = page.tags.get(_ORIENTATION_TAG)
            is_negative = page.photometric == _WHITE_IS_ZERO
    except (Image.DecompressionBombError, MemoryError):
        raise
    except Exception as error:  # tifffile promises none of what it raises
        raise ValueError("an odd TIFF") from error
    image = _image(values, has_alpha=has_alpha, is_negative=is_negative)
    if tag is not None:
        image.getexif()[_ORIENTATION_TAG] = tag.value
    return image


def _image(values: NDArray[np.generic], *, has_alpha: bool, is_negative: bool) -> Image.Image:
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.dtype.kind not in "uifb" or not values.size:
        raise ValueError("no picture")
    colours = 3 if values.shape[2] >= 3 else 1
    if colours == 3 and values.dtype.kind in "ui" and values.dtype.itemsize > _MOST_BYTES:
        raise ValueError("colours of more bits than any camera has")
    channels = colours + (has_alpha and values.shape[2] > colours)
    eight = _eight_bits(values[..., :channels], colours)
    if is_negative:
        eight[..., :colours] = 255 - eight[..., :colours]
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    return Image.merge(mode, [Image.fromarray(eight[..., c]) for c in range(channels)])


def _eight_bits(values: NDArray[np.generic], colours: int) -> PixelArray:
    out = np.empty(values.shape, np.uint8)
    ranges = [_range(values[..., :colours]), _range(values[..., colours:])]
    for top in range(0, len(values), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        for part, (black, white) in zip(
            (slice(colours), slice(colours, None)), ranges, strict=True
        ):
            scaled = (values[rows, :, part].astype(np.float64) - black) * (255 / (white - black))
            finite = np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0)
            out[rows, :, part] = np.rint(finite.clip(0, 255))
    return out


def _range(values: NDArray[np.generic]) -> tuple[float, float]:
    """What is shown black and white."""
    low, high = np.inf, -np.inf
    for top in range(0, len(values), _ROWS_AT_ONCE):
        rows = values[top : top + _ROWS_AT_ONCE].astype(np.float64)
        rows = rows[np.isfinite(rows)]
        if rows.size:
            low, high = min(low, float(rows.min())), max(high, float(rows.max()))
    white = usual_white(high)
    if low >= 0 and white is not None:
        return 0.0, white
    return (low, high) if low < high else (0.0, 1.0)
