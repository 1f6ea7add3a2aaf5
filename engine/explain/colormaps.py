"""Colour scales for maps: perceptually even ones from files, and a diverging one, computed."""

from __future__ import annotations

from enum import StrEnum
from functools import cache

import numpy as np

from engine.api.values import PixelArray
from engine.explain.oklab import from_oklab, to_oklab
from engine.resources import resource_path

LEVELS = 256

#: Ends and middle of the diverging scale, sRGB.
_DIVERGING_ANCHORS = ((0x20, 0x5F, 0xC4), (0xEE, 0xEE, 0xEE), (0xB8, 0x16, 0x2A))


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
    low, middle, high = (to_oklab(np.array(rgb) / 255.0) for rgb in _DIVERGING_ANCHORS)
    at = np.linspace(-1.0, 1.0, LEVELS)[:, None]
    ends = np.where(at < 0, low, high)
    rgb = from_oklab(middle + (ends - middle) * np.abs(at))
    colors: PixelArray = np.rint(np.clip(rgb, 0.0, 1.0) * 255.0).astype(np.uint8)
    return colors
