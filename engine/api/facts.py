"""What can be measured of an image without learning: its format, its light, its sharpness."""

from __future__ import annotations

from enum import IntFlag
from types import MappingProxyType


class Fact(IntFlag):
    """Facts of one image, several at once."""

    BLACK_AND_WHITE = 1
    PANORAMA_FORMAT = 2
    PORTRAIT_FORMAT = 4
    LANDSCAPE_FORMAT = 8
    SQUARE_FORMAT = 16
    VERY_DARK = 32
    VERY_BRIGHT = 64
    BLURRED = 128
    SCREENSHOT = 256


#: What each is called; none is a thing that photos show: "portrait" alone would be somebody's face.
FACT_NAMES = MappingProxyType(
    {
        Fact.BLACK_AND_WHITE: "black and white",
        Fact.PANORAMA_FORMAT: "panorama format",
        Fact.PORTRAIT_FORMAT: "portrait format",
        Fact.LANDSCAPE_FORMAT: "landscape format",
        Fact.SQUARE_FORMAT: "square format",
        Fact.VERY_DARK: "very dark",
        Fact.VERY_BRIGHT: "very bright",
        Fact.BLURRED: "blurred",
        Fact.SCREENSHOT: "screenshot-like",
    }
)


def names_of(facts: Fact) -> tuple[str, ...]:
    """The names of facts, always in the same order."""
    return tuple(name for fact, name in FACT_NAMES.items() if facts & fact)
