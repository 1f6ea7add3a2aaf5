"""The keywords of the current photo's files are listed without any import, and can be accepted."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.review.label_delegate import state_icon
from csra_gui.review.label_list_model import LabelRow, row_sentence
from engine.library.values import Verdict
from engine.metadata.values import Changes
from engine.metadata.xmp import merge
from tests.gui.driver import Start, row, wait_until_tagged


def sidecar(photo: Path, *keywords: str) -> None:
    paths = tuple(tuple(word.split("|")) for word in keywords)
    photo.with_name(f"{photo.name}.xmp").write_bytes(merge(None, Changes(add=paths), "x").data)


@pytest.fixture
def application(qtbot: QtBot, start: Start, photos: Path) -> Application:
    sidecar(photos / "dog.jpg", "Rex", "animal|cat", "dog", "<b>x</b>", "evil\u200b\u200f")
    (photos / "cat.jpg.xmp").write_bytes(b"broken")
    opened = start([photos])
    wait_until_tagged(qtbot, opened)
    return opened


def look_at(application: Application, name: str) -> None:
    session = application.session
    session.set_selection((row(application, name),))
    session.focus.set_current(row(application, name))


def listed(application: Application) -> dict[str, LabelRow]:
    return {one.category: one for one in application.window.review.labels.labels.model().rows()}


@pytest.mark.slow
def test_they_are_listed_greyed_and_accepting_one_makes_it_a_label(
    qtbot: QtBot, application: Application
) -> None:
    look_at(application, "dog.jpg")
    qtbot.waitUntil(lambda: "Rex" in listed(application))
    rows = listed(application)
    assert {"Rex", "cat", "<b>x</b>"} <= rows.keys()
    assert not any("\u200f" in name for name in rows)
    assert rows["cat"].in_file and not rows["cat"].counts  # beneath the threshold
    assert not rows["dog"].in_file  # the machine says so, too
    assert rows["Rex"].figure == "in the file"
    assert "in the file" in row_sentence(rows["Rex"])
    assert state_icon(rows["Rex"])[0] == "file"
    assert application.session.photos.verdicts(row(application, "dog.jpg")) == {}

    application.window.review.controller.accept("Rex")
    qtbot.waitUntil(lambda: not listed(application)["Rex"].in_file)
    assert listed(application)["Rex"].verdict is Verdict.ADDED
    application.window.review.controller.reject("cat")
    qtbot.waitUntil(lambda: listed(application)["cat"].verdict is Verdict.REJECTED)


def test_another_photo_has_its_own_and_a_broken_file_has_none(
    qtbot: QtBot, application: Application
) -> None:
    look_at(application, "dog.jpg")
    qtbot.waitUntil(lambda: "Rex" in listed(application))
    look_at(application, "cat.jpg")
    qtbot.waitUntil(lambda: "Rex" not in listed(application))
    assert not any(one.in_file for one in listed(application).values())


def test_accepting_all_takes_none_of_them(qtbot: QtBot, application: Application) -> None:
    look_at(application, "dog.jpg")
    qtbot.waitUntil(lambda: "Rex" in listed(application))
    application.window.review.controller.accept_all_and_go_on()
    said = application.session.photos.verdicts(row(application, "dog.jpg"))
    assert "Rex" not in said and "cat" not in said


@pytest.mark.slow
def test_of_very_many_only_some_are_listed(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    sidecar(photos / "cat.jpg", *(f"word {i}" for i in range(10_000)))
    look_at(application, "cat.jpg")
    qtbot.waitUntil(lambda: "word 0" in listed(application))
    assert len(listed(application)) <= 250
