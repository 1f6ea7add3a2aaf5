"""What can go wrong with a library, in words for a person."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator
from pathlib import Path

from engine.api.errors import EngineError
from engine.texts import display_name


class LibraryError(EngineError):
    """The library cannot do what was asked; what it holds is as it was."""


class LibraryLockedError(LibraryError):
    """Another window or command has the library open."""


class LibraryBusyError(LibraryError):
    """Another program keeps the file from being written; trying again later may do."""


class NoRoomError(LibraryError):
    """The disk takes no more, being full or beyond a quota; trying again when there is room does.

    Attributes:
        cause: that alone, as a sentence.
    """

    def __init__(self, message: str, cause: str) -> None:
        super().__init__(message)
        self.cause = cause


class FutureLibraryError(LibraryError):
    """A newer version of this program wrote the library."""


class DamagedLibraryError(LibraryError):
    """The file is not a sound library.

    Attributes:
        path: of the library.
        backup: the newest good copy, if there is one.
    """

    def __init__(self, message: str, path: Path, backup: Path | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.backup = backup


#: What reading a damaged file can raise.
DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_NOT_WRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN}
_IO_FAULT = "The disk does not take or give the data; is it full or unplugged?"
_FULL = "The disk is full."
# A quota, and a disk that is gone, are one of these for SQLite.
_NOT_TAKEN = {
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
}


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection is in the way, so that waiting may help."""
    return _primary_code(error) in _BUSY


@contextlib.contextmanager
def translated(path: Path) -> Generator[None, None, None]:
    """Turn what SQLite says of a file's state into a ``LibraryError``; bugs stay what they are."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.DatabaseError as error:
        raise _in_words(error, path) from error
    except UnicodeDecodeError as error:  # SQLite's own message quotes damaged bytes
        raise DamagedLibraryError(f"{display_name(path)} is damaged.", path) from error


def _in_words(error: sqlite3.DatabaseError, path: Path) -> LibraryError:
    code, name = _primary_code(error), display_name(path)
    if code in _BUSY:
        return LibraryBusyError(f"Another program is busy with {name}; try again in a moment.")
    if code in _NOT_WRITABLE:
        return LibraryError(f"{name} cannot be opened for writing; check its permissions.")
    if code == sqlite3.SQLITE_FULL:
        return NoRoomError(f"{name}: The disk is full; make room and try again.", _FULL)
    if getattr(error, "sqlite_errorcode", None) in _NOT_TAKEN:
        return NoRoomError(f"{name}: {_IO_FAULT}", _IO_FAULT)
    if code == sqlite3.SQLITE_IOERR:
        return LibraryError(f"{name}: {_IO_FAULT}")
    # No code: a text in it is not UTF-8. Any other: a table or column that must be there is not.
    return DamagedLibraryError(f"{name} is damaged: {error}.", path)


def _primary_code(error: sqlite3.Error) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF
