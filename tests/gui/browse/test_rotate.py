"""Photos that are turned by their sidecars, from the window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.browse import folder_watch
from engine.data.decoding.turning import orientation_beside
from tests.gui.driver import Start, full_screens, names, press, trigger, wait_until_tagged


@pytest.fixture(autouse=True)
def no_pause_between_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_watch, "_SETTLE_MS", 1)
    monkeypatch.setattr(folder_watch, "_SHORTEST_PAUSE_S", 0.0)


@pytest.fixture
def application(qtbot: QtBot, start: Start, photos: Path) -> Application:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: not application.session.pipeline.is_looking_up)
    return application


def choose(application: Application, *chosen: str) -> tuple[int, ...]:
    rows = tuple(names(application).index(name) for name in chosen)
    application.session.set_selection(rows)
    application.session.focus.set_current(rows[0])
    application.session.set_selection(rows)
    return rows


def rotate(qtbot: QtBot, application: Application, command: str) -> None:
    trigger(application, command)
    qtbot.waitUntil(lambda: not application.window.browse.turns.is_busy)


@pytest.mark.parametrize(("command", "wanted"), [("rotate_right", 6), ("rotate_left", 8)])
def test_photos_turn_are_shown_and_tagged_anew_and_stay_untouched(
    qtbot: QtBot, application: Application, photos: Path, command: str, wanted: int
) -> None:
    session, window = application.session, application.window
    rows = choose(application, "cat.jpg", "dog.jpg")
    before = {path: path.stat().st_mtime_ns for path in photos.iterdir()}
    changed = window.browse.watch.files_changed

    with qtbot.waitSignal(session.tagger.finished), qtbot.waitSignal(changed) as told:
        rotate(qtbot, application, command)

    assert told.args is not None and set(told.args[0]) <= set(rows)
    assert [orientation_beside(session.photos.paths[row]) for row in rows] == [wanted] * 2
    assert all(session.photos.is_tagged(row) for row in rows)
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
    toast = window.notifier.toast
    assert toast is not None and "2 photos rotated" in toast.text


def test_what_models_said_is_forgotten_in_the_library(
    qtbot: QtBot, application: Application
) -> None:
    session = application.session
    (row,) = choose(application, "cat.jpg")
    image, library, model = session.photos.image_id(row), session.library.library, session.models
    assert library is not None and image is not None and model.model is not None
    session.pipeline.cancel()
    session.take_turned([row])
    qtbot.waitUntil(lambda: session.photos.is_tagged(row))
    qtbot.waitUntil(lambda: len(library.stored([image], model.model.id).scored) == 1)


def test_undo_is_in_the_message_and_in_the_menu(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    choose(application, "cat.jpg")
    rotate(qtbot, application, "rotate_right")
    toast = application.window.notifier.toast
    assert toast is not None
    toast._button.click()
    qtbot.waitUntil(lambda: orientation_beside(photos / "cat.jpg") == 1)
    qtbot.waitUntil(lambda: not application.window.browse.turns.is_busy)

    choose(application, "dog.jpg")
    rotate(qtbot, application, "rotate_left")
    writes = application.window.interchange.writes
    qtbot.waitUntil(lambda: writes.last is not None and writes.last.caption == "Rotate 1 photo")
    with qtbot.waitSignal(application.window.browse.watch.files_changed) as told:
        qtbot.waitUntil(application.window.actions_table["undo_write"].isEnabled)
        trigger(application, "undo_write")
        box = application.window.findChild(QMessageBox)
        assert "rotated" in box.text()
        press(box, "&Undo the write")
    assert told.args is not None and told.args[0] == (names(application).index("dog.jpg"),)
    assert not (photos / "dog.jpg.xmp").exists()


def test_what_cannot_be_turned_is_named(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    (photos / "cat.jpg.xmp").write_text("<broken")
    choose(application, "cat.jpg", "dog.jpg")
    rotate(qtbot, application, "rotate_right")

    said = " ".join(application.window.message_bar.texts())
    assert "1 photo rotated" in said and "cat.jpg.xmp" in said
    assert (photos / "cat.jpg.xmp").read_text() == "<broken"


def test_the_whole_screen_shows_it_turned_and_says_the_zoom_above_the_labels(
    qtbot: QtBot, application: Application
) -> None:
    (row,) = choose(application, "cat.jpg")
    path = application.session.photos.paths[row]
    loader = application.window.browse.loader
    trigger(application, "photo_full_screen")
    (screen,) = full_screens()
    qtbot.waitUntil(lambda: screen._shown is not None)
    before = screen._shown
    assert screen.view._foot == screen.foot.height() > 0
    screen.rest()
    assert screen.view._foot == 0
    rotate(qtbot, application, "rotate_right")
    qtbot.waitUntil(lambda: loader.photo(path) is not None and screen._shown is not before)
    screen.close()
