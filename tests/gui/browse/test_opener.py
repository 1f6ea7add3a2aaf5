from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QApplication, QFileDialog, QToolButton
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import Settings
from csra_gui.browse.opener import start_folder
from csra_gui.startup.handover import Handover
from tests.gui.driver import Start, drop, trigger, wait_until_tagged


def test_one_looks_for_photos_where_one_was_last_or_among_the_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = tmp_path / "Pictures"
    pictures.mkdir()
    places = {QStandardPaths.StandardLocation.PicturesLocation: str(pictures)}
    monkeypatch.setattr(QStandardPaths, "writableLocation", staticmethod(places.get))
    monkeypatch.setattr(Path, "home", staticmethod(lambda: tmp_path))
    last = tmp_path / "trip"
    last.mkdir()
    (last / "a.jpg").touch()
    assert start_folder([last, pictures]) == str(last)
    assert start_folder([last / "a.jpg"]) == str(last)
    assert start_folder([last / "gone" / "too"]) == str(pictures)
    assert start_folder([]) == str(pictures)
    pictures.rmdir()
    assert start_folder([]) == str(tmp_path)


@pytest.mark.parametrize("action", ["open_folder", "add_folder", "open_photos"])
def test_every_dialog_for_photos_starts_there(
    qtbot: QtBot, start: Start, photos: Path, action: str
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    trigger(application, action)
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), QFileDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QFileDialog)
    assert Path(dialog.directory().absolutePath()) == photos
    dialog.reject()


# Paths that are not there.


def by_start(start: Start, _: Application | None, paths: list[Path]) -> Application:
    return start(paths)


def by_second_start(_: Start, application: Application | None, paths: list[Path]) -> Application:
    assert application is not None
    application.take(Handover(tuple(paths)))
    return application


def by_drop(_: Start, application: Application | None, paths: list[Path]) -> Application:
    assert application is not None
    drop(application, paths)
    return application


Way = Callable[[Start, "Application | None", list[Path]], Application]


@pytest.mark.parametrize("opens", [by_start, by_second_start, by_drop])
@pytest.mark.parametrize("order", [1, -1])
def test_what_is_missing_is_neither_in_the_title_nor_opened_next(
    qtbot: QtBot, start: Start, photos: Path, opens: Way, order: int
) -> None:
    first = None if opens is by_start else start()
    application = opens(start, first, [photos, photos.parent / "gone", photos / "x.jpg"][::order])
    qtbot.waitUntil(lambda: len(application.session.photos) == 5)
    qtbot.waitUntil(lambda: not application.session.pipeline.is_scanning)
    assert application.window.windowTitle() == "photos — CSRA"
    assert application.settings.last_opened == [photos]
    assert not application.settings.recent_folders
    watch, bar = application.window.browse.watch, application.window.message_bar
    with qtbot.waitSignal(watch.answered):
        watch.look_now()
    assert not [text for text in bar.texts() if "not there any more" in text]


@pytest.mark.parametrize("opens", [by_start, by_second_start, by_drop])
def test_when_nothing_is_there_what_was_open_before_opens_next(
    qtbot: QtBot, start: Start, photos: Path, settings_file: Path, opens: Way
) -> None:
    settings = Settings(settings_file)
    settings.set_last_opened([photos])
    settings.add_recent_folder(photos)
    settings.save()
    first = None if opens is by_start else start()
    application = opens(start, first, [photos.parent / "gone"])
    pipeline = application.session.pipeline
    qtbot.waitUntil(lambda: bool(pipeline.skipped) and not pipeline.is_scanning)
    assert application.window.windowTitle() == "CSRA"
    assert application.settings.last_opened == [photos]
    assert application.settings.recent_folders == [photos]


def test_a_folder_whose_disk_is_away_is_not_forgotten(
    qtbot: QtBot, start: Start, tmp_path: Path, settings_file: Path
) -> None:
    away = tmp_path / "away"
    settings = Settings(settings_file)
    settings.set_last_opened([away])
    settings.add_recent_folder(away)
    settings.save()
    application = start()
    pipeline = application.session.pipeline
    qtbot.waitUntil(lambda: bool(pipeline.skipped) and not pipeline.is_scanning)
    assert application.settings.last_opened == [away]
    assert application.settings.recent_folders == [away]


def by_adding(_: Start, application: Application | None, paths: list[Path]) -> Application:
    assert application is not None
    application.window.browse.opener.add(paths)
    return application


@pytest.mark.parametrize("opens", [by_second_start, by_drop, by_adding])
def test_photos_that_are_opened_are_seen_whatever_was_asked_of_others(
    qtbot: QtBot, start: Start, photos: Path, tmp_path: Path, opens: Way
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(photos / "dog.jpg", other / "boat.jpg")
    application = start([photos])
    wait_until_tagged(qtbot, application)
    shown = application.session.shown
    shown.set_filter("cat")
    qtbot.waitUntil(lambda: 0 < len(shown) < 5 and not shown.is_pending)
    opens(start, application, [other])
    wait_until_tagged(qtbot, application)
    assert len(shown) == len(application.session.photos) and not shown.filter_text
    toast = application.window.notifier.toast
    assert toast is not None and "The filter “cat” is off" in toast.text
    assert application.window.search.panel.bar.edit.text() == ""
    [button] = toast.findChildren(QToolButton)
    button.click()
    assert shown.filter_text == "cat"
