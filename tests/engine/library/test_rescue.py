"""Damaged libraries: what is saved of them page by page, and that none is silently a new one."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from engine.library import backup
from engine.library.connections import connect_to_copy
from engine.library.errors import DamagedLibraryError, FutureLibraryError
from engine.library.opening import bring_up, open_library
from engine.library.repairing import begin_anew, rebuild_library
from engine.library.rescue.log import committed_pages
from engine.library.rescue.pages import Kind, PageFile, UnreadableError
from engine.library.rescue.salvage import Damaged, salvage
from engine.library.schema import MIGRATIONS
from engine.library.values import Verdict, Wish
from tests.engine.library.made import (
    PAGE,
    Made,
    flip,
    laid_out,
    make,
    rows_of,
    salt_of_bytes,
    without_copies,
)
from tests.engine.library.parts import ME, backed_up, columns_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made") / "library.db")


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Made:
    return laid_out(made, tmp_path)


@pytest.mark.parametrize("with_copies", [True, False])
def test_all_rows_are_saved_of_a_file_without_its_first_page(
    copy: Made, *, with_copies: bool
) -> None:
    data = bytearray(copy.path.read_bytes())
    data[:PAGE] = bytes(PAGE)
    copy.path.write_bytes(data)
    if not with_copies:
        without_copies(copy)
    rebuilt = rebuild_library(copy.path)
    assert rows_of(copy.path) == copy.rows
    assert rebuilt.aside is not None and rebuilt.aside.read_bytes() == bytes(data)
    assert "Nothing is missing" in rebuilt.text()


def test_what_is_cut_off_comes_from_the_copy_and_what_came_later_from_the_file(copy: Made) -> None:
    data = copy.path.read_bytes()
    copy.path.write_bytes(data[: len(data) * 2 // 3])
    rebuilt = rebuild_library(copy.path)
    now = rows_of(copy.path)
    old = rows_of(backup.backups(copy.path)[0])
    kept = {row[:2] for row in old["decisions"]} & {row[:2] for row in copy.rows["decisions"]}
    assert kept <= {row[:2] for row in now["decisions"]}
    assert {row[:6] for row in old["images"]} <= {row[:6] for row in now["images"]}
    assert now["decisions"] - old["decisions"]  # some that only the file had
    assert "only from the copy" in rebuilt.text()


@pytest.mark.parametrize("with_copies", [True, False])
def test_decisions_whose_pages_are_lost_are_told_by_the_journal(
    copy: Made, *, with_copies: bool
) -> None:
    with contextlib.closing(connect_to_copy(copy.path)) as connection:
        question = "SELECT rootpage FROM sqlite_schema WHERE name = 'decisions'"
        root = int(connection.execute(question).fetchone()[0])
    data = bytearray(copy.path.read_bytes())
    for number in (root, *PageFile(bytes(data), PAGE).page(root).children):
        data[(number - 1) * PAGE : number * PAGE] = bytes(PAGE)
    copy.path.write_bytes(data)
    if not with_copies:
        without_copies(copy)
    rebuilt = rebuild_library(copy.path)
    assert rows_of(copy.path)["decisions"] == copy.rows["decisions"]
    assert rebuilt.saved.from_journal == len(copy.rows["decisions"])


def test_images_whose_pages_are_lost_keep_path_and_decisions(copy: Made) -> None:
    with contextlib.closing(connect_to_copy(copy.path)) as connection:
        question = "SELECT rootpage FROM sqlite_schema WHERE name = 'images'"
        root = int(connection.execute(question).fetchone()[0])
    data = bytearray(copy.path.read_bytes())
    for number in (root, *PageFile(bytes(data), PAGE).page(root).children):
        data[(number - 1) * PAGE : number * PAGE] = bytes(PAGE)
    copy.path.write_bytes(data)
    without_copies(copy)
    rebuild_library(copy.path)
    now = rows_of(copy.path)
    assert {row[:3] for row in now["images"]} == {row[:3] for row in copy.rows["images"]}
    assert now["decisions"] == copy.rows["decisions"]


def test_what_is_only_in_the_log_is_saved(copy: Made) -> None:
    data = bytearray(copy.main)
    data[:PAGE] = bytes(PAGE)
    copy.path.write_bytes(data)
    copy.path.with_name("library.db-wal").write_bytes(copy.log)
    without_copies(copy)
    rebuild_library(copy.path)
    assert rows_of(copy.path) == copy.rows


def test_a_cut_log_counts_up_to_its_last_commit(made: Made) -> None:
    whole = committed_pages(made.log, PAGE)
    assert whole
    cut = committed_pages(made.log[:-1], PAGE)
    assert cut.keys() <= whole.keys() and cut != whole
    assert committed_pages(made.log, 1024) == {}
    spoilt = bytearray(made.log)
    spoilt[40] ^= 1
    assert committed_pages(bytes(spoilt), PAGE) == {}


def test_an_older_library_is_saved_too(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute(f"PRAGMA application_id = {0x43535241}")
        for step in (("BEGIN",), *MIGRATIONS[:3], ("COMMIT",)):
            for statement in step:
                old.execute(statement)
        old.execute("PRAGMA user_version = 3")
        old.execute("BEGIN")
        old.execute("INSERT INTO folders VALUES (1, ?, 1)", (b"/photos",))
        old.executemany(
            "INSERT INTO images VALUES (?, 1, ?, 10, 20, NULL, 0, 0)",
            [(i, b"%d.jpg" % i) for i in range(1, 500)],
        )
        old.executemany(
            "INSERT INTO decisions VALUES (?, 'cat', 'added', 'me', 5)",
            [(i,) for i in range(1, 500)],
        )
        old.execute("COMMIT")
    data = bytearray(path.read_bytes())
    data[-PAGE:] = bytes(PAGE)
    path.write_bytes(data)
    rebuild_library(path)
    with open_library(path) as library:
        assert len(library.stored(library.files()).verdicts) > 300


def test_every_page_of_a_sound_library_is_read_whole(made: Made) -> None:
    file = PageFile(made.path.read_bytes(), PAGE)
    free = file.free_pages()
    kinds = Counter[Kind]()
    for number in range(1, file.count + 1):
        with contextlib.suppress(UnreadableError):
            page = file.page(number)
            assert number in free or page.is_whole, number
            kinds[page.kind] += 1
    assert kinds[Kind.TABLE_LEAF] > 5 and kinds[Kind.INDEX_LEAF] > 5


def test_whatever_bytes_there_are_they_are_read_without_a_fault(made: Made) -> None:
    whole, generator = made.path.read_bytes(), random.Random(7)
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        bring_up(empty, 0, len(MIGRATIONS))
        for count in (100, 1000, 10_000):
            data = bytearray(whole)
            flip(count)(data, generator)
            with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as target:
                empty.backup(target)
                target.execute("BEGIN")
                damaged = Damaged(PageFile(bytes(data), PAGE), len(MIGRATIONS), None)
                assert salvage(damaged, target).rows


def test_a_library_of_a_newer_program_is_not_rebuilt(copy: Made) -> None:
    data = bytearray(copy.path.read_bytes())
    data[60:64] = (len(MIGRATIONS) + 1).to_bytes(4, "big")
    copy.path.write_bytes(data)
    with pytest.raises(FutureLibraryError, match="newer version"):
        rebuild_library(copy.path)
    assert copy.path.read_bytes() == bytes(data)


# Nothing is silently begun.


@pytest.mark.parametrize("state", ["empty", "missing"])
@pytest.mark.parametrize("beside", ["copies", "bad copies", "log", "aside"])
def test_a_library_that_is_gone_is_never_silently_a_new_one(
    copy: Made, state: str, beside: str
) -> None:
    folder = backup.backups_folder(copy.path)
    if beside == "bad copies":
        for old in folder.iterdir():
            old.write_bytes(b"nothing")
    elif beside != "copies":
        without_copies(copy)
    if beside == "log":
        copy.path.with_name("library.db-wal").write_bytes(copy.log)
    if beside == "aside":
        shutil.copyfile(copy.path, copy.path.with_name("library.damaged-20260101-1.db"))
    copy.path.unlink()
    if state == "empty":
        copy.path.touch()
    with pytest.raises(DamagedLibraryError, match=f"is {state}, but") as caught:
        open_library(copy.path)
    assert (caught.value.backup is not None) == (beside == "copies")
    if beside == "log":
        assert copy.path.with_name("library.db-wal").read_bytes() == copy.log
    if beside == "aside":
        rebuild_library(copy.path)
        assert rows_of(copy.path) == copy.rows
        return
    begin_anew(copy.path)
    with open_library(copy.path) as library:
        assert library.models() == []


def test_a_log_that_is_gone_is_said(copy: Made) -> None:
    with open_library(copy.path) as library:
        assert library.notice == ""
        library.decide([Wish(1, "last", Verdict.ADDED)], who=ME, caption="Last")
        note = copy.path.with_name("library.db.lock").read_bytes()
    copy.path.with_name("library.db.lock").write_bytes(note)  # as a killed program leaves it
    with open_library(copy.path) as library:
        assert "log of library.db is gone" in library.notice
    with open_library(copy.path) as library:
        assert library.notice == ""


def test_a_log_of_another_library_is_noticed_and_not_taken_over(copy: Made, tmp_path: Path) -> None:
    log, lock = (copy.path.with_name(f"library.db{ending}") for ending in ("-wal", ".lock"))
    other = make(tmp_path / "other.db", 150, "dog house")
    salt = salt_of_bytes(copy.log, tmp_path)
    copy.path.write_bytes(copy.main)
    log.write_bytes(other.log)
    lock.write_text(f"{salt:08x}")
    with pytest.raises(DamagedLibraryError, match="not its own"):
        open_library(copy.path)
    assert log.read_bytes() == other.log
    rebuild_library(copy.path)
    assert not any("dog house" in row for row in rows_of(copy.path)["decisions"])
    copy.path.write_bytes(copy.main)
    log.write_bytes(copy.log)  # its own
    lock.write_text(f"{salt:08x}")
    open_library(copy.path).close()
    assert rows_of(copy.path) == copy.rows


# Who may read it.


@pytest.mark.skipif("os.name == 'nt'", reason="Windows has no such permissions")
def test_only_the_person_may_read_a_library_and_its_copies(copy: Made) -> None:
    folder = backup.backups_folder(copy.path)
    copy.path.parent.chmod(0o755)
    folder.chmod(0o755)
    lock = copy.path.with_name("library.db.lock")
    lock.touch(0o644)
    for file in (copy.path, lock, *folder.iterdir()):
        file.chmod(0o644)
    with open_library(copy.path) as library:
        library.decide([Wish(1, "x", Verdict.ADDED)], who=ME, caption="X")
        library.models()
        backed_up(copy.path)
        below = [p for p in copy.path.parent.rglob("*") if p.name.startswith(("library", "0000"))]
        modes = {p.name: oct(p.stat().st_mode & 0o777) for p in below}
    assert {n for n, mode in modes.items() if mode != "0o600"} == {"library.db.backups"}
    assert modes["library.db.backups"] == "0o700"
    assert {"library.db-wal", "library.db-shm", "library.db.lock"} <= modes.keys()


@pytest.mark.skipif("os.name == 'nt'", reason="Windows has no such permissions")
def test_a_shared_folder_keeps_what_its_group_may_read(copy: Made) -> None:
    copy.path.parent.chmod(0o770)
    copy.path.chmod(0o664)
    open_library(copy.path).close()
    assert copy.path.stat().st_mode & 0o777 == 0o660


# Clocks.


class Clock:
    """What ``datetime`` is in ``backup`` for a test."""

    def __init__(self, day: str) -> None:
        self.day = day

    def now(self, zone: object) -> Clock:
        return self

    def __format__(self, form: str) -> str:
        return self.day


def test_copies_keep_their_order_when_the_clock_jumps(
    copy: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = backup.backups(copy.path)
    made = []
    for day in ("21000101", "19700101", "20260102"):
        monkeypatch.setattr(backup, "datetime", Clock(day))
        open_library(copy.path).close()
        made.append(backup.backups(copy.path)[0])
    assert [p.stem[-8:] for p in made] == ["21000101", "19700101", "20260102"]
    assert backup.backups(copy.path) == [*reversed(made), *before]
    assert backup.newest_good_backup(copy.path) == made[-1]


def test_columns_of_a_rebuilt_library_are_those_of_before(copy: Made) -> None:
    with open_library(copy.path) as library:
        before = columns_of(library)
    rebuild_library(copy.path)
    with open_library(copy.path) as library:
        after = columns_of(library)
    assert np.array_equal(before.scores, after.scores, equal_nan=True)
    assert np.array_equal(before.verdicts, after.verdicts)
