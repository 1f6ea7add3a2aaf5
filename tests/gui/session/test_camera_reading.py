from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from csra_gui.session.session import Session
from csra_gui.session.tag_job import FileChanged
from engine.library.cameras import CameraFacts, taken_ns
from engine.library.columns import NOT_TAKEN
from engine.library.errors import LibraryError
from engine.library.store import Library
from engine.library.values import look_at
from engine.metadata import camera_reading
from tests.fakes import FakeEngine
from tests.gui.driver import row_in
from tests.gui.session.restarts import Restarts


def photo(path: Path, taken: str, model: str) -> Path:
    exif = Image.Exif()
    exif[0x0110], exif[0x0132] = model, taken
    Image.new("RGB", (8, 6)).save(path, exif=exif)
    return path


@pytest.fixture
def restarts(qtbot: QtBot, settings_file: Path) -> Iterator[Restarts]:
    made = Restarts(qtbot, settings_file)
    yield made
    made.end_all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos that say when and with what, and one that says nothing."""
    folder = tmp_path / "photos"
    folder.mkdir()
    photo(folder / "cat.jpg", "2019:05:17 12:00:00", "Acme 1")
    photo(folder / "dog.jpg", "2018:05:17 12:00:00", "Bcme 2")
    (folder / "person.jpg").touch()
    return folder


def wait_until_read(qtbot: QtBot, session: Session, count: int = 3) -> None:
    cameras = session.pipeline.cameras
    qtbot.waitUntil(lambda: len(session.photos) == count and not cameras.remaining)


def camera(session: Session, name: str) -> str:
    known = session.photos.cameras
    return known.names[known.camera_of[row_in(session, name)]]


def test_photos_are_read_once_whatever_the_model_does(
    qtbot: QtBot,
    restarts: Restarts,
    engine: FakeEngine,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine.open_gate.clear()  # the model never comes
    first = restarts.start(engine, [folder])
    wait_until_read(qtbot, first)
    moments = first.photos.cameras.taken_ns
    assert moments[row_in(first, "cat.jpg")] == taken_ns("2019-05-17T12:00:00")
    assert moments[row_in(first, "person.jpg")] == NOT_TAKEN
    assert camera(first, "dog.jpg") == "Bcme 2"
    engine.open_gate.set()
    restarts.end(first)
    read: list[Path] = []
    real = camera_reading.read_camera_facts
    monkeypatch.setattr(
        camera_reading, "read_camera_facts", lambda path: read.append(path) or real(path)
    )
    second = restarts.start(FakeEngine(), [folder])
    wait_until_read(qtbot, second)
    assert camera(second, "dog.jpg") == "Bcme 2"
    photo(folder / "zebra.jpg", "2017:05:17 12:00:00", "Acme 1")
    second.pipeline.add([folder])
    wait_until_read(qtbot, second, 4)
    assert read == [folder / "zebra.jpg"]


def test_a_file_that_changes_is_read_again(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    session = restarts.start(engine, [folder])
    wait_until_read(qtbot, session)
    path = photo(folder / "cat.jpg", "2020:01:01 00:00:00", "Changed")
    os.utime(path, ns=(10**18, 10**18))
    row, file = row_in(session, "cat.jpg"), look_at(path)
    assert file is not None
    session.tagger.take_changes([FileChanged(row, file)])
    assert session.pipeline.cameras.remaining == 1
    session.pipeline.proceed()
    wait_until_read(qtbot, session)
    assert camera(session, "cat.jpg") == "Changed"


def test_what_is_shown_follows_what_is_read(
    qtbot: QtBot,
    restarts: Restarts,
    engine: FakeEngine,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = threading.Event()
    real = camera_reading.read_camera_facts

    def slow(path: Path) -> CameraFacts:
        answers.wait(30.0)
        return real(path)

    monkeypatch.setattr(camera_reading, "read_camera_facts", slow)
    session = restarts.start(engine, [folder])
    session.shown.set_filter("date:2018..2019 camera:*")
    restarts.wait_until_tagged(session, 3)
    qtbot.waitUntil(lambda: not session.shown.is_pending)
    assert len(session.shown) == 0 and session.pipeline.cameras.remaining == 3
    answers.set()
    qtbot.waitUntil(lambda: len(session.shown) == 2)


def test_another_folder_ends_the_reading(
    qtbot: QtBot,
    restarts: Restarts,
    engine: FakeEngine,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers, asked = threading.Event(), threading.Event()
    real = camera_reading.read_camera_facts

    def slow(path: Path) -> CameraFacts:
        asked.set()
        answers.wait(30.0)
        return real(path)

    monkeypatch.setattr(camera_reading, "read_camera_facts", slow)
    session = restarts.start(engine, [folder])
    qtbot.waitUntil(asked.is_set)
    other = tmp_path / "other"
    other.mkdir()
    photo(other / "boat.jpg", "2016:05:17 12:00:00", "Other")
    session.open([other])
    answers.set()
    wait_until_read(qtbot, session, 1)
    assert session.photos.cameras.names == ("", "Other")


def test_a_library_that_cannot_keep_it_ends_the_reading_with_a_message(
    qtbot: QtBot,
    restarts: Restarts,
    engine: FakeEngine,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise LibraryError("The disk is full.")

    monkeypatch.setattr(Library, "set_camera_facts", fail)
    told: list[str] = []
    session = restarts.start(engine)
    session.library.storing_failed.connect(told.append)
    session.open([folder])
    qtbot.waitUntil(lambda: "The disk is full." in told)
    assert session.pipeline.cameras.remaining == 0
