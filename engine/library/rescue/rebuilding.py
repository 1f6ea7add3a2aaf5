"""A new library of what a damaged file and its newest good copy have together."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.library.access import make_private_file
from engine.library.connections import connect_to_copy, connect_writing, transaction
from engine.library.rescue.salvage import Damaged, Salvaged, insert, raise_sequence, salvage
from engine.library.schema import TABLES

#: Brings a library from a version to a later one; 0 is an empty file.
Migrate = Callable[[sqlite3.Connection, int, int], None]
#: What the person said of a label last, of each image and label whose journal tells: the last
#: edit that holds, or else what was before the first of those that were undone.
_LAST_WORDS = """
    WITH changes AS (
        SELECT decision_changes.*, undone FROM decision_changes JOIN edits ON edits.id = edit_id
    ), held AS (
        SELECT image_id, category, new_verdict AS verdict, new_who AS who, new_at AS at,
            max(edit_id) FROM changes WHERE undone = 0 GROUP BY image_id, category
    ), undone AS (
        SELECT image_id, category, old_verdict AS verdict, old_who AS who, old_at AS at,
            min(edit_id) FROM changes GROUP BY image_id, category HAVING min(undone) = 1
    )
    SELECT image_id, category, verdict, who, at FROM held
    UNION ALL SELECT image_id, category, verdict, who, at FROM undone
"""


@dataclass
class Saved:
    """What a new library was made of.

    Attributes:
        from_file: table → rows that came out of the damaged file.
        from_copy: table → rows that only the copy had.
        from_journal: decisions that only the journal of edits still told.
        left_out: rows that speak of photos or models of which nothing is left.
        pages: of the damaged file.
        unreadable: of these, how many were empty or cut.
        lacking: tables of which something may be missing.
    """

    from_file: dict[str, int] = field(default_factory=dict)
    from_copy: dict[str, int] = field(default_factory=dict)
    from_journal: int = 0
    left_out: int = 0
    pages: int = 0
    unreadable: int = 0
    lacking: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many there are in the new library."""
        given = sum(self.from_file.values()) + sum(self.from_copy.values())
        return given + self.from_journal - self.left_out


def rebuild_into(fresh: Path, damaged: Damaged, migrate: Migrate, newest: int) -> Saved:
    """Fill a new file; what it lacks is taken from the copy, decisions also from the journal.

    Args:
        fresh: the new file; there is none yet.
        damaged: what is read.
        migrate: makes tables, and brings them up.
        newest: version of this program's tables.

    Raises:
        sqlite3.DatabaseError: the disk does not take it.
    """
    with contextlib.closing(connect_writing(fresh, 0.0)) as target:
        target.execute("PRAGMA foreign_keys = OFF")
        migrate(target, 0, damaged.version)
        with transaction(target):
            found = salvage(damaged, target)
        migrate(target, damaged.version, newest)
        saved = Saved(found.rows, pages=found.pages, unreadable=found.unreadable)
        whole = set[str]() if damaged.lost_log else found.is_whole
        saved.lacking = tuple(table for table in TABLES if table not in whole)
        with _copy_of_today(fresh, damaged, migrate, newest) as copy, transaction(target):
            _complete(target, copy, found, saved)
            saved.left_out = _drop_orphans(target)
        target.execute("PRAGMA journal_mode = DELETE")
    return saved


@contextlib.contextmanager
def _copy_of_today(
    fresh: Path, damaged: Damaged, migrate: Migrate, newest: int
) -> Iterator[sqlite3.Connection | None]:
    """A connection to the copy, or to one of it that was brought to this program's version."""
    if damaged.copy is None:
        yield None
        return
    scratch = fresh.with_name(f"{fresh.name}-copy")
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(contextlib.closing(connect_to_copy(damaged.copy)))
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version < newest:
            stack.callback(scratch.unlink, missing_ok=True)
            scratch.unlink(missing_ok=True)
            make_private_file(scratch)
            shutil.copyfile(damaged.copy, scratch)
            connection = stack.enter_context(contextlib.closing(connect_writing(scratch, 0.0)))
            migrate(connection, version, newest)
        yield connection


def _complete(
    target: sqlite3.Connection, copy: sqlite3.Connection | None, found: Salvaged, saved: Saved
) -> None:
    """Add what only the copy and the journal have; the file's own word stays."""
    others = [table for table in saved.lacking if table != "decisions"]
    if copy is not None:
        for table in others:
            saved.from_copy[table] = _fill(target, copy, table)
        for name, number in copy.execute("SELECT name, seq FROM sqlite_sequence"):
            raise_sequence(target, str(name), int(number))
    for table, columns, values in found.keys:
        before = target.total_changes
        insert(target, table, columns, values)
        saved.from_file[table] = saved.from_file.get(table, 0) + target.total_changes - before
    if "images" in saved.lacking:
        target.execute(
            "UPDATE images SET reviewed = coalesce((SELECT new FROM review_changes JOIN edits"
            " ON edits.id = edit_id WHERE image_id = images.id AND undone = 0"
            " ORDER BY edit_id DESC LIMIT 1), reviewed)"
        )
    if "decisions" not in saved.lacking:
        return
    before = target.total_changes
    target.execute(
        f"INSERT OR IGNORE INTO decisions SELECT * FROM ({_LAST_WORDS}) WHERE verdict IS NOT NULL"  # noqa: S608
    )
    saved.from_journal = target.total_changes - before
    if copy is not None:
        last = target.execute(_LAST_WORDS).fetchall()
        gone = {(image, category) for image, category, verdict, *_ in last if verdict is None}
        saved.from_copy["decisions"] = _fill(target, copy, "decisions", besides=gone)


def _fill(
    target: sqlite3.Connection,
    copy: sqlite3.Connection,
    table: str,
    besides: Collection[tuple[object, object]] = (),
) -> int:
    columns = [row[1] for row in copy.execute(f"PRAGMA table_info ({table})")]
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    before = target.total_changes
    rows = copy.execute(f"SELECT {names} FROM {table}")  # noqa: S608
    target.executemany(
        f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
        (row for row in rows if not besides or row[:2] not in besides),
    )
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
