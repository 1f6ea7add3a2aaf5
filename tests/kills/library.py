"""Work on a library that is killed."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.library.backup import backups, newest_good_backup, restore_backup
from engine.library.errors import DamagedLibraryError
from engine.library.opening import open_library
from engine.library.repairing import begin_anew, rebuild_library
from engine.library.schema import MIGRATIONS, TABLES
from engine.library.store import Library
from engine.library.values import Verdict, Wish
from tests.engine.library.parts import ME, NEXT, backed_up, filled
from tests.kills.at_calls import Contents, Work

_COUNT = 40


def library(name: str) -> Work:
    """What is done to a library, by its name in ``NAMES``."""
    make, prepare, do = _WORKS[name]

    def read(here: Path) -> Contents:
        if not (here / "library.db").exists() and name == "first":
            return {}
        found: dict[str, object] = {"library": _state(here / "library.db")}
        if name == "copy":
            newest = newest_good_backup(here / "library.db")
            found |= {"copies": len(backups(here / "library.db")), "sound": newest is not None}
        return found

    return Work(
        lambda here: make(here / "library.db"),
        lambda here, ready: do(here / "library.db", ready),
        read,
        prepare=lambda here: prepare(here / "library.db"),
        is_done_again=False,
    )


def _made(path: Path) -> None:
    with open_library(path) as opened:
        filled(opened, _COUNT)
        opened.decide([Wish(i, "old", Verdict.ADDED) for i in range(1, _COUNT)], who=ME, caption="")
        backed_up(path)
    with open_library(path) as opened:
        opened.decide([Wish(1, "late", Verdict.ADDED)], who=ME, caption="")


def _made_and_cut(path: Path) -> None:
    _made(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])


def _made_and_lost(path: Path) -> None:
    _made(path)
    path.write_bytes(b"")


def _nothing(_: Path) -> None:
    return None


def _edit(_: Path, opened: Library | None) -> None:
    assert opened is not None
    wishes = [Wish(i, "new", Verdict.ADDED) for i in range(1, _COUNT)]
    wishes += [Wish(i, "old", None) for i in range(1, _COUNT)]
    opened.decide(wishes, who=ME, caption="Edit", reviewed={1: True})


def _edit_and_close(path: Path, opened: Library | None) -> None:
    _edit(path, opened)
    assert opened is not None
    opened.close()


def _migrate(path: Path, _: object) -> None:
    open_library(path, migrations=(*MIGRATIONS, NEXT)).close()


_Made, _Prepared, _Done = (
    Callable[[Path], None],
    Callable[[Path], Any],
    Callable[[Path, Any], object],
)
_WORKS: dict[str, tuple[_Made, _Prepared, _Done]] = {
    "edit": (_made, open_library, _edit),
    "close": (_made, open_library, _edit_and_close),
    "migrate": (_made, _nothing, _migrate),
    "first": (_nothing, _nothing, lambda path, _: open_library(path).close()),
    "copy": (_made, _nothing, lambda path, _: backed_up(path)),
    "restore": (_made_and_lost, _nothing, lambda path, _: restore_backup(path, backups(path)[0])),
    "rebuild": (_made_and_cut, _nothing, lambda path, _: rebuild_library(path)),
    "anew": (_made, _nothing, lambda path, _: begin_anew(path)),
}
NAMES = tuple(_WORKS)


def _state(path: Path) -> object:
    """All that counts of a library, once it was opened; ``None``: it says that it is damaged."""
    migrations = MIGRATIONS
    if path.exists() and path.stat().st_size:
        with (
            contextlib.suppress(sqlite3.DatabaseError),
            contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection,
        ):
            if connection.execute("PRAGMA user_version").fetchone()[0] > len(MIGRATIONS):
                migrations = (*MIGRATIONS, NEXT)
    try:
        open_library(path, migrations=migrations).close()
    except DamagedLibraryError:
        return None
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = {}
        for table in (*TABLES, *(["notes"] if len(migrations) > len(MIGRATIONS) else [])):
            facts = connection.execute(f"PRAGMA table_info ({table})")
            # Two runs of the same work differ in time alone.
            columns = [row[1] for row in facts if row[1].rpartition("_")[2] != "at"]
            question = f"SELECT {', '.join(columns)} FROM {table}"
            rows[table] = connection.execute(question).fetchall()
        return json.dumps([len(migrations), rows], default=repr, sort_keys=True)
