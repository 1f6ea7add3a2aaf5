"""Copies of a library, numbered; the newest sound one takes the place of a damaged file."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from engine.atomic import atomic_path, replace_durably
from engine.library.access import COMPANIONS, keep_private, make_private_file
from engine.library.connections import connect_to_copy
from engine.library.errors import DAMAGE, LibraryError
from engine.library.lock import LibraryLock
from engine.library.schema import APPLICATION_ID
from engine.texts import display_name

KEPT_BACKUPS = 5
_NAME = re.compile(r"([0-9]{6})-([0-9]{8})\.db")
_CHECK = "PRAGMA integrity_check(1)"


def backups_folder(library: Path) -> Path:
    """Where the copies of a library are."""
    return library.with_name(f"{library.name}.backups")


def backups(library: Path) -> list[Path]:
    """The copies, newest first, by their number: clocks jump."""
    try:
        found = list(backups_folder(library).iterdir())
    except OSError:
        return []
    return sorted((p for p in found if _NAME.fullmatch(p.name)), key=_number, reverse=True)


def back_up(connection: sqlite3.Connection, library: Path) -> Path:
    """Copy the library as it is now, while it may be in use, and drop the oldest copies.

    Args:
        connection: any to the library, outside a transaction.
        library: its file.

    Raises:
        LibraryError: the folder or the disk does not take it.
    """
    existing = backups(library)
    number = _number(existing[0]) + 1 if existing else 1
    target = backups_folder(library) / f"{number:06}-{_today()}.db"
    try:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        with atomic_path(target) as temporary:
            _copy(connection, temporary)
        keep_private(library, target.parent)
        for old in backups(library)[KEPT_BACKUPS:]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise LibraryError(
            f"{display_name(library)} could not be backed up: {error.strerror}."
        ) from error
    return target


def back_up_before_change(connection: sqlite3.Connection, library: Path) -> Path:
    """Copy the library before much of it changes at one stroke.

    Of one day the first copy and this one stay, so that many such changes leave those of the days
    before.

    Args:
        connection: any to the library, outside a transaction.
        library: its file.

    Raises:
        LibraryError: the folder or the disk does not take it.
    """
    target = back_up(connection, library)
    of_today = [copy for copy in backups(library) if copy.stem.endswith(_today())]
    for copy in of_today[1:-1]:
        with contextlib.suppress(OSError):  # it is only one too many
            copy.unlink()
    return target


def has_backup_of_today(library: Path) -> bool:
    """Whether the newest copy is from this day (UTC)."""
    newest = backups(library)[:1]
    return bool(newest) and newest[0].stem.endswith(_today())


def newest_good_backup(library: Path) -> Path | None:
    """The newest copy that passes SQLite's full check."""
    return next((copy for copy in backups(library) if _is_good(copy)), None)


def restore_backup(library: Path, copy: Path) -> Path | None:
    """Put a copy in the place of a damaged library, which is kept under another name.

    Returns:
        Where the damaged file is now; ``None`` if there was none.

    Raises:
        LibraryError: the copy is damaged, or the library is open, or the disk does not take it.
    """
    if not _is_good(copy):
        raise LibraryError(f"The copy {display_name(copy)} is damaged too.")
    fresh = library.with_name(f"{library.name}.restored")
    lock = LibraryLock(library)
    try:
        fresh.unlink(missing_ok=True)
        make_private_file(fresh)
        shutil.copyfile(copy, fresh)
        return take_place(fresh, library, lock)
    except OSError as error:
        raise LibraryError(
            f"{display_name(library)} could not be restored: {error.strerror}."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        lock.release()


def take_place(fresh: Path, library: Path, lock: LibraryLock) -> Path | None:
    """Put a finished file in the place of a library, which is kept under another name.

    Killed in the middle, there is no library but what was kept: the next opening says so.

    Args:
        fresh: the new file, with nothing beside it.
        library: whose place it takes.
        lock: that is held on the library.

    Returns:
        Where the old file is now; ``None`` if there was none.

    Raises:
        OSError: the folder or the disk does not allow it.
    """
    aside = keep_aside(library)
    lock.forget()
    replace_durably(fresh, library)
    return aside


def keep_aside(library: Path) -> Path | None:
    """Rename a library and what SQLite keeps beside it; for one that nobody has open."""
    aside = _free_name(library)
    moved = None
    keep_private(library, backups_folder(library))
    for ending in COMPANIONS:
        source = library.with_name(library.name + ending)
        if source.exists():
            moved = source.rename(aside.with_name(aside.name + ending))
    return aside if moved else None


def put_copies_away(library: Path, aside: Path | None) -> None:
    """Rename the folder with the copies, like the library that was kept aside.

    Raises:
        OSError: the folder does not allow it.
    """
    copies = backups_folder(library)
    if copies.exists():
        copies.rename(backups_folder(aside or _free_name(library)))


def asides(library: Path) -> list[Path]:
    """Damaged files of a library that were kept under other names, newest first."""
    pattern = re.compile(
        rf"{re.escape(library.stem)}\.damaged-(\d{{8}})-(\d+){re.escape(library.suffix)}"
    )
    found = []
    with contextlib.suppress(OSError):
        for path in library.parent.iterdir():
            if match := pattern.fullmatch(path.name):
                found.append((path.stat().st_mtime_ns, int(match[2]), path))
    return [path for *_, path in sorted(found, reverse=True)]


def _free_name(library: Path) -> Path:
    stamp, number = f"{datetime.now(UTC):%Y%m%d}", 1
    while True:
        name = library.with_name(f"{library.stem}.damaged-{stamp}-{number}{library.suffix}")
        endings = (*COMPANIONS, ".backups")
        if not any(name.with_name(name.name + ending).exists() for ending in endings):
            return name
        number += 1


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy:
        connection.backup(copy)
        # One file that needs nothing beside it.
        copy.execute("PRAGMA journal_mode = DELETE")


def _is_good(copy: Path) -> bool:
    try:
        with contextlib.closing(connect_to_copy(copy)) as connection:
            ours = bool(connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,))
            return ours and bool(connection.execute(_CHECK).fetchone() == ("ok",))
    except DAMAGE:
        return False


def _number(copy: Path) -> int:
    return int(copy.name.partition("-")[0])


def _today() -> str:
    return f"{datetime.now(UTC):%Y%m%d}"
