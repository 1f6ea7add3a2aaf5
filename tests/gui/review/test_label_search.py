from __future__ import annotations

import math
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.review.add_label_dialog import AddLabelDialog
from csra_gui.review.label_list_model import LabelRow
from csra_gui.review.label_search import found_rows
from csra_gui.session.typed_labels import FEW_LABELS
from engine.api.categories import Categories
from engine.api.label_names import SHIPPED_NAMES
from engine.api.vocabulary import everyday
from engine.library.values import Verdict
from tests.fakes import FakeEngine, fake_model
from tests.gui.driver import Start, full_screens, row, trigger, wait_for_model, wait_until_tagged

ACCEPTED, ADDED = Verdict.ACCEPTED, Verdict.ADDED
MANY = Categories(("dog", *everyday().names[-400:]))
ROWS = (
    LabelRow(2, "beach", 0.9, 0.5),
    LabelRow(0, "sofa", 0.2, 0.5),
    LabelRow(1, "house cat", 0.1, 0.5),
    LabelRow(3, "cat", 0.01, 0.5),
)


@pytest.fixture
def reviewing(qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine) -> Application:
    """A window on tagged photos with a model of 401 categories, looking at the cat."""
    engine.categories = MANY
    application = start([photos])
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: application.session.library.is_open)
    look_at(application, "cat.jpg")
    application.window.activateWindow()
    return application


def look_at(application: Application, name: str) -> None:
    place = row(application, name)
    application.session.focus.set_current(place)
    application.session.set_selection((place,))


def listed(application: Application) -> list[str]:
    return [r.category for r in application.window.review.labels.labels.model().rows()]


def said(application: Application, name: str) -> dict[str, Verdict]:
    return dict(application.session.photos.verdicts(row(application, name)))


def names(typed: str, known: tuple[str, ...] = ()) -> list[str]:
    return [r.category for r in found_rows(ROWS, known, typed, SHIPPED_NAMES)]


def test_labels_are_found_by_name_and_by_what_else_they_are_called() -> None:
    assert names("CAT") == ["cat", "house cat"]
    assert names(" couch") == ["sofa"]
    assert names("zebra") == []
    assert names("couches") == ["sofa"]


def test_labels_that_the_model_does_not_know_are_found_too() -> None:
    [own] = found_rows(ROWS, ("Grandma", "cat"), "grand", SHIPPED_NAMES)
    assert (own.category, own.index, own.counts) == ("Grandma", -1, False)
    assert math.isnan(own.score)
    [one] = found_rows(ROWS, ("sofa",), "sofa", SHIPPED_NAMES)
    assert one.score == 0.2, "what the model says goes before"


def test_a_search_lists_what_is_below_the_threshold_and_escape_ends_it(
    reviewing: Application, qtbot: QtBot
) -> None:
    panel = reviewing.window.review.labels
    before = listed(reviewing)
    trigger(reviewing, "search_labels")
    qtbot.waitUntil(panel.search.line.hasFocus)
    QTest.keyClicks(panel.search.line, "couch")
    assert listed(reviewing) == ["sofa"]
    assert "sofa" not in before
    assert not panel.search.unknown.add.isVisible()
    QTest.keyClick(panel.search.line, Qt.Key.Key_Escape)
    assert listed(reviewing) == before
    assert panel.search.line.hasFocus()
    QTest.keyClick(panel.search.line, Qt.Key.Key_Escape)
    qtbot.waitUntil(panel.labels.hasFocus)


def test_return_leads_to_what_was_found_and_space_gives_it(
    reviewing: Application, qtbot: QtBot
) -> None:
    panel = reviewing.window.review.labels
    trigger(reviewing, "search_labels")
    qtbot.waitUntil(panel.search.line.hasFocus)
    QTest.keyClicks(panel.search.line, "couch")
    QTest.keyClick(panel.search.line, Qt.Key.Key_Return)
    qtbot.waitUntil(panel.labels.hasFocus)
    QTest.keyClick(panel.labels, Qt.Key.Key_Space)
    assert said(reviewing, "cat.jpg") == {"sofa": ADDED}


def test_number_keys_go_by_what_is_listed_and_return_by_all_labels(
    reviewing: Application, qtbot: QtBot
) -> None:
    every = {r.category for r in reviewing.window.review.labels._rows if r.counts}
    assert len(every) > 1
    reviewing.window.review.labels.search.line.setText("couch")
    trigger(reviewing, "label_1")
    assert said(reviewing, "cat.jpg") == {"sofa": ADDED}
    trigger(reviewing, "accept_all")
    accepted = {name for name, word in said(reviewing, "cat.jpg").items() if word is ACCEPTED}
    assert accepted == every, "none of them was hidden from the person by the search"


def test_the_next_photo_is_searched_for_the_same(reviewing: Application) -> None:
    reviewing.window.review.labels.search.line.setText("couch")
    look_at(reviewing, "dog.jpg")
    assert listed(reviewing) == ["sofa"]


def test_what_no_label_is_called_can_become_one(reviewing: Application, qtbot: QtBot) -> None:
    panel = reviewing.window.review.labels
    panel.search.line.setText("  Aunt <b>Mary</b> ")
    assert listed(reviewing) == []
    assert panel.search.unknown.text.text() == (
        "Fake model does not know “Aunt <b>Mary</b>”. Add it to this photo, or teach it with 10 "
        "photos or more."
    )
    assert panel.search.unknown.add.isVisible()
    panel.search.unknown.add.click()
    assert said(reviewing, "cat.jpg") == {"Aunt <b>Mary</b>": ADDED}
    assert panel.search.wanted == ""
    assert not panel.search.unknown.add.isVisible()
    assert "Aunt <b>Mary</b>" in listed(reviewing)


def taught_name(application: Application) -> str:
    dialog = application.window.training.controller.teaching.teach_dialog
    assert dialog is not None and dialog.isVisible()
    name = dialog.name.text()
    dialog.close()
    return name


def test_what_no_label_is_called_can_be_taught(reviewing: Application) -> None:
    panel = reviewing.window.review.labels
    panel.search.line.setText("sunset, late")
    assert panel.search.unknown.teach.isVisible()
    panel.search.unknown.teach.click()
    assert taught_name(reviewing) == '"sunset, late"'
    assert panel.search.wanted == ""
    assert said(reviewing, "cat.jpg") == {}


def test_a_word_that_only_stands_in_another_label_is_not_known(reviewing: Application) -> None:
    search, session = reviewing.window.review.labels.search, reviewing.session
    assert "snow" not in session.photos.known_labels
    search.line.setText("sno")
    assert "snowboard" in listed(reviewing) and not search.unknown.isVisible()
    search.line.setText("snow")
    assert "snowboard" in listed(reviewing)
    assert "does not know “snow”" in search.unknown.text.text()
    session.decisions.decide([row(reviewing, "dog.jpg")], {"snow": ADDED}, caption="x")
    search.line.setText("snow ")
    assert "snow" in listed(reviewing) and not search.unknown.isVisible()
    search.line.setText("puppies")
    assert listed(reviewing) == ["dog"] and not search.unknown.isVisible()


def test_what_is_a_kind_of_a_label_is_said_to_be_known_by_that_alone(
    reviewing: Application,
) -> None:
    search = reviewing.window.review.labels.search
    search.line.setText("golden retriever")
    assert "does not know “golden retriever”, only “dog”." in search.unknown.text.text()


def test_who_adds_a_label_is_told_that_it_can_be_taught(
    reviewing: Application, qtbot: QtBot
) -> None:
    panel = reviewing.window.review.labels
    trigger(reviewing, "add_label")
    QTest.keyClicks(panel.entry, "sofa, sunse")
    assert panel.hint.isVisible()
    QTest.keyClicks(panel.entry, "t")
    assert panel.hint.unknown.text.text() == (
        "Fake model does not know “sunset”. Return adds it to this photo, or teach it with 10 "
        "photos or more."
    )
    assert not panel.hint.unknown.add.isVisible()
    panel.entry.clear()
    assert not panel.hint.isVisible()
    QTest.keyClicks(panel.entry, "puppies")
    assert panel.entry.offered == ["dog"] and not panel.hint.isVisible()
    panel.entry.clear()
    QTest.keyClicks(panel.entry, "sunset")
    panel.hint.unknown.teach.click()
    assert taught_name(reviewing) == "sunset"
    assert panel.entry.text() == "" and said(reviewing, "cat.jpg") == {}


def test_alone_on_the_screen_a_label_is_taught_in_the_window_below(
    reviewing: Application, qtbot: QtBot
) -> None:
    trigger(reviewing, "photo_full_screen")
    [screen] = full_screens()
    dialog = AddLabelDialog(reviewing.session, reviewing.window.review.controller, screen)
    dialog.open()
    QTest.keyClicks(dialog.entry, "sunset")
    dialog.hint.unknown.teach.click()
    assert taught_name(reviewing) == "sunset"
    qtbot.waitUntil(lambda: full_screens() == [])


def test_a_model_that_only_tags_is_not_offered_to_be_taught(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    engine.models["tagger"] = fake_model("tagger", None, MANY, is_onnx=True)
    application = start([photos])
    wait_for_model(qtbot, application)
    with qtbot.waitSignal(application.session.models.switched):
        application.session.models.use("tagger")
    wait_until_tagged(qtbot, application)
    look_at(application, "cat.jpg")
    search = application.window.review.labels.search
    search.line.setText("sunset")
    assert search.unknown.text.text() == "tagger does not know “sunset”. Add it to this photo."
    assert not search.unknown.teach.isVisible() and search.unknown.add.isVisible()


def test_alone_on_the_screen_keys_go_by_the_labels_there(
    reviewing: Application, qtbot: QtBot, qapp: QApplication
) -> None:
    reviewing.window.review.labels.search.line.setText("couch")
    trigger(reviewing, "photo_full_screen")
    assert reviewing.window.review.labels.search.wanted == ""
    [screen] = full_screens()
    screen.close()


def test_few_labels_need_no_search(qtbot: QtBot, start: Start, photos: Path) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    look_at(application, "cat.jpg")
    assert len(application.session.photos.known_labels) <= FEW_LABELS
    assert not application.window.review.labels.search.isVisible()
    assert not application.window.actions_table["search_labels"].isEnabled()
