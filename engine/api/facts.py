"""What can be told of an image without learning: its format, light, sharpness and exposure."""

from __future__ import annotations

from enum import IntFlag
from fnmatch import fnmatchcase
from types import MappingProxyType


class Fact(IntFlag):
    """Facts of one image, several at once.

    BLACK_AND_WHITE: without colour.
    PANORAMA_FORMAT: one side is at least twice the other.
    PORTRAIT_FORMAT: higher than wide.
    LANDSCAPE_FORMAT: wider than high.
    SQUARE_FORMAT: its sides differ by 3 % at most.
    VERY_DARK: three quarters of it are dark.
    VERY_BRIGHT: three quarters of it are bright.
    BLURRED: no edge of it is sharp.
    SCREENSHOT: straight lines, few colours and even places, as on a screen.
    LONG_EXPOSURE: of a second or more, by its EXIF.
    NIGHT: taken in little light by its EXIF, and half of it is dark.
    """

    BLACK_AND_WHITE = 1
    PANORAMA_FORMAT = 2
    PORTRAIT_FORMAT = 4
    LANDSCAPE_FORMAT = 8
    SQUARE_FORMAT = 16
    VERY_DARK = 32
    VERY_BRIGHT = 64
    BLURRED = 128
    SCREENSHOT = 256
    LONG_EXPOSURE = 512
    NIGHT = 1024


#: Goes up whenever a photo may be measured otherwise than before: kept beside what was measured.
RULES = 1

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
        Fact.LONG_EXPOSURE: "long exposure",
        Fact.NIGHT: "night-like",
    }
)

#: By what a filter asks for each; "-" is as good as a space, and the whole name will do, too.
FACT_WORDS = MappingProxyType(
    {
        Fact.BLACK_AND_WHITE: "black-and-white",
        Fact.PANORAMA_FORMAT: "panorama",
        Fact.PORTRAIT_FORMAT: "portrait",
        Fact.LANDSCAPE_FORMAT: "landscape",
        Fact.SQUARE_FORMAT: "square",
        Fact.VERY_DARK: "very-dark",
        Fact.VERY_BRIGHT: "very-bright",
        Fact.BLURRED: "blurred",
        Fact.SCREENSHOT: "screenshot",
        Fact.LONG_EXPOSURE: "long-exposure",
        Fact.NIGHT: "night",
    }
)


def names_of(facts: Fact) -> tuple[str, ...]:
    """The names of facts, always in the same order."""
    return tuple(name for fact, name in FACT_NAMES.items() if facts & fact)


def facts_named(pattern: str) -> Fact:
    """The facts whose word or name has this form; none if there is no such fact.

    Args:
        pattern: ``*`` stands for any characters, ``?`` for one; case does not count.
    """
    wanted = pattern.strip().lower().replace(" ", "-")
    found = Fact(0)
    for fact, name in FACT_NAMES.items():
        words = (FACT_WORDS[fact], name.replace(" ", "-"))
        if any(fnmatchcase(word, wanted.replace("[", "[[]")) for word in words):
            found |= fact
    return found
