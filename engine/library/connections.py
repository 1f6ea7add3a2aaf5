"""How the library's file is connected to."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

from engine.library.access import make_private_file
from engine.library.errors import is_busy

T = TypeVar("T")
_ATTEMPTS = 3


def connect_writing(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """The connection that writes; there is one at a time, and only it makes checkpoints.

    Releases of SQLite before 3.51.3 can damage a file whose log is reset by two connections at
    the same moment. With one writer that cannot happen. It serves one thread at a time.

    Raises:
        sqlite3.DatabaseError: it cannot be opened or is no database.
    """
    make_private_file(path)  # what SQLite makes beside it gets the same permissions
    connection = sqlite3.connect(
        path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
    )
    try:
        # The log reaches the disk with every commit: also a power cut loses nothing acknowledged.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute(f"PRAGMA journal_size_limit = {64 << 20}")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reading(path: Path, busy_timeout_s: float = 5.0) -> sqlite3.Connection:
    """A connection that cannot write, for one thread at a time."""
    return _connect_by_uri(path, "mode=ro", busy_timeout_s)


def connect_to_copy(path: Path) -> sqlite3.Connection:
    """A connection to a file that nobody writes, such as a backup; leaves nothing beside it."""
    return _connect_by_uri(path, "mode=ro&immutable=1", 0.0)


def _connect_by_uri(path: Path, options: str, busy_timeout_s: float) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        timeout=busy_timeout_s,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[sqlite3.Connection, None, None]:
    """All or nothing of what the block writes; committed when this ends without an error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it already
            connection.execute("ROLLBACK")
        raise


def transact(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """What work returns, once the disk has it; tried again if another program is in the way."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction(connection):
                return work(connection)
        except sqlite3.OperationalError as error:
            if attempt == _ATTEMPTS or not is_busy(error):
                raise
    raise AssertionError("the last attempt returns or raises")
