"""Finding similar photos and near-duplicates in the window."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.browse.photo_roles import PhotoRole
from csra_gui.session import comparing
from engine.api.values import Prediction
from engine.library.descriptors import DescriptorPage
from engine.library.store import Library
from tests.fakes import FakeEngine
from tests.gui.driver import Start, filter_to, row, shown_names, trigger, wait_until_tagged


@pytest.fixture
def folder(photos: Path) -> Path:
    """With photos that the fake engine finds alike: the names say what is in them."""
    some = sorted(photos.glob("*.jpg"))[0]
    for name in ("cat-1.jpg", "cat-2.jpg", "boat-1.jpg"):
        shutil.copy(some, photos / name)
    return photos


@pytest.fixture
def opened(qtbot: QtBot, start: Start, folder: Path) -> Application:
    application = start([folder])
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: application.session.library.is_open)
    return application


def note(application: Application, name: str) -> str:
    """What the grid says of a photo."""
    model = application.window.browse.grid.grid.model()
    return str(model.index_of(row(application, name)).data(PhotoRole.NOTE))


def similarities(application: Application) -> list[float]:
    alike = application.session.shown.alike
    assert alike is not None
    return [float(alike[r]) for r in application.session.shown.rows]


def test_similar_photos_come_best_first_with_how_much_they_are_alike(
    opened: Application, qtbot: QtBot
) -> None:
    session = opened.session
    session.focus.set_current(row(opened, "cat-1.jpg"))
    trigger(opened, "find_similar")
    assert session.shown.filter_text == "similar:cat-1.jpg"
    qtbot.waitUntil(lambda: shown_names(opened)[:1] == ["cat-1.jpg"])
    found = similarities(opened)
    assert found == sorted(found, reverse=True)
    assert found[0] == 1.0
    assert note(opened, "cat-1.jpg") == "100% alike"
    assert session.focus.current_path is not None
    assert session.focus.current_path.name == "cat-1.jpg"
    every = shown_names(opened)
    filter_to(qtbot, opened, "similar:cat-1.jpg NOT name:cat-1", len(every) - 1)
    assert shown_names(opened) == every[1:]


def test_descriptors_are_read_before_anybody_asks(
    qtbot: QtBot, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, read = [], Library.descriptor_page

    def noted(library: Library, kind: str, after: int, limit: int) -> DescriptorPage:
        asked.append(after)
        return read(library, kind, after, limit)

    monkeypatch.setattr(Library, "descriptor_page", noted)
    monkeypatch.setattr(comparing, "QUIET_MS", 10)
    application = start([folder])
    wait_until_tagged(qtbot, application)
    session = application.session
    qtbot.waitUntil(lambda: len(asked) > 0 and not session.reading_ahead.is_pending)
    assert asked[0] == 0
    asked.clear()
    session.find_similar(row(application, "cat-1.jpg"))
    qtbot.waitUntil(lambda: session.shown.alike is not None)
    assert len(asked) > 0
    assert 0 not in asked  # only whether there is more


def test_a_name_that_several_photos_have_is_asked_for_by_its_path(
    opened: Application, qtbot: QtBot, folder: Path
) -> None:
    inside = folder / "inside"
    inside.mkdir()
    shutil.copy(folder / "cat-1.jpg", inside / "cat-1.jpg")
    opened.session.open([folder, inside])
    wait_until_tagged(qtbot, opened)
    opened.session.find_similar(row(opened, "cat-1.jpg"))
    assert str(folder) in opened.session.shown.filter_text
    qtbot.waitUntil(lambda: opened.session.shown.alike is not None)
    assert opened.session.shown.filter_error is None


@pytest.mark.slow
def test_photos_of_which_nothing_is_known_are_said_and_looked_at_when_asked_for(
    qtbot: QtBot, start: Start, folder: Path, engine: FakeEngine
) -> None:
    engine.describes_along = False
    application = start([folder])
    wait_until_tagged(qtbot, application)
    session, bar = application.session, application.window.search.panel.bar
    session.look_again([row(application, "cat-1.jpg")])
    qtbot.waitUntil(lambda: not session.tagger.is_running)
    bar.edit.setText("similar:cat-1.jpg")
    qtbot.waitUntil(lambda: shown_names(application) == ["cat-1.jpg"])
    count = len(session.shown.not_compared)
    assert count > 0
    assert f"{count} photos are not known yet." in bar.unknown
    bar.tagging_requested.emit()
    qtbot.waitUntil(lambda: not len(session.shown.not_compared) and not session.tagger.is_running)
    assert bar.unknown == ""


def test_a_photo_of_which_nothing_is_known_leaves_what_was_shown(
    qtbot: QtBot, start: Start, folder: Path, engine: FakeEngine
) -> None:
    engine.describes_along = False
    application = start([folder])
    wait_until_tagged(qtbot, application)
    every = shown_names(application)
    application.window.search.panel.bar.edit.setText("similar:cat-1.jpg")
    qtbot.waitUntil(lambda: application.session.shown.filter_error is not None)
    assert "tag it first" in str(application.session.shown.filter_error)
    assert shown_names(application) == every


def test_near_duplicates_are_shown_group_by_group(
    qtbot: QtBot, start: Start, folder: Path, engine: FakeEngine
) -> None:
    def one_cat(found: Prediction) -> Prediction:
        """All cats look the same."""
        if found.descriptor is None or not found.path.name.startswith("cat-"):
            return found
        values = np.arange(len(found.scores), dtype=np.int8)
        return replace(found, descriptor=replace(found.descriptor, values=values))

    engine.revise = one_cat
    opened = start([folder])
    wait_until_tagged(qtbot, opened)
    every = shown_names(opened)
    trigger(opened, "find_duplicates")
    qtbot.waitUntil(lambda: "near-duplicates" in opened.session.shown.fixed_caption)
    cats = {name for name in every if name.startswith("cat-")}
    qtbot.waitUntil(lambda: cats <= set(shown_names(opened)[: len(cats)]))
    first = shown_names(opened)[0]
    assert note(opened, first).startswith("Group 1: 1 of ")
    assert opened.window.search.duplicates.activity.progress is None
    opened.session.go_back()
    qtbot.waitUntil(lambda: shown_names(opened) == every)
    assert note(opened, first) == ""


def test_what_is_offered_for_photos_goes_when_others_are_opened(
    qtbot: QtBot, start: Start, folder: Path, engine: FakeEngine
) -> None:
    engine.describes_along = False
    application = start([folder])
    wait_until_tagged(qtbot, application)
    session, bar = application.session, application.window.message_bar
    session.look_again([row(application, "boat-1.jpg")])
    qtbot.waitUntil(lambda: not session.tagger.is_running)
    qtbot.waitUntil(lambda: session.comparing.index() is not None)
    trigger(application, "find_duplicates")
    qtbot.waitUntil(lambda: any("not known yet" in text for text in bar.texts()))
    session.open([folder / "boat-1.jpg"])
    qtbot.waitUntil(lambda: len(session.photos) == 1)
    assert not any("not known yet" in text for text in bar.texts())
