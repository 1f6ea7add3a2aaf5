"""The journal of labels that were written into files."""

from __future__ import annotations

from pathlib import Path

from engine.library.opening import open_library
from engine.library.schema import MIGRATIONS
from engine.library.written import FileState, WrittenFile


def test_a_library_of_before_gets_the_journal(tmp_path: Path) -> None:
    before = next(n for n, steps in enumerate(MIGRATIONS) if "label_writes" in "".join(steps))
    open_library(tmp_path / "library.db", migrations=MIGRATIONS[:before]).close()
    with open_library(tmp_path / "library.db") as library:
        assert library.last_write() is None


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
