"""Exports that are being written, so that what a crash leaves of one can be removed."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path


def begin_export(connection: sqlite3.Connection, temporary: Path) -> None:
    """Note a temporary file or folder before it is made."""
    connection.execute("INSERT INTO begun_exports VALUES (?)", (os.fsencode(temporary),))


def end_export(connection: sqlite3.Connection, temporary: Path) -> None:
    """Forget one that is gone or has its own name."""
    connection.execute("DELETE FROM begun_exports WHERE path = ?", (os.fsencode(temporary),))


def begun_exports(connection: sqlite3.Connection) -> list[Path]:
    """All that were begun and not ended."""
    rows = connection.execute("SELECT path FROM begun_exports ORDER BY path")
    return [Path(os.fsdecode(path)) for (path,) in rows]
