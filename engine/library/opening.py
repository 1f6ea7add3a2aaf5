"""Opening a library: lock, check, newest version."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from engine.atomic import sweep_folder
from engine.library.access import keep_private
from engine.library.backup import (
    back_up,
    backups_folder,
    has_backup_of_today,
    newest_good_backup,
)
from engine.library.checking import check_library, check_tables
from engine.library.connections import connect_writing, transaction
from engine.library.errors import DamagedLibraryError, LibraryError, translated
from engine.library.lock import LibraryLock
from engine.library.names import spellings, use_one_name
from engine.library.schema import APPLICATION_ID, MIGRATIONS
from engine.library.store import Library
from engine.texts import display_name

Migrations = Sequence[Sequence[str]]

_NO_COPY = "No backup of the library could be made today; it is tried again at the next start."


def open_library(
    path: Path, *, busy_timeout_s: float = 5.0, migrations: Migrations = MIGRATIONS
) -> Library:
    """Open a library, or begin one; it is checked, and brought to the newest version first.

    Args:
        path: of the file; its folder is made if missing.
        busy_timeout_s: how long to wait, three times, for another program's lock.
        migrations: the steps to the newest version.

    Raises:
        LibraryLockedError: it is open elsewhere.
        FutureLibraryError: it is newer than this program.
        DamagedLibraryError: it is damaged; says which backup is good.
        LibraryBusyError: another program keeps it locked.
        LibraryError: the disk or the folder does not let it be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise LibraryError(f"{display_name(path)} cannot be made: {error.strerror}.") from error
    notice = ""
    with contextlib.ExitStack() as undo:
        lock = LibraryLock(path)
        undo.callback(lock.release)
        try:
            with translated(path):
                newest = len(migrations)
                keep_private(path, backups_folder(path))
                # Whoever copied the library has its lock, as we have now.
                sweep_folder(backups_folder(path), 0.0)
                checked = check_library(path, lock, newest, busy_timeout_s)
                lock.forget()
                connection = connect_writing(path, busy_timeout_s)
                undo.callback(connection.close)
                version = checked.version
                if version is None:
                    version = check_tables(connection, path, newest, is_thorough=True)
                if version and version < newest:
                    back_up(connection, path)
                elif version and not has_backup_of_today(path):
                    notice = _backed_up_for_today(connection, path)
                bring_up(connection, version, newest, migrations)
                if spellings(connection):
                    with transaction(connection):
                        use_one_name(connection)
                # Only for a sound library, as it writes: readers and the writer never wait for
                # each other from now on.
                connection.execute("PRAGMA journal_mode = WAL")
        except DamagedLibraryError as error:
            raise _with_advice(error) from error
        except OSError as error:  # no room for a new file
            reason = error.strerror
            raise LibraryError(f"{display_name(path)} cannot be made: {reason}.") from error
        undo.pop_all()
    library = Library(path, lock, connection, busy_timeout_s)
    library.notice = " ".join(filter(None, (checked.notice, notice)))
    return library


def _backed_up_for_today(connection: sqlite3.Connection, path: Path) -> str:
    """Make the copy of this day; why there is none, which keeps nobody from working."""
    try:
        with translated(path):
            back_up(connection, path)
    except LibraryError as error:
        return f"{_NO_COPY} {error}"
    return ""


def _with_advice(error: DamagedLibraryError) -> DamagedLibraryError:
    backup = newest_good_backup(error.path)
    if backup is None:
        advice = "There is no good backup of it; it can be rebuilt from what is still readable."
    else:
        advice = f"The backup {display_name(backup)} is good and can take its place."
    return DamagedLibraryError(f"{error} {advice}", error.path, backup)


def bring_up(
    connection: sqlite3.Connection, version: int, newest: int, migrations: Migrations = MIGRATIONS
) -> None:
    """Bring a library from a version, 0 for an empty file, to a later one.

    Each step is one transaction, which also counts the version up: a program killed within one
    leaves the version before it.
    """
    for number in range(version, newest):
        _migrate(connection, migrations[number], number + 1)


def _migrate(connection: sqlite3.Connection, statements: Sequence[str], version: int) -> None:
    with transaction(connection):
        for statement in statements:
            run_statement(connection, statement)
        run_statement(connection, f"PRAGMA application_id = {APPLICATION_ID}")
        run_statement(connection, f"PRAGMA user_version = {version}")


def run_statement(connection: sqlite3.Connection, statement: str) -> None:
    """One statement of a step: tests end the program in here."""
    connection.execute(statement)
