"""What a second start does to the window that is open, and what another window keeps apart."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from csra_gui.base import settings as keys
from csra_gui.base.paths import library_file, profile_dirs
from csra_gui.base.settings import Settings
from csra_gui.browse.full_screen import FullScreen
from csra_gui.evaluation.feature import EvaluationFeature
from csra_gui.startup.handover import Handover
from csra_gui.training.feature import TrainingFeature
from engine.library.opening import open_library
from engine.library.values import Verdict
from tests.gui.driver import Start, names, row, wait_until_tagged


@pytest.fixture(autouse=True)
def gathering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each start stands for itself, as if much time lay between them."""
    monkeypatch.setattr("csra_gui.app._GATHER_MS", 0)


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """Another folder of photos than that of the first start."""
    folder = tmp_path / "others"
    folder.mkdir()
    (folder / "dog-elsewhere.jpg").touch()
    return folder


def test_a_second_start_opens_its_photos_in_the_window(
    qtbot: QtBot, start: Start, photos: Path, others: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    application.take(Handover((others,)))
    qtbot.waitUntil(lambda: names(application) == ["dog-elsewhere.jpg"])
    assert application.window.windowTitle() == "others — CSRA"
    assert application.settings.last_opened == [others]


def test_starts_at_once_belong_together(
    qtbot: QtBot, start: Start, photos: Path, others: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("csra_gui.app._GATHER_MS", 600_000)
    application = start([photos / "cat.jpg"])
    wait_until_tagged(qtbot, application)
    application.take(Handover((others,)))
    application.take(Handover((photos / "cat.jpg",)))
    both = ["cat.jpg", "dog-elsewhere.jpg"]
    qtbot.waitUntil(lambda: sorted(names(application)) == both)


def test_a_second_start_without_photos_changes_nothing_but_the_place_of_the_window(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    window = application.window
    window.showMaximized()
    window.setWindowState(window.windowState() | Qt.WindowState.WindowMinimized)
    application.take(Handover())
    assert not window.isMinimized()
    assert window.isMaximized()
    assert len(names(application)) == 5


def test_the_photo_on_the_whole_screen_comes_to_the_front(
    qtbot: QtBot, start: Start, photos: Path, others: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    application.window.actions_table["photo_full_screen"].trigger()
    [screen] = application.window.findChildren(FullScreen)
    application.take(Handover())
    qtbot.waitUntil(screen.isActiveWindow)
    application.take(Handover((others,)))
    qtbot.waitUntil(lambda: names(application) == ["dog-elsewhere.jpg"])
    qtbot.waitUntil(application.window.isActiveWindow)


def test_photos_wait_until_the_questions_about_those_that_are_open_are_answered(
    qtbot: QtBot, start: Start, photos: Path, others: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    first, second = (QDialog(application.window) for _ in range(2))
    first.finished.connect(second.open)
    first.open()
    application.take(Handover((photos / "cat.jpg",)))
    application.take(Handover((others,)))
    application.take(Handover())
    assert len(names(application)) == 5
    first.accept()
    qtbot.waitUntil(second.isVisible)
    assert len(names(application)) == 5
    second.reject()
    qtbot.waitUntil(lambda: names(application) == ["dog-elsewhere.jpg"])


def test_the_token_of_a_start_is_where_qt_looks_for_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "")
    start().take(Handover(token="token-5"))
    assert os.environ["XDG_ACTIVATION_TOKEN"] == "token-5"


# Another window.


def test_the_usual_library_has_the_usual_settings(tmp_path: Path) -> None:
    settings = Settings.of_library(library_file())
    settings.set_value(keys.THEME, "dark")
    settings.save()
    assert settings.library == library_file()
    assert (profile_dirs()[0] / "settings.ini").is_file()
    library_file().parent.mkdir(parents=True)
    (tmp_path / "link").symlink_to(library_file().parent)
    assert Settings.of_library(tmp_path / "link" / "library.db").library == library_file()


def test_settings_of_another_library_begin_like_the_usual_ones_and_go_their_own_way(
    tmp_path: Path, photos: Path, others: Path
) -> None:
    usual = Settings.of_library(library_file())
    usual.set_value(keys.THEME, "dark")
    usual.set_last_opened([photos])
    usual.add_recent_folder(photos)
    usual.set_model("mine")
    usual.save()
    other = Settings.of_library(tmp_path / "work.db")
    assert other.library == tmp_path / "work.db"
    assert (other.value(keys.THEME), other.model) == ("dark", "mine")
    assert (other.last_opened, other.recent_folders) == ([], [photos])
    other.set_value(keys.THEME, "light")
    other.set_last_opened([others])
    other.save()
    again = Settings.of_library(library_file())
    assert (again.value(keys.THEME), again.last_opened) == ("dark", [photos])
    later = Settings.of_library(tmp_path / "work.db")
    assert (later.value(keys.THEME), later.last_opened) == ("light", [others])


def test_another_window_says_which_library_it_has_and_keeps_decisions_there(
    qtbot: QtBot, start: Start, photos: Path, tmp_path: Path
) -> None:
    library = tmp_path / "work.db"
    usual = start([photos])
    other = start([photos], settings=Settings.of_library(library))
    for application in (usual, other):
        wait_until_tagged(qtbot, application)
    assert usual.session.library.is_open
    assert not [text for text in usual.window.message_bar.texts() if "library" in text]
    qtbot.waitUntil(lambda: any(str(library) in t for t in other.window.message_bar.texts()))
    assert other.window.windowTitle() == "photos · work — CSRA"
    cat = row(other, "cat.jpg")
    other.session.decisions.decide([cat], {"boat": Verdict.ADDED}, caption="Add boat")
    qtbot.waitUntil(lambda: not other.session.decisions.is_writing)
    assert usual.session.photos.verdicts(row(usual, "cat.jpg")) == {}
    assert other.session.library.close(10.0)
    shutil.copy(library, tmp_path / "copy.db")
    with open_library(tmp_path / "copy.db") as kept:
        said = kept.stored(list(kept.files())).verdicts
        assert [(label, verdict) for _, label, verdict in said] == [("boat", Verdict.ADDED)]


@pytest.mark.parametrize("is_alone", [True, False])
def test_unfinished_work_is_offered_only_where_no_other_window_may_be_at_it(
    qtbot: QtBot, start: Start, photos: Path, monkeypatch: pytest.MonkeyPatch, is_alone: bool
) -> None:
    looked: list[object] = []

    def look(feature: object) -> None:
        looked.append(feature)

    monkeypatch.setattr(TrainingFeature, "look_for_interrupted", look)
    monkeypatch.setattr(EvaluationFeature, "look_for_unfinished", look)
    wait_until_tagged(qtbot, start([photos], is_alone=is_alone))
    assert len(looked) == (2 if is_alone else 0)
