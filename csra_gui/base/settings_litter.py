"""What a kill leaves of Qt's way to write settings: a lock, and a file half written."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

#: What Qt writes before it takes the file's place ends in six random letters. One of 64 has no
#: capital; it stays, as it might be what somebody called ``backup``.
_WRITTEN = r"\.(?=.*[A-Z])[A-Za-z]{6}"
#: So old (s), nobody is still writing it.
_LEFT_OVER_AFTER_S = 3600.0


def sweep_settings(file: Path) -> int:
    """Remove what was being written beside a file when a program was killed; how many files.

    It looks through the folder, so it is nothing for the GUI thread.
    """
    count, name = 0, re.compile(re.escape(file.name) + _WRITTEN)
    with contextlib.suppress(OSError):
        for path in file.parent.iterdir():
            with contextlib.suppress(OSError):
                if name.fullmatch(path.name) and _is_old(path):
                    path.unlink()
                    count += 1
    return count


def remove_dead_lock(file: Path) -> None:
    """Remove Qt's lock of a file if it does not say whose it is.

    Whoever makes one says so at once, unless it is killed before: then Qt would wait for half a
    minute, with the window, before it writes.
    """
    lock = file.with_name(f"{file.name}.lock")
    with contextlib.suppress(OSError):
        if lock.stat().st_size == 0:
            lock.unlink()


def _is_old(path: Path) -> bool:
    return time.time() - path.lstat().st_mtime > _LEFT_OVER_AFTER_S
