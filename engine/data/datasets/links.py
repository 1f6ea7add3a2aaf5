"""Links in the folder of a data set: how many there are that are followed only when told to."""

from __future__ import annotations

import os
from pathlib import Path


def count_links_out(root: Path) -> int:
    """How many links below a folder lead out of the folder that they lie in; none is followed.

    Where this finds none, ``load_dataset`` refuses none.

    Args:
        root: of a data set; a file, or nothing at all, has none.
    """
    return sum(
        _leads_out(Path(folder), name)
        for folder, folders, files in os.walk(root)
        for name in (*folders, *files)
    )


def _leads_out(folder: Path, name: str) -> bool:
    link = folder / name
    if not link.is_symlink():
        return False
    return not Path(os.path.realpath(link)).is_relative_to(os.path.realpath(folder))
