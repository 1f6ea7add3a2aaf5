"""What is looked at before SQLite may touch a library: it would remove what could still help."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from engine.library.access import has_content
from engine.library.backup import asides, backups, newest_good_backup
from engine.library.connections import connect_reading, connect_to_copy
from engine.library.errors import DamagedLibraryError, FutureLibraryError
from engine.library.lock import LibraryLock
from engine.library.rescue.log import follows, salt_of
from engine.library.schema import APPLICATION_ID
from engine.texts import display_name

#: What hardly ever becomes less.
_GROWING = (
    "SELECT coalesce(max(id), 0) FROM images",
    "SELECT coalesce(max(id), 0) FROM edits",
    "SELECT count(*) FROM scores",
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A library that may be opened.

    Attributes:
        version: of its tables, 0 for a new one; ``None``: SQLite has first to take back what a
            killed program left, so the connection that writes has to look.
        notice: what a person should know; usually empty.
    """

    version: int | None
    notice: str = ""


def check_library(path: Path, lock: LibraryLock, newest: int, busy_timeout_s: float) -> Checked:
    """Find out whether a library may be opened, without changing anything of it.

    SQLite takes an empty file for a new database and removes the log beside it, takes any log for
    a file's own, and writes a log into its file when it is closed: so this comes first.

    Args:
        path: of the library; nobody has it open.
        lock: that is held on it.
        newest: version of this program's tables.
        busy_timeout_s: how long to wait for another program's lock.

    Raises:
        DamagedLibraryError: it is damaged, of something else, or gone while its copies are there.
        FutureLibraryError: it is newer than this program.
        sqlite3.DatabaseError: SQLite cannot read it.
    """
    name, log = display_name(path), path.with_name(f"{path.name}-wal")
    if not has_content(path):
        _check_nothing_was_there(path, log)
        return Checked(0)
    noted, has_log = lock.noted(), has_content(log)
    if has_log and noted is not None and not follows(salt_of(log), noted):
        raise DamagedLibraryError(f"The log beside {name} is not its own, or is damaged.", path)
    version = None
    if not has_content(path.with_name(f"{path.name}-journal")):
        # A connection that cannot write leaves file and log as they are.
        with contextlib.closing(connect_reading(path, busy_timeout_s)) as connection:
            is_thorough = has_log or noted is not None
            version = check_tables(connection, path, newest, is_thorough=is_thorough)
            if noted is not None and not has_log:
                _check_is_not_behind(connection, path)
    if noted is None or has_log:
        return Checked(version)
    return Checked(
        version,
        f"The log of {name} is gone since the program last ended without closing it. What was "
        "done just before may be lost; all else is there.",
    )


def check_tables(
    connection: sqlite3.Connection, path: Path, newest: int, *, is_thorough: bool
) -> int:
    """The version of a library's tables, once they are sound.

    Args:
        connection: to it.
        path: of it.
        newest: version of this program's tables.
        is_thorough: whether also indexes are compared with rows: a log may be another's.

    Raises:
        DamagedLibraryError: it fails SQLite's check, or is a database of something else.
        FutureLibraryError: it is newer than this program.
        sqlite3.DatabaseError: SQLite cannot read it.
    """
    check = "integrity_check" if is_thorough else "quick_check"
    if connection.execute(f"PRAGMA {check}(1)").fetchone() != ("ok",):
        raise DamagedLibraryError(f"{display_name(path)} is damaged.", path)
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    is_empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    if is_empty and version == 0 and not owner:  # a program was killed while it made the first
        _check_nothing_was_there(path, path.with_name(f"{path.name}-wal"))
        return 0
    if is_empty or owner != APPLICATION_ID or version < 1:
        raise DamagedLibraryError(f"{display_name(path)} is not a library of this program.", path)
    if version > newest:
        raise FutureLibraryError(
            f"{display_name(path)} was made by a newer version of this program; update it first."
        )
    return version


def _check_is_not_behind(connection: sqlite3.Connection, path: Path) -> None:
    """Without its log a library may lack what its newest copy has."""
    copy = newest_good_backup(path)
    if copy is None:
        return
    with contextlib.closing(connect_to_copy(copy)) as then:
        for question in _GROWING:
            if then.execute(question).fetchone()[0] > connection.execute(question).fetchone()[0]:
                raise DamagedLibraryError(
                    f"The log of {display_name(path)} is gone, and with it what was there.", path
                )


def _check_nothing_was_there(path: Path, log: Path) -> None:
    """Whoever has copies had a library: a new one in its place would look like a loss."""
    state = "is empty" if path.exists() else "is missing"
    for what, is_there in (
        ("has backups", bool(backups(path))),
        ("its log is there", has_content(log)),
        ("a damaged one was kept beside it", bool(asides(path))),
    ):
        if is_there:
            raise DamagedLibraryError(f"{display_name(path)} {state}, but {what}.", path)
