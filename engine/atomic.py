"""Files that are whole or as they were, whatever crashes, and locks that no crash leaves behind."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Generator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

TEMPORARY_PREFIX = ".csra-tmp-"


@contextlib.contextmanager
def atomic_path(target: Path, *, is_name_synced: bool = True) -> Generator[Path, None, None]:
    """Yield a temporary path beside the target; on success it takes the target's place.

    The data is on the disk before the name changes, and the name before this returns. If the
    block fails, the temporary file is removed and the old file is as it was.

    Args:
        target: the file to write; its folder must exist. A link is followed, and an existing
            file's permission bits are kept.
        is_name_synced: whether the name is on the disk when this returns; else the caller calls
            ``sync_folder`` once for many files.

    Raises:
        OSError: the folder cannot be written to or the disk is full.
    """
    target = Path(os.path.realpath(target))
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
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
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(target)
    if is_name_synced:
        sync_folder(target.parent)


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
