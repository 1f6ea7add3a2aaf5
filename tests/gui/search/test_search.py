from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog, QMenu
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.browse.nothing_shown import NothingShown
from csra_gui.search.facet_model import FacetRow
from csra_gui.search.filter_terms import TermState
from engine.library.columns import NOT_TAKEN
from engine.library.values import Verdict
from tests.gui.driver import Start, names, press, row, shown_names, wait_until_tagged


@pytest.fixture
def searching(qtbot: QtBot, start: Start, photos: Path) -> Application:
    """A window on tagged photos."""
    application = start([photos])
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: application.session.library.is_open)
    return application


def with_label(application: Application, category: str) -> list[str]:
    return [
        name
        for place, name in enumerate(names(application))
        if category in {label.category for label in application.session.labels(place)}
    ]


def facet(application: Application, term: str) -> FacetRow | None:
    rows = application.window.search.facets.panel.list.counts.rows()
    return next((r for r in rows if r.facet is not None and r.facet.term == term), None)


def state(application: Application, term: str) -> TermState | None:
    found = facet(application, term)
    return None if found is None else found.state


@pytest.mark.slow
def test_what_is_typed_decides_what_is_shown(searching: Application, qtbot: QtBot) -> None:
    bar = searching.window.search.panel.bar
    cats = with_label(searching, "cat")
    assert 0 < len(cats) < 5
    assert bar.count == "5 photos"
    bar.edit.setText("cat")
    qtbot.waitUntil(lambda: shown_names(searching) == cats)
    assert bar.count == f"{len(cats)} of 5 photos"
    bar.edit.setText("")
    qtbot.waitUntil(lambda: len(shown_names(searching)) == 5)
    assert bar.count == "5 photos"


@pytest.mark.slow
def test_whoever_asks_for_dates_is_told_that_some_are_still_read(
    searching: Application, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, session = searching.window, searching.session
    bar, cameras = window.search.panel.bar, session.pipeline.cameras
    qtbot.waitUntil(lambda: not cameras.remaining)
    bar.edit.setText("camera:*")
    qtbot.waitUntil(lambda: shown_names(searching) == [])
    assert bar.unread == "" and nothing_shown(searching)[0] == "No photo fits"
    session.photos.cameras.forget([1, 3])
    monkeypatch.setattr(cameras, "refresh", lambda: None)  # the disk takes its time
    session.shown.refresh()
    qtbot.waitUntil(lambda: bar.unread == "Still reading dates of 2 photos.")
    assert nothing_shown(searching)[0] == "No photo fits yet"
    assert bar.unread in nothing_shown(searching)[1]
    bar.edit.setText("")
    qtbot.waitUntil(lambda: bar.unread == "")
    bar.sort.orders.setCurrentIndex(bar.sort.orders.findData("date"))
    bar.sort.orders.activated.emit(0)
    qtbot.waitUntil(lambda: bar.unread != "")
    assert "file's date" in bar.sort.orders.toolTip()
    session.photos.set_cameras([1, 3], np.array([NOT_TAKEN, 5]), ["", "Acme"])
    cameras.rows_read.emit((1, 3))
    assert bar.unread == ""
    qtbot.waitUntil(lambda: session.shown.row_at(4) == 3)
    bar.edit.setText("camera:a")
    bar.edit.setCursorPosition(8)
    assert searching.window.search.panel._completed("camera:a", 8).suggestions == ("Acme",)


def nothing_shown(application: Application) -> tuple[str, str]:
    said = application.window.browse.grid.findChild(NothingShown)
    return said.accessibleName(), said.accessibleDescription()


def taught_name(application: Application) -> str:
    dialog = application.window.training.controller.teaching.teach_dialog
    assert dialog is not None and dialog.isVisible()
    name = dialog.name.text()
    dialog.close()
    return name


@pytest.mark.slow
def test_what_is_wrong_is_said_and_what_was_shown_stays(
    searching: Application, qtbot: QtBot
) -> None:
    bar = searching.window.search.panel.bar
    bar.edit.setText("(cat")
    qtbot.waitUntil(lambda: bar.error == "This parenthesis is not closed.")
    assert bar.edit.marked == (0, 1)
    bar.edit.setText("cat frog")
    said = "There is no label “frog”, and no file name contains it."
    qtbot.waitUntil(lambda: bar.error == said)
    assert bar._error.text() == (
        f'Not applied: {said} Fake model does not know it. <a href="teach">Teach it…</a>'
    )
    assert bar.edit.marked == (4, 8)
    assert len(shown_names(searching)) == 5


@pytest.mark.slow
def test_a_word_that_nothing_has_can_be_taught(searching: Application, qtbot: QtBot) -> None:
    bar = searching.window.search.panel.bar
    bar.edit.setText('cat "street <i>café</i>"')
    qtbot.waitUntil(lambda: "teach" in bar._error.text())
    assert "<i>" not in bar._error.text()
    bar._error.linkActivated.emit("teach")
    assert taught_name(searching) == "street <i>café</i>"
    bar.edit.setText("str*t")
    qtbot.waitUntil(lambda: "“str*t”" in bar.error)
    assert "Teach" not in bar._error.text(), "that is no name of one label"


def test_where_nothing_fits_a_word_that_is_no_label_can_be_taught(
    searching: Application, qtbot: QtBot
) -> None:
    searching.session.shown.set_filter("person.jp cat rating:5")
    qtbot.waitUntil(lambda: shown_names(searching) == [])
    said = "Fake model does not know “person.jp”."
    qtbot.waitUntil(lambda: nothing_shown(searching)[1].endswith(said))
    press(searching.window.browse.grid.nothing, "Teach it…")
    assert taught_name(searching) == "person.jp"
    searching.session.shown.set_filter("cat rating:5")
    qtbot.waitUntil(lambda: nothing_shown(searching) == ("No photo fits", "cat rating:5"))


@pytest.mark.slow
def test_a_filter_that_is_not_applied_leaves_the_one_before_in_force(
    searching: Application, qtbot: QtBot
) -> None:
    bar, session = searching.window.search.panel.bar, searching.session
    searching.window.search.facets.show()
    cats = with_label(searching, "cat")
    bar.edit.setText("cat")
    qtbot.waitUntil(lambda: shown_names(searching) == cats)
    bar.edit.setText("dgo")
    qtbot.waitUntil(lambda: bar.error.endswith("Did you mean dog?"))
    assert shown_names(searching) == cats
    qtbot.waitUntil(lambda: state(searching, "dgo") is TermState.NOT_APPLIED)
    session.decisions.decide([row(searching, "person.jpg")], {"cat": Verdict.ADDED}, caption="x")
    qtbot.waitUntil(lambda: shown_names(searching) == with_label(searching, "cat"))
    assert len(shown_names(searching)) == len(cats) + 1, (
        "the filter before still follows what is said"
    )
    assert bar.error
    assert state(searching, "cat") is TermState.ABSENT, "it is counted as ever"
    bar._error.linkActivated.emit("0")
    assert bar.edit.text() == "dog"
    qtbot.waitUntil(lambda: shown_names(searching) == with_label(searching, "dog"))
    qtbot.waitUntil(lambda: state(searching, "dog") is TermState.WANTED)
    assert not bar.error


@pytest.mark.slow
def test_a_word_that_is_no_label_is_found_in_file_names(
    searching: Application, qtbot: QtBot
) -> None:
    bar = searching.window.search.panel.bar
    bar.edit.setText('"and-"')
    qtbot.waitUntil(lambda: shown_names(searching) == ["cat-and-dog.jpg"])
    assert bar.note == "“and-” is no label: looked for in file names."
    assert not bar.error
    bar.edit.setText("tags:>=0 at.")
    qtbot.waitUntil(lambda: shown_names(searching) == ["cat.jpg"])
    assert 'Did you mean <a href="0.0">cat</a>?' in bar.note
    bar._note.linkActivated.emit("0.0")
    assert bar.edit.text() == "tags:>=0 cat"
    qtbot.waitUntil(lambda: shown_names(searching) == with_label(searching, "cat"))
    assert not bar.note


@pytest.mark.slow
def test_other_names_of_labels_are_understood(searching: Application, qtbot: QtBot) -> None:
    bar = searching.window.search.panel.bar
    people = with_label(searching, "person")
    bar.edit.setText("human")
    qtbot.waitUntil(lambda: shown_names(searching) == people)
    assert not bar.note
    assert not bar.error


def test_no_error_is_said_while_a_word_is_being_completed(
    searching: Application, qtbot: QtBot
) -> None:
    bar = searching.window.search.panel.bar
    searching.window.activateWindow()
    bar.edit.setFocus()
    qtbot.waitUntil(bar.edit.hasFocus)
    QTest.keyClicks(bar.edit, "boa")
    assert bar.edit.offered
    qtbot.waitUntil(lambda: searching.session.shown.filter_error is not None)
    assert not bar.error
    bar.edit.offers.hide()
    assert bar.error


def test_a_wrong_filter_from_elsewhere_can_be_corrected_in_the_line(searching: Application) -> None:
    bar = searching.window.search.panel.bar
    searching.session.shown.set_filter("score:cat>much")
    assert bar.edit.text() == "score:cat>much"
    assert bar.error
    assert bar.edit.marked is not None


def test_the_order_that_is_chosen_is_the_order_shown(searching: Application, qtbot: QtBot) -> None:
    sort = searching.window.search.panel.bar.sort
    sort.orders.setCurrentIndex(sort.orders.findData("name"))
    sort.orders.activated.emit(sort.orders.currentIndex())
    sort.direction.click()
    qtbot.waitUntil(lambda: shown_names(searching) == sorted(names(searching), reverse=True))


@pytest.mark.slow
def test_counts_are_shown_and_a_click_filters(searching: Application, qtbot: QtBot) -> None:
    window = searching.window
    window.actions_table["show_facets"].setChecked(False)
    window.actions_table["show_facets"].trigger()
    assert window.search.facets.isVisible()
    cats = with_label(searching, "cat")

    def count(term: str) -> int:
        row = facet(searching, term)
        return 0 if row is None or row.facet is None else row.facet.count

    qtbot.waitUntil(lambda: count("cat") == len(cats))
    window.search.facets.panel.list.facet_clicked.emit("cat", False)
    assert window.search.panel.bar.edit.text() == "cat"
    qtbot.waitUntil(lambda: shown_names(searching) == cats)
    qtbot.waitUntil(lambda: count("reviewed:no") == len(cats))
    window.search.facets.panel.list.facet_clicked.emit("cat", True)
    assert window.search.panel.bar.edit.text() == "NOT cat"
    qtbot.waitUntil(lambda: len(shown_names(searching)) == 5 - len(cats))
    qtbot.waitUntil(lambda: facet(searching, "cat") is not None)
    window.search.facets.panel.list.facet_clicked.emit("cat", True)
    qtbot.waitUntil(lambda: len(shown_names(searching)) == 5)


def test_the_counts_can_be_searched(searching: Application, qtbot: QtBot) -> None:
    panel = searching.window.search.facets.panel
    searching.window.search.facets.show()
    qtbot.waitUntil(lambda: facet(searching, "cat") is not None)
    panel.search.setText("human")
    assert facet(searching, "cat") is None
    assert facet(searching, "person") is not None
    panel.search.setText("zzz")
    assert panel.hint.isVisible()
    panel.search.clear()
    assert facet(searching, "cat") is not None
    assert not panel.hint.isVisible()


def test_counts_follow_what_is_said(searching: Application, qtbot: QtBot) -> None:
    searching.window.search.facets.show()
    searching.session.focus.set_current(row(searching, "cat.jpg"))
    searching.window.review.controller.add("Grandma")
    qtbot.waitUntil(lambda: facet(searching, "Grandma") is not None)


def test_just_these_photos_can_be_let_go(searching: Application, qtbot: QtBot) -> None:
    search, session = searching.window.search.panel, searching.session
    assert not search.fixed.isVisible()
    session.show_only([row(searching, "dog.jpg")], "Missed dogs")
    qtbot.waitUntil(lambda: shown_names(searching) == ["dog.jpg"])
    assert search.fixed.isVisible()
    assert "Missed dogs" in search.fixed.text()
    search.fixed.click()
    qtbot.waitUntil(lambda: len(shown_names(searching)) == 5)
    assert not search.fixed.isVisible()


def test_a_filter_is_saved_used_and_deleted_from_its_menu(
    searching: Application, qtbot: QtBot
) -> None:
    search, menu = searching.window.search.panel, searching.window.search.panel.bar.saved_menu
    searching.session.shown.set_filter("cat reviewed:no")
    searching.window.actions_table["save_filter"].trigger()
    dialog = search.findChild(QInputDialog)
    assert dialog is not None
    dialog.setTextValue("Cats & co")
    dialog.accept()
    searching.window.actions_table["clear_filter"].trigger()
    assert search.bar.edit.text() == ""
    menu.aboutToShow.emit()
    saved = next(action for action in menu.actions() if action.text() == "Cats && co")
    saved.trigger()
    assert search.bar.edit.text() == "cat reviewed:no"
    for _ in range(3):  # what was in it before does not stay
        menu.aboutToShow.emit()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert len(menu.findChildren(QMenu)) == 1
    removing = next(action.menu() for action in menu.actions() if action.menu() is not None)
    removing.actions()[0].trigger()  # type: ignore[attr-defined]  # the stub says object
    assert search.saved.all() == ()


def test_without_a_folder_there_is_nothing_to_search(start: Start) -> None:
    window = start().window
    assert not window.search.panel.isVisible()
    assert not window.actions_table["find"].isEnabled()
