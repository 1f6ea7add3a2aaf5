"""Paths as the settings file keeps them: texts, and nothing that would not be one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def storable(paths: Sequence[Path]) -> list[str]:
    """The paths as texts, without those whose names are no valid text."""
    return [str(path) for path in paths if is_text(str(path))]


def stored_paths(raw: object) -> list[Path]:
    """The paths in a stored value, which may be damaged or anybody's: what is no path is left out.

    Args:
        raw: as ``QSettings`` gives it; a list of one comes back as a text.
    """
    texts = [raw] if isinstance(raw, str) else raw if isinstance(raw, list) else []
    return [Path(text) for text in texts if isinstance(text, str) and text and "\0" not in text]


def is_text(name: str) -> bool:
    """Whether a name can be written as text: Linux allows others."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
