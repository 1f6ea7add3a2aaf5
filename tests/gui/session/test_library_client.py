from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from csra_gui.base.paths import library_file
from csra_gui.interchange.import_dialog import ImportDialog
from csra_gui.library.repair_dialog import Repair, RepairDialog
from csra_gui.session.library_client import LibraryClient
from engine.library.backup import back_up, backups_folder
from engine.library.connections import connect_reading
from engine.library.errors import LibraryError
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import ImageFile, Verdict
from tests.gui.driver import Start, press


@pytest.fixture
def client(qtbot: QtBot, tmp_path: Path) -> Iterator[LibraryClient]:
    made = LibraryClient(tmp_path / "data" / "library.db")
    yield made
    assert made.close(10.0)


def test_what_is_asked_for_before_the_library_is_open_is_done_after(
    qtbot: QtBot, client: LibraryClient
) -> None:
    done: list[object] = []
    client.open()
    client.submit(lambda library: library.models(), done.append)
    assert client.library is None
    qtbot.waitUntil(lambda: done == [[]])
    assert client.is_open
    assert client.problem == ""


def test_work_is_done_in_the_order_it_was_asked_for(qtbot: QtBot, client: LibraryClient) -> None:
    client.open()
    done: list[int] = []
    for number in range(50):
        client.submit(lambda _library, number=number: number, done.append)
    qtbot.waitUntil(lambda: len(done) == 50)
    assert done == list(range(50))


def test_a_failure_is_told_and_a_bug_goes_to_the_hook(qtbot: QtBot, client: LibraryClient) -> None:
    def fail(_library: Library) -> None:
        raise LibraryError("The disk is full.")

    def bug(_library: Library) -> None:
        raise ZeroDivisionError("a bug")

    client.open()
    failures: list[str] = []
    with qtbot.captureExceptions() as caught:
        client.submit(fail, None, lambda error: failures.append(str(error)))
        client.submit(bug)
        qtbot.waitUntil(lambda: bool(failures and caught))
    assert failures == ["The disk is full."]


def test_a_library_that_is_open_elsewhere_is_said_and_another_one_serves_meanwhile(
    qtbot: QtBot, client: LibraryClient, tmp_path: Path
) -> None:
    photo = ImageFile(tmp_path / "cat.jpg", 3, 4)
    ids: list[list[int]] = []
    with open_library(client.path):
        client.open()
        qtbot.waitUntil(lambda: client.library is not None)
        assert not client.is_open
        assert "already open in another window" in client.problem
        client.submit(lambda library: library.add_images([photo]), ids.append)
        qtbot.waitUntil(lambda: bool(ids))
        client.submit(
            lambda library: library.decide(
                [], who="me", caption="Reviewed", reviewed={ids[0][0]: True}
            )
        )
    client.open()
    qtbot.waitUntil(lambda: client.is_open)
    assert client.problem == ""
    library = client.library
    assert library is not None
    [image] = library.files()  # what was done meanwhile is carried over
    assert library.stored([image]).reviewed == {image}


@pytest.mark.skipif(sys.platform == "win32", reason="root's rights differ")
def test_a_folder_that_cannot_be_made_is_a_problem_not_a_fault(
    qtbot: QtBot, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    client = LibraryClient(tmp_path / "file" / "library.db")
    client.open()
    qtbot.waitUntil(lambda: client.library is not None)
    assert "cannot be made" in client.problem
    assert client.close(10.0)


def damage(library: Path) -> None:
    library.parent.mkdir(parents=True, exist_ok=True)
    library.write_bytes(b"this is not a library" * 500)


def test_a_damaged_library_is_said_and_repaired_by_beginning_anew(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    damage(library_file())
    application = start([photos])
    session, bar = application.session, application.window.message_bar
    qtbot.waitUntil(lambda: any("damaged" in text for text in bar.texts()))
    qtbot.waitUntil(lambda: session.photos.tagged_count() == 4)
    cat = session.photos.columns().names.index("cat.jpg")
    session.decisions.decide([cat], {"boat": Verdict.ADDED}, caption="Add boat")
    qtbot.waitUntil(lambda: not session.decisions.is_writing)
    press(application.window, "Repair…")
    [dialog] = application.window.findChildren(RepairDialog)
    assert Repair.RESTORE not in dialog.choices
    dialog.choices[Repair.BEGIN_ANEW].setChecked(True)
    with qtbot.waitSignal(session.library.opened):
        dialog._on_buttons_accepted()
    assert session.library.is_open
    qtbot.waitUntil(lambda: not session.pipeline.is_looking_up)
    assert session.photos.verdicts(cat) == {"boat": Verdict.ADDED}
    assert session.photos.tagged_count() == 4
    assert [p.name for p in library_file().parent.glob("*.damaged-*")]


@pytest.mark.parametrize("repair", [Repair.RESTORE, Repair.REBUILD])
def test_a_damaged_library_with_a_backup_is_restored(
    qtbot: QtBot, start: Start, photos: Path, repair: Repair
) -> None:
    with open_library(library_file()) as library:
        [image] = library.add_images([file_of(photos / "cat.jpg")])
        library.decide([], who="me", caption="Reviewed", reviewed={image: True})
        with contextlib.closing(connect_reading(library_file())) as connection:
            back_up(connection, library_file())
    for ending in ("-wal", "-shm"):
        library_file().with_name(f"library.db{ending}").unlink(missing_ok=True)
    damage(library_file())
    application = start([photos])
    session = application.session
    qtbot.waitUntil(lambda: bool(session.library.problem))
    qtbot.waitUntil(lambda: len(session.photos) == 5)
    cat = session.photos.columns().names.index("cat.jpg")
    assert not session.photos.is_reviewed(cat)
    press(application.window, "Repair…")
    [dialog] = application.window.findChildren(RepairDialog)
    dialog.choices[repair].setChecked(True)
    with qtbot.waitSignal(session.library.opened):
        dialog._on_buttons_accepted()
    qtbot.waitUntil(lambda: not session.pipeline.is_looking_up)
    assert session.photos.is_reviewed(cat)
    said = application.window.message_bar.texts()
    assert any("only from the copy" in text for text in said) == (repair is Repair.REBUILD)


@pytest.mark.parametrize("ending", ["", "-wal"])
def test_a_library_that_is_gone_is_asked_for_and_not_silently_begun(
    qtbot: QtBot, start: Start, photos: Path, ending: str
) -> None:
    with open_library(library_file()), contextlib.closing(connect_reading(library_file())) as c:
        back_up(c, library_file())
    if ending:
        shutil.rmtree(backups_folder(library_file()))
        library_file().with_name(f"library.db{ending}").write_bytes(b"what was written last")
    library_file().unlink()
    application = start([photos])
    bar = application.window.message_bar
    qtbot.waitUntil(lambda: any("library.db is missing, but" in text for text in bar.texts()))
    assert not library_file().exists()


def test_a_new_library_takes_labels_from_files_if_so_wished(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    damage(library_file())
    application = start([photos])
    session = application.session
    qtbot.waitUntil(lambda: bool(session.library.problem))
    qtbot.waitUntil(lambda: len(session.photos) == 5)
    press(application.window, "Repair…")
    [dialog] = application.window.findChildren(RepairDialog)
    dialog.choices[Repair.FROM_FILES].setChecked(True)
    with qtbot.waitSignal(session.library.opened):
        dialog._on_buttons_accepted()
    qtbot.waitUntil(lambda: bool(application.window.findChildren(ImportDialog)))
    [asked] = application.window.findChildren(ImportDialog)
    asked.reject()
    qtbot.waitUntil(lambda: not session.pipeline.is_looking_up)


def file_of(path: Path) -> ImageFile:
    facts = os.stat(path)  # noqa: PTH116
    return ImageFile(path, facts.st_size, facts.st_mtime_ns)


@pytest.mark.slow
def test_the_second_window_works_without_the_library_until_the_first_is_closed(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    first = start([photos])
    qtbot.waitUntil(lambda: first.session.photos.tagged_count() == 4)
    second = start([photos])
    bar = second.window.message_bar
    qtbot.waitUntil(lambda: any("another window" in text for text in bar.texts()))
    qtbot.waitUntil(lambda: second.session.photos.tagged_count() == 4)
    press(second.window, "Try again")
    qtbot.waitUntil(lambda: any("another window" in text for text in bar.texts()))
    first.window.close()
    assert first.shut_down()
    press(second.window, "Try again")
    qtbot.waitUntil(lambda: second.session.library.is_open)
    assert not any("another window" in text for text in bar.texts())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_window_answers_while_another_program_locks_the_library(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start([photos])
    session, bar = application.session, application.window.message_bar
    qtbot.waitUntil(lambda: session.photos.tagged_count() == 4)
    qtbot.waitUntil(lambda: not session.decisions.is_writing)
    cat = session.photos.columns().names.index("cat.jpg")
    beats: list[float] = []
    timer = QTimer(application.window, interval=10)
    timer.timeout.connect(lambda: beats.append(time.monotonic()))
    timer.start()
    other = sqlite3.connect(library_file(), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    session.decisions.decide([cat], {"boat": Verdict.ADDED}, caption="Add boat")
    qtbot.waitUntil(lambda: any("busy with" in text for text in bar.texts()), timeout=60_000)
    other.execute("COMMIT")
    other.close()
    timer.stop()
    assert len(beats) > 100  # the library waited, and nothing else did
    gaps = [later - earlier for earlier, later in pairwise(beats)]
    sys.stdout.write(f"longest gap: {1000 * max(gaps):.0f} ms")  # seen with -s
    session.decisions.decide([cat], {"boat": Verdict.ADDED}, caption="Add boat")
    qtbot.waitUntil(lambda: not session.decisions.is_writing)
    assert session.photos.verdicts(cat) == {"boat": Verdict.ADDED}
