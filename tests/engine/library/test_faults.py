"""What a library survives: kills, damage, other programs, full disks, other versions."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from engine.library import backup
from engine.library.errors import (
    DamagedLibraryError,
    FutureLibraryError,
    LibraryBusyError,
    LibraryError,
    LibraryLockedError,
    translated,
)
from engine.library.opening import open_library
from engine.library.repairing import begin_anew, rebuild_library
from engine.library.schema import MIGRATIONS
from engine.library.values import Verdict, Wish
from tests.engine.library.batch_writer import BATCH
from tests.engine.library.parts import (
    ME,
    MODEL,
    NEXT,
    backed_up,
    categories_of,
    columns_of,
    files,
    filled,
    prediction,
)
from tests.paths import ROOT


def child(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.engine.library.batch_writer", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def kill_after(process: subprocess.Popen[str], batches: int) -> set[int]:
    """Kill a writer while it works on the batch after these; the acknowledged image ids."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(1 + batches)]
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()  # what it acknowledged before the kill reached it
    process.wait()
    process.stdout.close()
    whole = [line for line in lines if line.endswith("\n") and line[0].isdigit()]
    return {int(number) for line in whole for number in line.split()}


def check_after_kill(path: Path, acknowledged: set[int], seen: set[int], count: int) -> set[int]:
    """Nothing acknowledged or seen before is lost, and the kill left one batch more at most."""
    with open_library(path) as library:
        known = library.stored(library.files(), MODEL.fingerprint)
        stored = set(known.scored.tolist())
        assert acknowledged | seen <= stored
        assert len(stored) == len(known.scored) <= len(acknowledged | seen) + BATCH
        assert len(library.files()) == count
        for first in sorted(acknowledged)[::BATCH]:
            assert "cat" in categories_of(library, first)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return stored


def kill_and_resume(path: Path, rounds: int, seed: int) -> None:
    generator, acknowledged, seen, count = random.Random(seed), set[int](), set[int](), 400
    for _ in range(rounds):
        process = child(str(path), str(count))
        acknowledged |= kill_after(process, generator.randint(0, 6))
        seen = check_after_kill(path, acknowledged, seen, count)


def test_a_program_killed_while_writing_loses_nothing_acknowledged(tmp_path: Path) -> None:
    kill_and_resume(tmp_path / "library.db", rounds=2, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fifty_kills_lose_nothing_acknowledged(tmp_path: Path) -> None:
    for seed in range(10):
        kill_and_resume(tmp_path / f"{seed}.db", rounds=5, seed=seed)


def test_a_second_window_hears_that_the_library_is_open(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with open_library(path), pytest.raises(LibraryLockedError, match="already open"):
        open_library(path)
    open_library(path).close()


def test_a_second_program_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    process = child(str(path), "4000")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    with pytest.raises(LibraryLockedError):
        open_library(path)
    kill_after(process, 0)
    open_library(path).close()


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A closed library with content and a backup."""
    path = tmp_path / "library.db"
    with open_library(path) as library:
        filled(library, 300)
        library.decide([Wish(1, "cat", Verdict.ADDED)], who=ME, caption="Add cat")
        backed_up(path)
    return path


def flip(count: int) -> Callable[[bytearray, random.Random], None]:
    def work(data: bytearray, generator: random.Random) -> None:
        for _ in range(count):
            data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)

    return work


def zero_first_page(data: bytearray, generator: random.Random) -> None:
    data[:4096] = bytes(4096)


def cut(data: bytearray, generator: random.Random) -> None:
    del data[generator.randrange(1, len(data)) :]


def make_text(data: bytearray, generator: random.Random) -> None:
    data[:] = b"Dear diary, " * generator.randint(1, 999)


def make_empty(data: bytearray, generator: random.Random) -> None:
    data.clear()


DAMAGES = [flip(1), flip(4), flip(64), flip(2000), zero_first_page, cut, make_text, make_empty]


def damage(path: Path, work: Callable[[bytearray, random.Random], None], seed: int) -> None:
    data = bytearray(path.read_bytes())
    work(data, random.Random(seed))
    path.write_bytes(data)


def use(path: Path) -> None:
    with open_library(path) as library:
        library.stored(library.files(), MODEL.fingerprint)
        library.images_below(Path("/photos"), recursive=True)
        library.own_thresholds(MODEL.fingerprint)
        library.images_without_hash()
        library.next_captions()
        library.models()
        library.add_images(files(310))
        library.record_predictions(MODEL.fingerprint, [prediction(files(1)[0].path, 1, 1, 1)])
        library.undo()


def damage_and_use(sound: Path, seeds: range) -> None:
    for number, work in enumerate(DAMAGES):
        for seed in seeds:
            copy = sound.with_name(f"{number}-{seed}.db")
            shutil.copyfile(sound, copy)
            shutil.copytree(backup.backups_folder(sound), backup.backups_folder(copy))
            damage(copy, work, seed)
            with contextlib.suppress(LibraryError):
                use(copy)


def test_a_damaged_file_gives_an_error_in_words_or_works(sound: Path) -> None:
    damage_and_use(sound, range(2))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_hundreds_of_damaged_files_give_an_error_in_words_or_work(sound: Path) -> None:
    damage_and_use(sound, range(100, 130))


@pytest.mark.parametrize("work", [zero_first_page, make_text, make_empty])
def test_a_backup_takes_the_place_of_a_damaged_file_which_is_kept(
    sound: Path, work: Callable[[bytearray, random.Random], None]
) -> None:
    damage(sound, work, 0)
    bad = sound.read_bytes()
    with pytest.raises(DamagedLibraryError, match=r"backup .* is good") as caught:
        open_library(sound)
    assert caught.value.backup is not None
    aside = backup.restore_backup(sound, caught.value.backup)
    assert aside is not None and aside.read_bytes() == bad
    with open_library(sound) as library:
        assert "cat" in categories_of(library, 1)


def test_a_damaged_backup_is_neither_offered_nor_restored(sound: Path) -> None:
    good = backup.backups(sound)[0]
    bad = good.with_name("000009-20240101.db")
    shutil.copyfile(good, bad)
    damage(bad, zero_first_page, 0)
    assert backup.newest_good_backup(sound) == good
    with pytest.raises(LibraryError, match="damaged too"):
        backup.restore_backup(sound, bad)


def test_an_open_library_is_not_replaced(sound: Path) -> None:
    with open_library(sound), pytest.raises(LibraryLockedError):
        backup.restore_backup(sound, backup.backups(sound)[0])


def test_a_person_can_begin_anew_and_nothing_is_lost(sound: Path) -> None:
    damage(sound, make_text, 0)
    aside = begin_anew(sound)
    with open_library(sound) as library:
        assert library.models() == []
    assert aside is not None and aside.read_bytes().startswith(b"Dear diary")
    assert len(list(sound.parent.glob("*.damaged-*.backups/*.db"))) == 1


def test_only_the_newest_backups_are_kept(sound: Path) -> None:
    with open_library(sound):
        made = [backed_up(sound) for _ in range(7)]
    assert backup.backups(sound) == made[:1:-1]


def test_what_a_kill_left_of_a_copy_goes_at_the_next_opening(sound: Path) -> None:
    left = [
        backup.backups_folder(sound) / f".csra-tmp-left{ending}" for ending in ("", "-wal", "-shm")
    ]
    for path in left:
        path.write_text("half")
    open_library(sound).close()
    assert not any(path.exists() for path in left)


def test_the_first_opening_of_a_day_makes_a_backup(sound: Path) -> None:
    old = backup.backups(sound)[0]
    old.rename(old.with_name("000001-20200101.db"))
    open_library(sound).close()
    open_library(sound).close()
    assert len(backup.backups(sound)) == 2


def test_a_lost_log_leaves_a_library_that_opens_or_says_why(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    kill_after(child(str(path), "100"), 5)
    path.with_name("library.db-wal").unlink()
    with contextlib.suppress(LibraryError):
        use(path)


def test_what_is_readable_of_a_damaged_library_is_saved(sound: Path) -> None:
    data = bytearray(sound.read_bytes())
    page = (len(data) // 4096) * 3 // 4
    data[page * 4096 : (page + 1) * 4096] = os.urandom(4096)
    sound.write_bytes(data)
    rebuilt = rebuild_library(sound)
    assert rebuilt.rows > 300
    assert rebuilt.aside.read_bytes() == bytes(data)
    use(sound)


def test_a_sound_library_is_rebuilt_whole(sound: Path) -> None:
    with open_library(sound) as library:
        before = columns_of(library)
    rebuild_library(sound)
    with open_library(sound) as library:
        after = columns_of(library)
        assert library.undo() is not None
    assert np.array_equal(before.scores, after.scores)
    assert np.array_equal(before.verdicts, after.verdicts)
    assert before.names == after.names


def test_nothing_is_made_of_a_file_with_nothing_in_it(sound: Path) -> None:
    damage(sound, make_text, 0)
    shutil.rmtree(backup.backups_folder(sound))
    with pytest.raises(LibraryError, match="Nothing"):
        rebuild_library(sound)
    assert sound.read_bytes().startswith(b"Dear diary")
    assert not list(sound.parent.glob("*.rebuilt*"))


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.commit()
    with pytest.raises(DamagedLibraryError, match="not a library"):
        open_library(path)


@contextlib.contextmanager
def exclusively_locked(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield other


def test_a_file_locked_by_another_program_is_tried_again_then_named(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with open_library(path, busy_timeout_s=0.02) as library:
        with exclusively_locked(path):
            with pytest.raises(LibraryBusyError, match=r"busy with library\.db"):
                library.add_images(files(3))
            assert library.models() == []  # reading goes on
        assert len(library.add_images(files(3))) == 3


def test_a_lock_that_is_let_go_in_time_is_not_noticed(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with (
        ThreadPoolExecutor(1) as threads,
        open_library(path, busy_timeout_s=30) as library,
        exclusively_locked(path) as other,
    ):
        future = threads.submit(library._write, lambda c: c.execute("SELECT 1").fetchone())
        other.execute("COMMIT")
        assert future.result() == (1,)


def test_a_write_that_met_another_program_is_tried_again(tmp_path: Path) -> None:
    met = iter([sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY])

    def work(connection: sqlite3.Connection) -> str:
        for code in met:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = code
            raise error
        return "written"

    with open_library(tmp_path / "library.db") as library:
        assert library._write(work) == "written"


def test_damaged_bytes_in_a_message_of_sqlite_are_damage(tmp_path: Path) -> None:
    with pytest.raises(DamagedLibraryError), translated(tmp_path / "library.db"):
        b"table \xff".decode()


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from engine.library.errors import LibraryError
from engine.library.opening import open_library
from tests.engine.library.parts import files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open_library(Path(sys.argv[1])) as library:
    library.add_images(files(10))
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 << 10, resource.RLIM_INFINITY))
    try:
        library.add_images(files(20_000))
    except LibraryError as error:
        print(type(error).__name__, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(len(library.add_images(files(20))))
"""


def test_a_full_disk_gives_a_message_and_the_work_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    path = tmp_path / "library.db"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    message, count = done.stdout.splitlines()
    assert message.startswith("NoRoomError") and "full" in message
    assert count == "20"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM images").fetchone() == (20,)


KILLED_MIGRATION = """
import os, signal, sys
from pathlib import Path
from engine.library import opening
from engine.library.schema import MIGRATIONS
from tests.engine.library.parts import NEXT
path, at = Path(sys.argv[1]), int(sys.argv[2])
steps = list(NEXT)
migrate, count = opening.run_statement, 0
def dying(connection, statement):
    global count
    if count == at:
        os.kill(os.getpid(), signal.SIGKILL)
    count += 1
    migrate(connection, statement)
opening.run_statement = dying
opening.open_library(path, migrations=(*MIGRATIONS, steps)).close()
"""


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_migration_killed_at_a_statement_leaves_the_old_version(sound: Path, at: int) -> None:
    command = [sys.executable, "-c", KILLED_MIGRATION, str(sound), str(at)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    with contextlib.closing(sqlite3.connect(sound)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert len(backup.backups(sound)) == 2  # made first
    open_library(sound, migrations=(*MIGRATIONS, NEXT)).close()
    with contextlib.closing(sqlite3.connect(sound)) as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (300,)


def test_a_library_of_a_newer_program_is_left_alone(sound: Path) -> None:
    open_library(sound, migrations=(*MIGRATIONS, NEXT)).close()
    with pytest.raises(FutureLibraryError, match="newer version"):
        open_library(sound)
    open_library(sound, migrations=(*MIGRATIONS, NEXT)).close()
