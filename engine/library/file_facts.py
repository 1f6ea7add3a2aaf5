"""What is known of a file without opening it: size and time of change."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from engine.library.values import ImageFile


def look_at(path: Path) -> ImageFile | None:
    """Size and time of a file now; ``None`` if there is no such file, or one cannot know."""
    try:
        facts = os.stat(path)  # noqa: PTH116 - a path that was stringified already is not again
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    if not stat.S_ISREG(facts.st_mode):
        return None
    return ImageFile(path, facts.st_size, facts.st_mtime_ns)
