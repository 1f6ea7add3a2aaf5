"""The library's disk is full: all waits, and goes on when there is room; nothing is asked twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.base.paths import library_file
from csra_gui.session import library_sync, tag_job
from csra_gui.session.session import Session
from engine.library.errors import NoRoomError
from engine.library.opening import open_library
from engine.library.store import Library
from tests.disks import SmallDisk, small_disk
from tests.fakes import MODEL_ID, FakeEngine
from tests.gui.session.restarts import Restarts

COUNT = 40


@pytest.fixture
def restarts(
    qtbot: QtBot, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Restarts]:
    monkeypatch.setattr(tag_job, "TRY_AGAIN_S", 0.05)
    monkeypatch.setattr(library_sync, "TRY_AGAIN_MS", 20)
    monkeypatch.setattr(tag_job, "BATCH", 4)
    made = Restarts(qtbot, settings_file)
    yield made
    made.end_all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"cat-{number}.jpg").write_text(str(number))
    return folder


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "data", mib=6) as made:
        monkeypatch.setenv("CSRA_GUI_DATA", str(made.place))
        yield made


def said_by(session: Session) -> list[str]:
    """What is said of waiting; what else wants to be stored just then says its own."""
    said: list[str] = []
    session.library.waiting_changed.connect(said.append)
    return said


def check_all_is_stored(engine: FakeEngine, restarts: Restarts, session: Session) -> None:
    restarts.end(session)
    with open_library(library_file()) as library:
        found = library.stored(list(library.files()), MODEL_ID)
        assert len(found.scored) == COUNT
    asked = Counter(path for call in engine.predict_calls for path in call)
    assert set(asked.values()) == {1}


def test_tagging_waits_for_room_and_goes_on(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path, disk: SmallDisk
) -> None:
    engine.predict_gate.clear()
    session = restarts.start(engine, [folder])
    said = said_by(session)
    qtbot.waitUntil(lambda: bool(engine.predict_calls))
    disk.fill()
    engine.predict_gate.set()
    qtbot.waitUntil(lambda: said == ["The disk is full."])
    qtbot.wait(300)
    assert session.tagger.is_running
    assert session.photos.untagged_rows()
    assert said == ["The disk is full."]
    disk.make_room()
    restarts.wait_until_tagged(session, COUNT)
    assert said == ["The disk is full.", ""]
    check_all_is_stored(engine, restarts, session)


def test_what_is_found_while_the_disk_is_full_is_looked_up_when_there_is_room(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path, disk: SmallDisk
) -> None:
    session = restarts.start(engine)
    said = said_by(session)
    qtbot.waitUntil(lambda: session.library.is_open and session.models.model is not None)
    disk.fill()
    session.open([folder])
    qtbot.waitUntil(lambda: said == ["The disk is full."])
    qtbot.wait(200)
    assert session.library.is_waiting and not engine.predict_calls
    disk.make_room()
    restarts.wait_until_tagged(session, COUNT)
    assert said == ["The disk is full.", ""]
    check_all_is_stored(engine, restarts, session)


def test_tagging_that_waits_for_room_can_be_cancelled(
    qtbot: QtBot,
    restarts: Restarts,
    engine: FakeEngine,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise NoRoomError("library.db: The disk is full.", "The disk is full.")

    monkeypatch.setattr(Library, "record_predictions", full)
    session = restarts.start(engine, [folder])
    qtbot.waitUntil(lambda: session.library.is_waiting)
    with qtbot.waitSignal(session.tagger.finished):
        session.pipeline.cancel()
    assert not session.library.is_waiting
