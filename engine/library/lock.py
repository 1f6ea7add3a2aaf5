"""One program at a time: a lock of the operating system, which a killed program cannot leave."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from engine.atomic import lock
from engine.library.errors import LibraryError, LibraryLockedError
from engine.texts import display_name

_TAKEN = {errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}


class LibraryLock:
    """Holds the lock file beside a library, never the library's own file.

    Closing any descriptor of the library's file would drop the locks that SQLite has on it.

    Raises:
        LibraryLockedError: the library is open elsewhere.
        LibraryError: the folder cannot be written to, or its disk knows no locks.
    """

    def __init__(self, library: Path) -> None:
        path = library.with_name(f"{library.name}.lock")
        try:
            self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise LibraryError(
                f"{display_name(library)} cannot be opened here: {error.strerror}."
            ) from error
        try:
            lock(self._descriptor)
        except OSError as error:
            self.release()
            raise _refusal(library, error) from error

    def release(self) -> None:
        """Let others in; more than once does no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _refusal(library: Path, error: OSError) -> LibraryError:
    name = display_name(library)
    if error.errno in _TAKEN:
        return LibraryLockedError(f"{name} is already open in another window or command.")
    return LibraryError(f"{name} cannot be locked; keep the library on a local disk.")
