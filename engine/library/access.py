"""Who may read the files of a library: the person alone, unless its folder is a group's."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

#: What SQLite keeps beside a library, and the file itself.
COMPANIONS = ("", "-wal", "-shm", "-journal")
_LOCK = ".lock"
_OTHERS, _NOT_THE_OWNER = 0o007, 0o077


def companions(library: Path) -> list[Path]:
    """The files that SQLite makes of a library; they need not be there."""
    return [library.with_name(library.name + ending) for ending in COMPANIONS]


def has_content(path: Path) -> bool:
    """Whether there is a file with anything in it."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def make_private_file(path: Path) -> None:
    """Make an empty file that only this person can read, if there is none.

    Raises:
        OSError: the folder does not allow it.
    """
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def keep_private(library: Path, copies: Path) -> None:
    """Take from others what they may not read, also of files that an older program made.

    In a folder that its group may write to, the group keeps what it was given: a person chose
    such a place for sharing. Others get nothing there either. What cannot be changed, because
    somebody else owns it or the disk knows no permissions, stays.

    Args:
        library: its file.
        copies: the folder with its copies.
    """
    if os.name == "nt":  # a person's own folders are private by the rules of the folder above
        return
    taken = _taken_away(library.parent)
    files = [*companions(library), library.with_name(library.name + _LOCK), copies]
    with contextlib.suppress(OSError):
        files += copies.iterdir()
    for file in files:
        _take_away(file, taken)


def _taken_away(folder: Path) -> int:
    with contextlib.suppress(OSError):
        if folder.stat().st_mode & stat.S_IWGRP:
            return _OTHERS
    return _NOT_THE_OWNER


def _take_away(file: Path, taken: int) -> None:
    with contextlib.suppress(OSError):
        mode = file.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & taken:
            file.chmod(stat.S_IMODE(mode) & ~taken)
