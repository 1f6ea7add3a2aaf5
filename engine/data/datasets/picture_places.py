"""Which pictures lie in the folders of a data set that calls them by their names' beginnings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePath

from engine.data.kinds import IMAGE_SUFFIXES


def names_by_stem(root: Path, folders: Iterable[str]) -> dict[str, str]:
    """What the pictures in some folders are called, without and with folder and ending.

    Args:
        root: of the data set.
        folders: below it, ``.`` for itself; those that are not there have none. The first that has
            a name is meant.

    Returns:
        ``1`` → ``VG_100K/1.jpg``; each folder is listed once and nothing is opened.
    """
    found: dict[str, str] = {}
    for folder in folders:
        for name in _pictures(root / folder):
            inside = name if folder == "." else f"{folder}/{name}"
            found.setdefault(PurePath(name).stem, inside)
    return found


def first_folder(root: Path, folders: Iterable[str]) -> str:
    """The first of some folders that is there; ``.`` if none is."""
    return next((folder for folder in folders if (root / folder).is_dir()), ".")


def _pictures(folder: Path) -> Iterable[str]:
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if PurePath(e.name).suffix.lower() in IMAGE_SUFFIXES]
    except OSError:
        return ()
    return sorted(names)
