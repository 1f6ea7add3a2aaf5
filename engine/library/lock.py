"""One program at a time: a lock of the operating system, which a killed program cannot leave."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from engine.atomic import lock
from engine.library.errors import LibraryError, LibraryLockedError
from engine.texts import display_name

_NOTE_LENGTH = 8
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

    def note(self, salt: int) -> None:
        """Note that changes are in the library's log, and what it starts with.

        Who finds the note after a crash knows that there has to be a log, and which.
        """
        self._write(f"{salt:08x}".encode())

    def forget(self) -> None:
        """Note that no log is needed any more."""
        self._write(b"")

    def noted(self) -> int | None:
        """What the log starts with that has to be there; ``None`` if none has to."""
        if self._descriptor is None:
            return None
        try:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            return int(os.read(self._descriptor, _NOTE_LENGTH).decode("ascii"), 16)
        except (OSError, ValueError):
            return None

    def _write(self, note: bytes) -> None:
        if self._descriptor is None:
            return
        with contextlib.suppress(OSError):  # a full disk: then a lost log is not noticed
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, note)

    def release(self) -> None:
        """Let others in; more than once does no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _refusal(library: Path, error: OSError) -> LibraryError:
    name = display_name(library)
    if error.errno in _TAKEN:
        return LibraryLockedError(
            f"{name} is already open in another window or command. Close that one first."
        )
    return LibraryError(f"{name} cannot be locked; keep the library on a local disk.")
