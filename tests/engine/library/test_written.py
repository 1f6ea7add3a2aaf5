"""The journal of labels that were written into files."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from engine.library.opening import open_library
from engine.library.schema import MIGRATIONS
from engine.library.store import Library
from engine.library.written import KEPT_DAYS, KEPT_WRITES, EntryPair, FileState, WrittenFile

LATER_MS = int(time.time() * 1000) + (KEPT_DAYS + 1) * 86_400_000


def test_a_library_of_before_gets_the_journal(tmp_path: Path) -> None:
    before = next(n for n, steps in enumerate(MIGRATIONS) if "label_writes" in "".join(steps))
    open_library(tmp_path / "library.db", migrations=MIGRATIONS[:before]).close()
    with open_library(tmp_path / "library.db") as library:
        assert library.last_write() is None


def test_a_journal_of_before_photos_were_written_into_is_read(tmp_path: Path) -> None:
    before = next(n for n, steps in enumerate(MIGRATIONS) if "ADD COLUMN photo" in "".join(steps))
    path = tmp_path / "a.jpg"
    opened = open_library(tmp_path / "library.db", migrations=MIGRATIONS[:before])
    number = opened.begin_write("Test")
    opened.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "library.db")) as connection, connection:
        connection.execute(
            "INSERT INTO written_files VALUES (?, ?, NULL, 'ab', '[]', '[]', 'done')",
            (number, os.fsencode(path)),
        )
    with open_library(tmp_path / "library.db") as library:
        (file,) = library.files_of_write(number)
        assert (file.path, file.digest, file.photo) == (path, "ab", "")


def test_a_photo_is_noted_with_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    with open_library(tmp_path / "library.db") as library:
        number = library.begin_write("Test")
        library.note_files([WrittenFile(number, path, b"packet", "", photo="{}")])
        library.note_digest(number, path, "ff")
        assert library.begun_files() == [WrittenFile(number, path, b"packet", "ff", photo="{}")]


def test_what_is_ours_is_what_was_added_and_neither_removed_nor_undone(tmp_path: Path) -> None:
    path, dog, cat = tmp_path / "a.xmp", ("subject", "dog"), ("subject", "cat")
    with open_library(tmp_path / "library.db") as library:
        steps = [((dog, cat), ()), ((), (dog,)), ((dog,), ())]
        for added, removed in steps:
            number = library.begin_write("Test")
            library.note_files([WrittenFile(number, path, b"old", "", added, removed)])
            library.settle_files(number, {path: FileState.DONE})
        assert set(library.own_entries([path])[path]) == {dog, cat}
        library.settle_files(number, {path: FileState.UNDONE})
        assert library.own_entries([path]) == {path: (cat,)}
        last = library.last_write()
        assert last is not None
        assert [file.old for file in library.files_of_write(last.id)] == [b"old"]


def test_a_write_that_touched_nothing_is_forgotten(tmp_path: Path) -> None:
    with open_library(tmp_path / "library.db") as library:
        number = library.begin_write("Test")
        library.note_files([WrittenFile(number, tmp_path / "a", None, "")])
        assert [file.path for file in library.begun_files()] == [tmp_path / "a"]
        library.settle_files(number, {tmp_path / "a": None})
        library.end_write(number)
        assert library.begin_write("Test") == number + 1
        assert library.last_write() is None


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_old_writes_are_forgotten_but_not_what_is_ours(tmp_path: Path, kept: int) -> None:
    path, dog, cat = tmp_path / "a.xmp", ("subject", "dog"), ("subject", "cat")
    gone = tmp_path / "gone.xmp"
    with open_library(tmp_path / "library.db") as library:
        last = noted(library, path, [((dog, cat), ()), ((), (dog,))])
        noted(library, gone, [((dog,), ()), ((), (dog,))])
        own = library.own_entries([path, gone])
        later = noted(library, path, [((dog,), ())] * (KEPT_WRITES - 4 + kept))
        assert library.forget_old_writes() == 0
        assert library.forget_old_writes(LATER_MS) == kept
        assert own == {path: (cat,)}
        assert library.own_entries([path, gone])[path] == (cat, dog)
        assert library.forget_old_writes(LATER_MS) == 0
        assert bool(library.files_of_write(last - 1)) == (kept == 0)
        assert library.files_of_write(later)


@pytest.mark.slow
def test_a_write_that_was_not_survived_is_kept_however_old(tmp_path: Path) -> None:
    with open_library(tmp_path / "library.db") as library:
        number = library.begin_write("Test")
        library.note_files([WrittenFile(number, tmp_path / "a", b"old", "")])
        noted(library, tmp_path / "b", [((), ())] * (KEPT_WRITES + 3))
        assert library.forget_old_writes(LATER_MS) == 0
        assert [file.old for file in library.begun_files()] == [b"old"]
        library.settle_files(number, {tmp_path / "a": FileState.DONE})
        assert library.forget_old_writes(LATER_MS) == 4


def noted(library: Library, path: Path, steps: Iterable[tuple[tuple[EntryPair, ...], ...]]) -> int:
    """Note a write per step, each of one file that was written; the last one's number."""
    for added, removed in steps:
        number = library.begin_write("Test")
        library.note_files([WrittenFile(number, path, b"old", "", added, removed)])
        library.settle_files(number, {path: FileState.DONE})
    return number
