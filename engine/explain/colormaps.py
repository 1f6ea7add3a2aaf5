"""Colour scales for maps: perceptually even ones from files, and a diverging one, computed."""

from __future__ import annotations

from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.api.values import PixelArray
from engine.resources import resource_path

LEVELS = 256

#: Ends and middle of the diverging scale, sRGB.
_DIVERGING_ANCHORS = ((0x20, 0x5F, 0xC4), (0xEE, 0xEE, 0xEE), (0xB8, 0x16, 0x2A))

#: Four categories at once, told apart with any colour vision (Okabe and Ito, 2008): vermillion,
#: sky blue, yellow, bluish green. (4, 3) sRGB.
CATEGORY_COLORS: PixelArray = np.array(
    [[0xD5, 0x5E, 0x00], [0x56, 0xB4, 0xE9], [0xF0, 0xE4, 0x42], [0x00, 0x9E, 0x73]], dtype=np.uint8
)
CATEGORY_COLORS.setflags(write=False)

# Oklab (Björn Ottosson, 2020): steps of equal length look equally large.
_RGB_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LMS_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


class ColorMapName(StrEnum):
    """The colour scales that a map can be drawn in."""

    INFERNO = "inferno"
    MAGMA = "magma"
    VIRIDIS = "viridis"
    CIVIDIS = "cividis"
    TURBO = "turbo"
    #: Offered because older pictures have it; never a default (Borland and Taylor, 2007).
    JET = "jet"
    DIVERGING = "diverging"

    @property
    def caption(self) -> str:
        """The name for people."""
        return {"diverging": "Blue–red (signed)"}.get(self.value, self.value.capitalize())


@cache
def lookup_table(name: ColorMapName) -> PixelArray:
    """The colours of a scale from low to high: (256, 3) uint8 sRGB, read-only."""
    if name is ColorMapName.DIVERGING:
        table = _diverging()
    elif name is ColorMapName.JET:
        table = _jet()
    else:
        text = resource_path("colormaps", f"{name.value}.txt").read_text(encoding="ascii")
        table = np.frombuffer(bytes.fromhex(text), dtype=np.uint8).reshape(LEVELS, 3).copy()
    table.setflags(write=False)
    return table


def _jet() -> PixelArray:
    """Dark blue, blue, cyan, yellow, red, dark red, in straight lines between them."""
    at = np.linspace(0.0, 1.0, LEVELS)[:, None]
    rgb = np.clip(1.5 - np.abs(4.0 * at - np.array([3.0, 2.0, 1.0])), 0.0, 1.0)
    colors: PixelArray = np.rint(rgb * 255.0).astype(np.uint8)
    return colors


def _diverging() -> PixelArray:
    low, middle, high = (_to_oklab(np.array(rgb) / 255.0) for rgb in _DIVERGING_ANCHORS)
    at = np.linspace(-1.0, 1.0, LEVELS)[:, None]
    ends = np.where(at < 0, low, high)
    rgb = _from_oklab(middle + (ends - middle) * np.abs(at))
    colors: PixelArray = np.rint(np.clip(rgb, 0.0, 1.0) * 255.0).astype(np.uint8)
    return colors


def _to_oklab(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lab: NDArray[np.float64] = np.cbrt(linear @ _RGB_TO_LMS.T) @ _LMS_TO_LAB.T
    return lab


def _from_oklab(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    lms = (lab @ np.linalg.inv(_LMS_TO_LAB).T) ** 3
    linear = np.clip(lms @ np.linalg.inv(_RGB_TO_LMS).T, 0.0, 1.0)
    srgb: NDArray[np.float64] = np.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    return srgb
