"""Folders whose disk does not answer, so that nobody waits for each photo in them anew."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

from engine.api.errors import ImageError
from engine.api.passing import DISK_AWAY, DISK_FAILS
from engine.data.patience import Patience, ask

_ANSWERS_IN_S = 2.0
_READ_THROUGH_S = 10.0
_ASK_AGAIN_AFTER_S = 30.0
_READ = 1 << 16
_BLOCK = 1 << 20
# What the system says of a disk that was pulled out or is failing, or of a server that went away.
_DISK_FAULTS = frozenset(
    getattr(errno, name)
    for name in (
        *("EIO", "ENXIO", "ENODEV", "EREMOTEIO", "ENOMEDIUM", "EMEDIUMTYPE", "ESTALE"),
        *("ENOTCONN", "ECONNRESET", "ECONNABORTED", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH"),
        *("ENETDOWN", "ENETUNREACH", "ENETRESET", "ESHUTDOWN", "ENOLINK"),
    )
    if hasattr(errno, name)
)


def is_disk_fault(error: BaseException) -> bool:
    """Whether an error is that of a disk or server, and says nothing of the file."""
    return isinstance(error, OSError) and error.errno in _DISK_FAULTS


def read_ends(path: Path) -> None:
    """Read the first and the last bytes of a file, if it is one; hangs if the disk does."""
    status = os.stat(path)  # noqa: PTH116 - a path that was stringified already is not again
    if stat.S_ISREG(status.st_mode):
        with path.open("rb", buffering=0) as file:
            file.read(_READ)
            file.seek(max(0, status.st_size - _READ))
            file.read(_READ)


class AwayFolders:
    """Remembers which folders did not answer; from any thread.

    Args:
        probe: reads from a file, and hangs if its disk does; what it raises is an answer.
        limit_s: how long it may take.
    """

    def __init__(
        self, probe: Callable[[Path], object] = read_ends, limit_s: float = _ANSWERS_IN_S
    ) -> None:
        self._probe = probe
        self._limit_s = limit_s
        self._until: dict[Path, float] = {}
        self._lock = threading.Lock()

    def check(self, path: Path) -> None:
        """Before a file is read: refuse it if its folder is away, which is asked now and then.

        Raises:
            ImageError: it is.
        """
        folder = path.parent
        with self._lock:
            until = self._until.get(folder)
            if until is None:
                return
            if time.monotonic() < until:
                raise ImageError(DISK_AWAY)
            self._until[folder] = time.monotonic() + self._limit_s  # one asks, the others do not
        self.suspect(path)

    def suspect(self, path: Path) -> None:
        """After a file took too long: find out whether it was the disk.

        Raises:
            ImageError: it was.
        """
        answers = ask(lambda: self._has_answered(path), False, self._limit_s)
        with self._lock:
            if answers:
                self._until.pop(path.parent, None)
                return
            self._until[path.parent] = time.monotonic() + _ASK_AGAIN_AFTER_S
        raise ImageError(DISK_AWAY)

    @staticmethod
    def check_reading(path: Path, is_stopped: Callable[[], bool]) -> None:
        """After a file gave no picture: find out whether its disk gives it at all.

        Args:
            path: of the file, which is read to its end.
            is_stopped: whether nobody wants to know any more.

        Raises:
            ImageError: it does not.
        """
        with Patience(_READ_THROUGH_S) as patience:
            attempt = patience.begin(lambda _: _is_unreadable(path))
            for _ in attempt.wait():
                if is_stopped():
                    return
            if attempt.is_done and attempt.result():
                raise ImageError(DISK_FAILS)

    def _has_answered(self, path: Path) -> bool:
        with contextlib.suppress(OSError, ValueError):  # ValueError: a NUL in the name
            self._probe(path)
        return True


def _is_unreadable(path: Path) -> bool:
    try:
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.read(_BLOCK):
                    pass
    except (OSError, ValueError) as error:
        return is_disk_fault(error)
    return False
