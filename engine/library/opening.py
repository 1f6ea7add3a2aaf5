"""Opening a library: lock, check, newest version; and saving what is left of a damaged one."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.atomic import replace_durably
from engine.library.backup import (
    back_up,
    has_backup_of_today,
    keep_aside,
    newest_good_backup,
)
from engine.library.connections import connect_reading, connect_writing, transaction
from engine.library.errors import (
    DAMAGE,
    DamagedLibraryError,
    FutureLibraryError,
    LibraryError,
    translated,
)
from engine.library.lock import LibraryLock
from engine.library.names import spellings, use_one_name
from engine.library.schema import APPLICATION_ID, MIGRATIONS, TABLES
from engine.library.store import Library
from engine.texts import display_name

Migrations = Sequence[Sequence[str]]


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
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(f"{display_name(path)} cannot be made: {error.strerror}.") from error
    with contextlib.ExitStack() as undo:
        lock = LibraryLock(path)
        undo.callback(lock.release)
        try:
            with translated(path):
                connection = connect_writing(path, busy_timeout_s)
                undo.callback(connection.close)
                _prepare(connection, path, migrations)
                if spellings(connection):
                    with transaction(connection):
                        use_one_name(connection)
                # Only for a sound library, as it writes: readers and the writer never wait for
                # each other from now on.
                connection.execute("PRAGMA journal_mode = WAL")
        except DamagedLibraryError as error:
            raise _with_advice(error) from error
        undo.pop_all()
    return Library(path, lock, connection, busy_timeout_s)


def _with_advice(error: DamagedLibraryError) -> DamagedLibraryError:
    backup = newest_good_backup(error.path)
    if backup is None:
        advice = "There is no good backup of it; it can be rebuilt from what is still readable."
    else:
        advice = f"The backup {display_name(backup)} is good and can take its place."
    return DamagedLibraryError(f"{error} {advice}", error.path, backup)


def _prepare(connection: sqlite3.Connection, path: Path, migrations: Migrations) -> None:
    """Check a library and bring it to the newest version, with a copy made first.

    Each step is one transaction, which also counts the version up: a program killed within one
    leaves the version before it.

    Raises:
        DamagedLibraryError: it fails SQLite's check, or is a database of something else.
        FutureLibraryError: it is newer than this program.
        sqlite3.DatabaseError: SQLite cannot read it.
    """
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise DamagedLibraryError(f"{display_name(path)} is damaged.", path)
    version = _version(connection, path)
    if version > len(migrations):
        raise FutureLibraryError(
            f"{display_name(path)} was made by a newer version of this program; update it first."
        )
    if version and (version < len(migrations) or not has_backup_of_today(path)):
        back_up(connection, path)
    for number in range(version, len(migrations)):
        _migrate(connection, migrations[number], number + 1)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    is_empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    if is_empty and version == 0 and newest_good_backup(path) is None:
        return 0
    if is_empty and version == 0:
        raise DamagedLibraryError(f"{display_name(path)} is empty, but has backups.", path)
    if is_empty or owner != APPLICATION_ID or version < 1:
        raise DamagedLibraryError(f"{display_name(path)} is not a library of this program.", path)
    return version


def _migrate(connection: sqlite3.Connection, statements: Sequence[str], version: int) -> None:
    with transaction(connection):
        for statement in statements:
            run_statement(connection, statement)
        run_statement(connection, f"PRAGMA application_id = {APPLICATION_ID}")
        run_statement(connection, f"PRAGMA user_version = {version}")


def run_statement(connection: sqlite3.Connection, statement: str) -> None:
    """One statement of a step: tests end the program in here."""
    connection.execute(statement)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What could be saved from a damaged library.

    Attributes:
        rows: how many rows of all tables.
        aside: where the damaged file is now.
    """

    rows: int
    aside: Path


def rebuild_library(path: Path) -> Rebuilt:
    """Make a new library of every row that can still be read; the damaged file is kept aside.

    Raises:
        LibraryLockedError: it is open.
        LibraryError: there is none, it has nothing readable, or the disk does not take it.
    """
    lock = LibraryLock(path)
    fresh = path.with_name(f"{path.name}.rebuilt")
    try:
        with translated(fresh):
            rows = _salvage(path, fresh)
        if not rows:
            raise LibraryError(f"Nothing in {display_name(path)} can be read.")
        aside = keep_aside(path)
        replace_durably(fresh, path)
    except OSError as error:
        raise LibraryError(f"{display_name(path)}: {error.strerror}.") from error
    finally:
        fresh.unlink(missing_ok=True)
        lock.release()
    if aside is None:
        raise LibraryError(f"There is no library {display_name(path)}.")
    return Rebuilt(rows, aside)


def _salvage(damaged: Path, fresh: Path) -> int:
    fresh.unlink(missing_ok=True)
    with contextlib.closing(connect_writing(fresh, 0.0)) as target:
        _prepare(target, fresh, MIGRATIONS)
        target.execute("PRAGMA foreign_keys = OFF")
        try:
            with contextlib.closing(connect_reading(damaged)) as source, transaction(target):
                rows = sum(_salvage_table(source, target, table) for table in TABLES)
                rows -= _drop_orphans(target)
        except sqlite3.OperationalError:  # the damaged file cannot even be opened
            return 0
        target.execute("PRAGMA journal_mode = DELETE")
    return rows


def _salvage_table(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> int:
    """Copy rows from the front up to the damage, then from the back down to it."""
    columns = [row[1] for row in target.execute(f"PRAGMA table_info ({table})")]
    keys = [row[1] for row in target.execute(f"PRAGMA table_info ({table})") if row[5]]
    marks = ", ".join("?" * len(columns))
    insert = f"INSERT OR IGNORE INTO {table} VALUES ({marks})"  # noqa: S608
    before = target.total_changes
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{key} {direction}" for key in keys)
        query = f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"  # noqa: S608
        with contextlib.suppress(*DAMAGE):
            for row in source.execute(query):
                with contextlib.suppress(sqlite3.IntegrityError):  # a value of a wrong kind
                    target.execute(insert, row)
            break
    return target.total_changes - before


def _drop_orphans(target: sqlite3.Connection) -> int:
    """Remove rows that refer to rows which were lost."""
    before = target.total_changes
    for table in TABLES:
        references = target.execute(f"PRAGMA foreign_key_list ({table})").fetchall()
        for parent, column in [row[2:4] for row in references]:
            target.execute(
                f"DELETE FROM {table} WHERE {column} NOT IN (SELECT id FROM {parent})"  # noqa: S608
            )
    return target.total_changes - before
