"""Making a damaged library usable: rebuilt from what is left of it, or begun anew."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from engine.library.access import has_content
from engine.library.backup import asides, newest_good_backup, put_copies_away, take_place
from engine.library.connections import connect_to_copy, connect_writing
from engine.library.errors import LibraryError, translated
from engine.library.lock import LibraryLock
from engine.library.opening import bring_up
from engine.library.rescue.log import follows, salt_of
from engine.library.rescue.rebuilding import Saved, rebuild_into
from engine.library.rescue.salvage import read_damaged
from engine.library.schema import MIGRATIONS
from engine.texts import display_name

#: What a person counts, and the tables behind it.
_COUNTED = (
    ("photos", "images"),
    ("decisions", "decisions"),
    ("ratings, colours and titles", "own_attributes"),
    ("scored photos", "scores"),
)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What could be saved of a damaged library.

    Attributes:
        saved: what from where.
        aside: where the damaged file is now; ``None`` if there was none.
        backup: the copy that was used; ``None`` if there is no good one.
    """

    saved: Saved
    aside: Path | None
    backup: Path | None

    @property
    def rows(self) -> int:
        """How many rows of all tables there are now."""
        return self.saved.rows

    def text(self) -> str:
        """What a person should know of it: what was saved, what from where, and what is lost."""
        saved, parts = self.saved, []
        for what, table in _COUNTED:
            file, copy = saved.from_file.get(table, 0), saved.from_copy.get(table, 0)
            if table == "decisions":
                file += saved.from_journal
            if file or copy:
                only = f" ({copy:,} of them only from the copy)" if copy else ""
                parts.append(f"{file + copy:,} {what}{only}")
        text = f"Saved: {', '.join(parts) or 'no photos'}."
        if self.backup is not None and any(saved.from_copy.values()):
            text += f" The copy is {display_name(self.backup)}."
        if saved.unreadable:
            are = "is" if saved.unreadable == 1 else "are"
            text += f" {saved.unreadable:,} of the file's {saved.pages:,} pages {are} empty or cut."
        if saved.left_out:
            text += (
                f" {saved.left_out:,} entries are lost, because the photo or edit that they are "
                "of is."
            )
        if not saved.lacking:
            text += " Nothing is missing, as far as can be told."
        elif self.backup is None:
            text += " What was in damaged parts is lost: there is no good copy."
        else:
            text += " What came after the copy and was in damaged parts is lost."
        return text


def rebuild_library(path: Path) -> Rebuilt:
    """Make a new library of what can be read and of the newest good copy.

    The damaged file is kept under another name. What it still says counts more than what the copy
    says; where something of it is missing, the copy and the journal of edits fill it.

    Raises:
        LibraryLockedError: it is open.
        LibraryError: nothing can be read, or the disk does not take it.
    """
    fresh = path.with_name(f"{path.name}.rebuilt")
    with _replaced(path, fresh) as lock:
        source = path
        if not has_content(path) and (kept := asides(path)):
            source = kept[0]  # the program was killed between putting it aside and the new one
        log: Path | None = source.with_name(f"{source.name}-wal")
        noted = lock.noted()
        if log is not None and noted is not None and not follows(salt_of(log), noted):
            log = None
        backup = newest_good_backup(path)
        saved = rebuild_into(
            fresh, read_damaged(source, log, backup, len(MIGRATIONS)), bring_up, len(MIGRATIONS)
        )
        if not saved.rows:
            raise LibraryError(f"Nothing in {display_name(path)} can be read.")
        with contextlib.closing(connect_to_copy(fresh)) as connection:
            _check(connection, path)
        aside = take_place(fresh, path, lock)
    return Rebuilt(saved, aside, backup)


def begin_anew(path: Path) -> Path | None:
    """Begin a new library; the old one and its copies are kept under another name.

    Returns:
        Where the old one is now; ``None`` if there was none.

    Raises:
        LibraryLockedError: it is open.
        LibraryError: the folder or the disk does not allow it.
    """
    fresh = path.with_name(f"{path.name}.begun")
    with _replaced(path, fresh) as lock:
        with contextlib.closing(connect_writing(fresh, 0.0)) as connection:
            bring_up(connection, 0, len(MIGRATIONS))
        aside = take_place(fresh, path, lock)
        put_copies_away(path, aside)
    return aside


@contextlib.contextmanager
def _replaced(path: Path, fresh: Path) -> Generator[LibraryLock, None, None]:
    """Hold the lock while a new file is made; nothing half made stays, and errors have words."""
    lock = LibraryLock(path)
    try:
        with translated(fresh):
            _remove(fresh)
            yield lock
    except OSError as error:
        raise LibraryError(f"{display_name(path)}: {error.strerror}.") from error
    finally:
        with contextlib.suppress(OSError):
            _remove(fresh)
        lock.release()


def _remove(fresh: Path) -> None:
    for ending in ("", "-journal", "-wal", "-shm"):
        fresh.with_name(f"{fresh.name}{ending}").unlink(missing_ok=True)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    for check in ("integrity_check(1)", "foreign_key_check"):
        found = connection.execute(f"PRAGMA {check}").fetchone()
        if found not in (None, ("ok",)):
            raise LibraryError(f"What was saved of {display_name(path)} is not sound: {found}.")
