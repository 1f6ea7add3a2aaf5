"""Text from files, made safe to show: paths that are not UTF-8, control and direction marks."""

from __future__ import annotations

import os
import unicodedata
from pathlib import PurePath

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def display_text(text: str) -> str:
    """The text on one line, with nothing in it that hides, reorders or breaks what is shown.

    Bytes that are not UTF-8, control characters and text-direction overrides become visible
    replacement marks. Joiners stay: emoji and several scripts need them.
    """
    return "".join(_visible(c) for c in text)


def display_path(path: str | os.PathLike[str]) -> str:
    """The whole path, safe to show."""
    return display_text(os.fspath(path))


def display_name(path: PurePath) -> str:
    """The last part of the path, safe to show."""
    return display_text(path.name or os.fspath(path))


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cf" and character in "\u200c\u200d":
        return character
    return _REPLACEMENT if kind in {"Cc", "Cf", "Cs", "Zl", "Zp"} else character
