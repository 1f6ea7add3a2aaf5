"""The journal of labels written into files; each function runs in the caller's transaction.

A file is noted before it is touched, so that whatever crashes, one knows what we did to it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

#: The list of a file that a keyword stands in, and the keyword.
EntryPair = tuple[str, str]
_COLUMNS = "write_id, path, old, digest, added, removed, photo"
#: Writes can be undone so long; but always this many of the last.
KEPT_DAYS = 90
KEPT_WRITES = 50
_DAY_MS = 24 * 60 * 60 * 1000


class FileState(StrEnum):
    """How far a file of a write is.

    ``LEFT``: an undo left it alone, since others changed it; what we wrote is still ours.
    """

    BEGUN = "begun"
    DONE = "done"
    UNDONE = "undone"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What a write did to a file.

    Attributes:
        write_id: of the write.
        path: of the file, not of the photo unless labels went into the photo itself.
        old: what was in it; ``None``: there was no file. Of a photo itself its XMP packet.
        digest: SHA-256 of what is in it then, in hexadecimal digits. Of a photo its content hash;
            empty until the new file is ready.
        added: what we added.
        removed: what we took out again, of our own.
        photo: how the photo itself was before, as ``interchange.writing`` notes it; empty if
            labels went beside it.
    """

    write_id: int
    path: Path
    old: bytes | None
    digest: str
    added: tuple[EntryPair, ...] = ()
    removed: tuple[EntryPair, ...] = ()
    photo: str = ""


@dataclass(frozen=True, slots=True)
class LabelWrite:
    """A whole write: how many files of it can be undone, and when it was (ms since 1970)."""

    id: int
    caption: str
    at_ms: int
    files: int


def begin_write(connection: sqlite3.Connection, caption: str) -> int:
    """Begin the journal of one write; its number."""
    cursor = connection.execute(
        "INSERT INTO label_writes (caption, at) VALUES (?, ?)",
        (caption, time.time_ns() // 1_000_000),
    )
    return int(cursor.lastrowid or 0)


def note_files(connection: sqlite3.Connection, files: Iterable[WrittenFile]) -> None:
    """Note files that are about to be written."""
    connection.executemany(
        f"INSERT INTO written_files ({_COLUMNS}, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        [
            (
                file.write_id,
                os.fsencode(file.path),
                None if file.old is None else zlib.compress(file.old),
                file.digest,
                json.dumps(file.added),
                json.dumps(file.removed),
                file.photo,
                FileState.BEGUN.value,
            )
            for file in files
        ],
    )


def note_digest(connection: sqlite3.Connection, write_id: int, path: Path, digest: str) -> None:
    """Note what will be in a file, just before it gets that."""
    connection.execute(
        "UPDATE written_files SET digest = ? WHERE write_id = ? AND path = ?",
        (digest, write_id, os.fsencode(path)),
    )


def settle_files(
    connection: sqlite3.Connection, write_id: int, states: Mapping[Path, FileState | None]
) -> None:
    """Note what became of files of a write; ``None``: it was not touched."""
    for path, state in states.items():
        key = (write_id, os.fsencode(path))
        if state is None:
            connection.execute("DELETE FROM written_files WHERE write_id = ? AND path = ?", key)
        else:
            connection.execute(
                "UPDATE written_files SET state = ? WHERE write_id = ? AND path = ?",
                (state.value, *key),
            )


def end_write(connection: sqlite3.Connection, write_id: int) -> None:
    """Forget a write that touched no file."""
    connection.execute(
        "DELETE FROM label_writes WHERE id = ?"
        " AND NOT EXISTS (SELECT 1 FROM written_files WHERE write_id = label_writes.id)",
        (write_id,),
    )


def last_write(connection: sqlite3.Connection) -> LabelWrite | None:
    """The last write of which a file can be undone."""
    row = connection.execute(
        "SELECT id, caption, at,"
        " (SELECT count(*) FROM written_files WHERE state = 'done' AND write_id = id)"
        " FROM label_writes"
        " WHERE id = (SELECT max(write_id) FROM written_files WHERE state = 'done')"
    ).fetchone()
    return None if row is None else LabelWrite(*row)


def files_of_write(
    connection: sqlite3.Connection, write_id: int, after: Path | None = None, limit: int = 100
) -> list[WrittenFile]:
    """Files of a write that can be undone, by path: the first ones after a path."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM written_files WHERE write_id = ? AND state = 'done'"  # noqa: S608
        " AND path > ? ORDER BY path LIMIT ?",
        (write_id, b"" if after is None else os.fsencode(after), limit),
    )
    return [_file(*row) for row in rows]


def paths_of_write(connection: sqlite3.Connection, write_id: int) -> list[Path]:
    """All files of a write, also those that were taken back."""
    found = connection.execute("SELECT path FROM written_files WHERE write_id = ?", (write_id,))
    return [Path(os.fsdecode(path)) for (path,) in found]


def begun_files(connection: sqlite3.Connection) -> list[WrittenFile]:
    """Files of which one does not know whether they were written: the program was ended."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM written_files WHERE state = 'begun' ORDER BY write_id, path"  # noqa: S608
    )
    return [_file(*row) for row in rows]


def own_entries(
    connection: sqlite3.Connection, paths: Collection[Path]
) -> dict[Path, tuple[EntryPair, ...]]:
    """What of a file's keywords we wrote, by file; those without any are not in it."""
    found: dict[Path, tuple[EntryPair, ...]] = {}
    for path in paths:
        key = (os.fsencode(path),)
        own = _own_of_old_writes(connection, key[0])
        rows = connection.execute(
            "SELECT added, removed FROM written_files WHERE path = ? AND state <> 'undone'"
            " ORDER BY write_id",
            key,
        )
        for added, removed in rows:
            own = _own_after(own, added, removed)
        if own:
            found[path] = own
    return found


def forget_old_writes(connection: sqlite3.Connection, now_ms: int | None = None) -> int:
    """Forget how to undo writes of long ago, but not what of the files is ours.

    Kept are the writes of the last ``KEPT_DAYS``, and the last ``KEPT_WRITES`` however old. One
    that the program did not survive is kept until it is settled, and all after it.

    Returns:
        How many were forgotten.
    """
    now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    # Only from the oldest on: what is ours is told by the order of what was done.
    kept_from = connection.execute(
        "SELECT min(id) FROM label_writes WHERE at >= ?"
        " OR id IN (SELECT id FROM label_writes ORDER BY id DESC LIMIT ?)"
        " OR id = (SELECT min(write_id) FROM written_files WHERE state = 'begun')",
        (now_ms - KEPT_DAYS * _DAY_MS, KEPT_WRITES),
    ).fetchone()[0]
    old = connection.execute("SELECT id FROM label_writes WHERE id < ? ORDER BY id", (kept_from,))
    numbers = [number for (number,) in old]
    for number in numbers:
        _forget(connection, number)
    return len(numbers)


def _forget(connection: sqlite3.Connection, write_id: int) -> None:
    rows = connection.execute(
        "SELECT path, added, removed FROM written_files WHERE write_id = ? AND state <> 'undone'",
        (write_id,),
    )
    for path, added, removed in rows.fetchall():
        own = _own_after(_own_of_old_writes(connection, path), added, removed)
        if own:
            connection.execute(
                "INSERT OR REPLACE INTO own_keywords VALUES (?, ?)", (path, json.dumps(own))
            )
        else:
            connection.execute("DELETE FROM own_keywords WHERE path = ?", (path,))
    connection.execute("DELETE FROM label_writes WHERE id = ?", (write_id,))


def _own_of_old_writes(connection: sqlite3.Connection, path: bytes) -> tuple[EntryPair, ...]:
    row = connection.execute("SELECT entries FROM own_keywords WHERE path = ?", (path,)).fetchone()
    return () if row is None else _pairs(row[0])


def _own_after(own: tuple[EntryPair, ...], added: str, removed: str) -> tuple[EntryPair, ...]:
    gone = set(_pairs(removed))
    kept = [entry for entry in own if entry not in gone]
    return tuple(dict.fromkeys([*kept, *_pairs(added)]))


def _file(write_id: int, path: bytes, old: bytes | None, digest: str, *texts: str) -> WrittenFile:
    content = None if old is None else zlib.decompress(old)
    added, removed, photo = texts
    return WrittenFile(
        write_id, Path(os.fsdecode(path)), content, digest, _pairs(added), _pairs(removed), photo
    )


def _pairs(text: str) -> tuple[EntryPair, ...]:
    return tuple((str(field), str(word)) for field, word in json.loads(text))
