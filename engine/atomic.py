"""Files that are whole or as they were, whatever crashes, and locks that no crash leaves behind."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
import time
from collections.abc import Generator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

TEMPORARY_PREFIX = ".csra-tmp-"


def temporary_beside(target: Path) -> Path:
    """A new name beside a file, or beside what a link leads to; nothing is made."""
    target = Path(os.path.realpath(target))
    return target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")


@contextlib.contextmanager
def atomic_path(
    target: Path, *, temporary: Path | None = None, is_name_synced: bool = True
) -> Generator[Path, None, None]:
    """Yield a temporary path beside the target; on success it takes the target's place.

    The data is on the disk before the name changes, and the name before this returns. If the
    block fails, the temporary file is removed and the old file is as it was.

    Args:
        target: the file to write; its folder must exist. A link is followed, and an existing
            file's permission bits are kept.
        temporary: from ``temporary_beside``, for who must know it before; else one is made up.
        is_name_synced: whether the name is on the disk when this returns; else the caller calls
            ``sync_folder`` once for many files.

    Raises:
        OSError: the folder cannot be written to or the disk is full.
    """
    temporary = temporary or temporary_beside(target)
    target = Path(os.path.realpath(target))
    try:
        # Made here, it has the permissions that a new file of this person has; what fills it may
        # replace it by a file that only this person can read.
        temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode
        yield temporary
        with contextlib.suppress(FileNotFoundError):
            mode = target.stat().st_mode
        temporary.chmod(stat.S_IMODE(mode))
        replace_durably(temporary, target, is_name_synced=is_name_synced)
    finally:
        temporary.unlink(missing_ok=True)


def replace_durably(temporary: Path, target: Path, *, is_name_synced: bool = True) -> None:
    """Give a finished file its name.

    Its data reach the disk before the name does, and the name before this returns if so wished.

    Raises:
        OSError: the disk or the folder does not take it; the target is as it was.
    """
    _sync_file(temporary)
    temporary.replace(target)
    if is_name_synced:
        sync_folder(target.parent)


def sync_tree(folder: Path) -> None:
    """Make all files and folders below one that is new reach the disk; links are not followed.

    Raises:
        OSError: the disk fails.
    """
    if hasattr(os, "sync"):  # forty times as fast as one after the other
        os.sync()
        sync_folder(folder)
        return
    for place, _, names in os.walk(folder):
        for name in names:
            file = Path(place, name)
            if not file.is_symlink():
                _sync_file(file)


def _sync_file(file: Path) -> None:
    # Windows flushes only what is open for writing.
    with file.open("r+b" if os.name == "nt" else "rb") as opened:
        os.fsync(opened.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder reach the disk.

    Raises:
        OSError: the disk fails, or the folder is gone.
    """
    # Windows cannot open a folder; there the rename is durable enough by itself.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep_folder(folder: Path, min_age_s: float) -> int:
    """Remove temporary files that a crash left in a folder; how many went. Raises nothing.

    Args:
        folder: only what lies right in it is looked at.
        min_age_s: younger ones stay, since another process may be writing them.
    """
    count = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(TEMPORARY_PREFIX):
                continue
            with contextlib.suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(found.st_mode) and time.time() - found.st_mtime >= min_age_s:
                    Path(entry.path).unlink()
                    count += 1
    return count


def lock(descriptor: int) -> None:
    """Take the system's lock on an open file; it goes when the file or the process is closed.

    Raises:
        OSError: another has it, or the disk knows no locks.
    """
    if sys.platform == "win32":
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_bytes(target: Path, data: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(data)


def write_text(target: Path, text: str) -> None:
    """Write a whole UTF-8 file atomically."""
    write_bytes(target, text.encode())
