"""Facts of a picture, from the pixels that a model gets to see and from how it was taken.

The thresholds were set on real photos; ``benchmarks/measured_facts.py`` shows what they name.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api.facts import Fact
from engine.api.values import DecodedImage, PixelArray
from engine.data.decoding.origin import Origin

_Short = NDArray[np.int16]

#: The longer side by the shorter one: from here on a panorama, up to here a square.
_PANORAMA, _SQUARE = 2.0, 1.03
#: Of a picture without colours, red and blue differ from green by so much in all but a hundredth.
_GREY = 6
#: Three quarters of a very dark picture are at most this bright; of a very bright one at least.
_DARK, _BRIGHT = 40, 200
#: What share of a strong edge, so many pixels wide, the steepest single pixel makes up.
_BLURRED, _EDGE, _ENLARGED = 0.30, 8, 0.8
_LEAST_CONTRAST, _FEW_EDGES, _MANY_EDGES = 24, 25, 1000
#: Of a screenshot: straight lines in both directions, few colours, some perfectly even places.
_LINES, _LINE_SHARE, _LINE_STEP = 5, 0.3, 4
_COLORS, _EVEN = 0.4, 0.1
#: Seconds from which on an exposure is long. At night there is at most so little light (EV at
#: ISO 100), and half of the picture is at most so bright: a grey filter darkens a day as much.
_LONG_S, _NIGHT_EV, _NIGHT_LUMA = 1.0, 2.0, 64
#: Pixels of usual screens, the longer side first.
_SCREENS = frozenset(
    {
        *((1280, 720), (1280, 800), (1366, 768), (1440, 900), (1600, 900), (1680, 1050)),
        *((1920, 1080), (1920, 1200), (2256, 1504), (2560, 1080), (2560, 1440), (2560, 1600)),
        *((2736, 1824), (2880, 1800), (2880, 1920), (3000, 2000), (3024, 1964), (3072, 1920)),
        *((3440, 1440), (3456, 2234), (3840, 2160), (3840, 2400), (5120, 2880)),
        *((1136, 640), (1334, 750), (1792, 828), (2160, 1080), (2220, 1080), (2280, 1080)),
        *((2340, 1080), (2400, 1080), (2436, 1125), (2532, 1170), (2556, 1179), (2622, 1206)),
        *((2688, 1242), (2778, 1284), (2796, 1290), (2868, 1320), (2960, 1440), (3040, 1440)),
        *((3088, 1440), (3120, 1440), (3200, 1440), (2048, 1536), (2160, 1620), (2224, 1668)),
        *((2360, 1640), (2388, 1668), (2732, 2048)),
    }
)
#: Rows and columns that are looked at: every fourth says nearly as much as all of them.
_APART = 4
#: Of what is smaller only the format can be told.
_LEAST_SIDE = 64


def measure(image: DecodedImage, origin: Origin) -> Fact:
    """All facts of a picture; padding does not count.

    Args:
        image: of any size. Blur is judged at that size: a large photo that is a little soft is
            sharp where it is shown small.
        origin: what its file says beside the pixels.
    """
    facts = _format(image.width, image.height)
    if origin.exposure_s is not None and origin.exposure_s >= _LONG_S:
        facts |= Fact.LONG_EXPOSURE
    pixels = _content(image)
    if min(pixels.shape[:2]) < _LEAST_SIDE:
        return facts
    red, green, blue = pixels[::_APART, ::_APART].astype(np.int32).transpose(2, 0, 1)
    if _at_share(np.maximum(abs(red - green), abs(blue - green)), 0.99) <= _GREY:
        facts |= Fact.BLACK_AND_WHITE
    luma = (77 * red + 150 * green + 29 * blue) >> 8
    if _at_share(luma, 0.75) <= _DARK:
        facts |= Fact.VERY_DARK
    if _at_share(luma, 0.25) >= _BRIGHT:
        facts |= Fact.VERY_BRIGHT
    light = origin.exposure_value
    if light is not None and light <= _NIGHT_EV and _at_share(luma, 0.5) <= _NIGHT_LUMA:
        facts |= Fact.NIGHT
    if _may_be_a_screenshot(image, origin) and _is_like_a_screenshot(pixels):
        return facts | Fact.SCREENSHOT
    height, width = pixels.shape[:2]
    is_enlarged = image.width < _ENLARGED * width or image.height < _ENLARGED * height
    # What is shown larger than it is looks soft, however sharp it is.
    return facts | Fact.BLURRED if not is_enlarged and _is_blurred(pixels) else facts


def _format(width: int, height: int) -> Fact:
    ratio = max(width, height) / max(min(width, height), 1)
    if ratio >= _PANORAMA:
        return Fact.PANORAMA_FORMAT
    if ratio <= _SQUARE:
        return Fact.SQUARE_FORMAT
    return Fact.LANDSCAPE_FORMAT if width > height else Fact.PORTRAIT_FORMAT


def _content(image: DecodedImage) -> PixelArray:
    height, width = image.pixels.shape[:2]
    box = image.content
    left, top = round(box.left * width), round(box.top * height)
    right, bottom = left + round(box.width * width), top + round(box.height * height)
    return image.pixels[top:bottom, left:right]


def _at_share(values: NDArray[Any], share: float) -> int:
    """The least value that such a share of values from 0 to 255 does not exceed."""
    counts = np.bincount(values.ravel(), minlength=256).cumsum()
    return int(np.searchsorted(counts, share * values.size))


def _is_blurred(pixels: PixelArray) -> bool:
    green = pixels[..., 1]
    rows, columns = green[::_EDGE], green[:, ::_EDGE].T
    found = max(_sharpness(part.astype(np.int16)) for part in (rows, columns))
    # Where there is no edge nobody can tell: a clear sky, a white wall.
    return 0.0 < found <= _BLURRED


def _sharpness(values: _Short) -> float:
    """How steep the steepest tenth of strong edges is along rows, in (0, 1]; 0 without edges."""
    across = np.abs(values[:, _EDGE:] - values[:, :-_EDGE])
    rows, columns = np.nonzero(across >= max(_at_share(across, 0.99), _LEAST_CONTRAST))
    if len(rows) < _FEW_EDGES:
        return 0.0
    step = len(rows) // _MANY_EDGES + 1
    rows, columns = rows[::step, None], columns[::step, None] + np.arange(_EDGE + 1)
    steepest = np.abs(np.diff(values[rows, columns], axis=1)).max(axis=1)
    return float(np.percentile(steepest / across[rows[:, 0], columns[:, 0]], 90))


def _may_be_a_screenshot(image: DecodedImage, origin: Origin) -> bool:
    """Whether what is known beside the pixels speaks for it: photos may be flat and lined, too."""
    longer, shorter = max(image.width, image.height), min(image.width, image.height)
    return not origin.has_camera and (origin.is_exact or (longer, shorter) in _SCREENS)


def _is_like_a_screenshot(pixels: PixelArray) -> bool:
    here, above = pixels[1::_APART, :, 1].copy(), pixels[:-1:_APART, :, 1].copy()
    even = (here[:, 1:] == here[:, :-1]) & (here[:, 1:] == above[: len(here), 1:])
    if np.count_nonzero(even) < _EVEN * even.size:  # most photos end here
        return False
    red, green, blue = pixels[::_APART, ::_APART].astype(np.int32).transpose(2, 0, 1)
    if len(np.unique((red << 16) | (green << 8) | blue)) > _COLORS * red.size:
        return False
    values = pixels[..., 1].astype(np.int16)
    parts = values, np.ascontiguousarray(values.T)
    return all(_lines(part) >= _LINES for part in parts)


def _lines(values: _Short) -> int:
    """In how many rows much of the picture differs by exactly the same from the row above."""
    change = np.diff(values, axis=0)
    same = (change[:, 1:] == change[:, :-1]) & (np.abs(change[:, 1:]) >= _LINE_STEP)
    return int(np.count_nonzero(same.mean(axis=1) >= _LINE_SHARE))
