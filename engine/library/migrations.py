"""Bringing a library's tables to the version that this program knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from engine.library.backup import back_up, has_backup_of_today, newest_good_backup
from engine.library.connections import transaction
from engine.library.errors import DamagedLibraryError, FutureLibraryError
from engine.library.schema import APPLICATION_ID
from engine.texts import display_name

Migrations = Sequence[Sequence[str]]


def prepare(connection: sqlite3.Connection, path: Path, migrations: Migrations) -> None:
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
