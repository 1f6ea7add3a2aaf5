"""One connection writes a library and makes its checkpoints, in all of the program's processes.

Releases of SQLite before 3.51.3, 3.50.7 and 3.44.6 can damage a file whose log is reset while
another connection writes or makes a checkpoint. Python brings any of them, so none may matter.
"""

from __future__ import annotations

import ast
import contextlib
import sqlite3
from pathlib import Path

import pytest

from engine.library.connections import connect_reading
from engine.library.errors import LibraryLockedError
from engine.library.opening import open_library
from tests.engine.library.parts import files
from tests.paths import ROOT

#: Modules that open a file for SQLite to write, and why no other process does so at the time.
_WRITERS = {
    "engine/library/connections.py": "where it is defined",
    "engine/library/opening.py": "holds the lock of the library",
    "engine/library/repairing.py": "holds the lock; a new file that nobody knows yet",
    "engine/library/rescue/rebuilding.py": "a new file that nobody knows yet",
    "engine/library/backup.py": "a new copy that nobody knows yet",
}


def callers() -> set[str]:
    found = set()
    for room in ("engine", "csra_gui"):
        for file in (ROOT / room).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            if "sqlite3" in text or "connect_writing" in text:
                for node in ast.walk(ast.parse(text)):
                    is_call = isinstance(node, ast.Call)
                    if is_call and ast.unparse(node.func) in ("sqlite3.connect", "connect_writing"):
                        found.add(file.relative_to(ROOT).as_posix())
    return found


def test_nobody_else_opens_a_library_to_write() -> None:
    assert callers() == _WRITERS.keys()


def test_who_reads_can_neither_write_nor_make_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    log = path.with_name("library.db-wal")
    with open_library(path) as library:
        library.add_images(files(300))
        before = path.read_bytes(), log.read_bytes()
        with contextlib.closing(connect_reading(path)) as reader:
            assert reader.execute("SELECT count(*) FROM images").fetchone() == (300,)
            for mode in ("PASSIVE", "FULL", "RESTART", "TRUNCATE"):
                with contextlib.suppress(sqlite3.OperationalError):
                    reader.execute(f"PRAGMA wal_checkpoint({mode})")
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                reader.execute("DELETE FROM images")
        assert (path.read_bytes(), log.read_bytes()) == before


def test_a_second_writer_is_refused_before_sqlite_sees_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "library.db"
    with open_library(path):
        monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: pytest.fail("it was opened"))
        with pytest.raises(LibraryLockedError):
            open_library(path)
