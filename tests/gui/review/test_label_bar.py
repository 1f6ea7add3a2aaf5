from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.browse.full_screen import FullScreen
from csra_gui.review.label_bar import LabelBar, PhotoLabelBar
from csra_gui.review.label_list_model import LabelRow
from engine.library.values import Verdict
from tests.gui.driver import (
    LEFT,
    NONE,
    SHIFT,
    Start,
    full_screens,
    labels,
    row,
    trigger,
    wait_until_tagged,
)

ACCEPTED, REJECTED = Verdict.ACCEPTED, Verdict.REJECTED


@pytest.fixture
def reviewing(qtbot: QtBot, start: Start, photos: Path) -> Application:
    """A window on tagged photos, of which the first cat is looked at."""
    application = start([photos])
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: application.session.library.is_open)
    application.session.focus.set_current(row(application, "cat.jpg"))
    application.session.set_selection((row(application, "cat.jpg"),))
    return application


@pytest.fixture
def screen(reviewing: Application, qtbot: QtBot) -> FullScreen:
    """The cat alone on the whole screen."""
    trigger(reviewing, "photo_full_screen")
    (found,) = full_screens()
    qtbot.waitActive(found)
    return found


def bar_of(screen: FullScreen) -> PhotoLabelBar:
    (bar,) = screen.findChildren(PhotoLabelBar)
    return bar


def said(application: Application, name: str) -> dict[str, Verdict]:
    return dict(application.session.photos.verdicts(row(application, name)))


def button(bar: LabelBar, name: str) -> tuple[str, Verdict | None]:
    """The key and the verdict of a label that is shown."""
    return next((b.key, b.row.verdict) for b in bar.buttons if b.row.category == name)


def click(bar: LabelBar, name: str, modifiers: Qt.KeyboardModifier = NONE) -> None:
    found = next(b for b in bar.buttons if b.row.category == name)
    QTest.mouseClick(found, LEFT, modifiers)


# On the whole screen.


def test_the_photo_alone_has_its_labels_at_the_foot_until_one_rests(
    reviewing: Application, screen: FullScreen, qtbot: QtBot
) -> None:
    bar = bar_of(screen)
    assert shown(bar) == labels(reviewing, "cat.jpg")
    assert bar.isVisible()
    screen.rest()
    assert not bar.isVisible()
    at, no_button = QPointF(40, 40), Qt.MouseButton.NoButton
    QApplication.sendEvent(
        screen.view, QMouseEvent(QEvent.Type.MouseMove, at, at, no_button, no_button, NONE)
    )
    assert bar.isVisible()
    screen.rest()
    QTest.keyClick(screen, Qt.Key.Key_Shift)
    assert bar.isVisible()


def test_labels_hide_by_themselves_after_a_while(
    reviewing: Application, screen: FullScreen, qtbot: QtBot
) -> None:
    assert screen.foot.isVisible()
    assert screen._rest_timer.isActive()
    screen._rest_timer.start(1)  # and not after its two seconds
    qtbot.waitUntil(lambda: not screen.foot.isVisible())


def test_a_photo_alone_is_reviewed_by_the_keys_of_the_window(
    reviewing: Application, screen: FullScreen, qtbot: QtBot
) -> None:
    bar = bar_of(screen)
    best = bar.buttons[0].row.category
    QTest.keyClick(screen, Qt.Key.Key_1)
    assert button(bar, best) == ("1", ACCEPTED)
    QTest.keyClick(screen, Qt.Key.Key_1)
    assert said(reviewing, "cat.jpg") == {best: REJECTED}
    QTest.keyClick(screen, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: said(reviewing, "cat.jpg") == {best: ACCEPTED})
    before = reviewing.session.focus.current
    QTest.keyClick(screen, Qt.Key.Key_Return)
    assert reviewing.session.photos.is_reviewed(row(reviewing, "cat.jpg"))
    assert reviewing.session.focus.current != before
    assert screen.foot.name.text() != "cat.jpg"


def test_what_is_said_of_a_photo_alone_is_not_said_of_others_selected(
    reviewing: Application, qtbot: QtBot
) -> None:
    session = reviewing.session
    both = (row(reviewing, "cat.jpg"), row(reviewing, "dog.jpg"))
    session.set_selection(both)
    trigger(reviewing, "photo_full_screen")
    (screen,) = full_screens()
    qtbot.waitActive(screen)
    QTest.keyClick(screen, Qt.Key.Key_1)
    assert list(said(reviewing, "cat.jpg").values()) == [ACCEPTED]
    assert said(reviewing, "dog.jpg") == {}
    screen.close()
    qtbot.waitUntil(lambda: not full_screens())
    assert session.selection == both
    assert reviewing.window.review.controller.targets == both


def test_labels_are_clicked_on_the_whole_screen_too(
    reviewing: Application, screen: FullScreen
) -> None:
    bar = bar_of(screen)
    click(bar, "cat", SHIFT)
    assert button(bar, "cat")[1] is REJECTED
    click(bar, "cat", SHIFT)
    click(bar, "cat")
    assert said(reviewing, "cat.jpg") == {"cat": ACCEPTED}


def test_one_still_zooms_to_the_photos_own_pixels(
    reviewing: Application, screen: FullScreen, qtbot: QtBot
) -> None:
    qtbot.waitUntil(screen.view.has_photo)
    QTest.keyClick(screen, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert screen.view.zoom == 1.0
    assert said(reviewing, "cat.jpg") == {}


# Two photos side by side.


@pytest.fixture
def comparing(reviewing: Application) -> Application:
    """The photo of a cat and a dog on the left, the cat on the right."""
    pair = (row(reviewing, "cat-and-dog.jpg"), row(reviewing, "cat.jpg"))
    reviewing.session.set_selection(pair)
    trigger(reviewing, "view_compare")
    return reviewing


def bars(application: Application) -> tuple[PhotoLabelBar, PhotoLabelBar]:
    left, right = (
        side.findChild(PhotoLabelBar) for side in application.window.browse.stage.compare.sides
    )
    return left, right


def shown(bar: LabelBar) -> set[str]:
    return {b.row.category for b in bar.buttons}


def test_each_half_has_its_own_labels_and_keys_decide_on_the_current_one(
    comparing: Application,
) -> None:
    left, right = bars(comparing)
    assert shown(left) == labels(comparing, "cat-and-dog.jpg")
    assert shown(right) == labels(comparing, "cat.jpg")
    assert shown(left) != shown(right)
    assert left.buttons[0].key == "1"
    assert not any(b.key for b in right.buttons), "keys do not reach this one"
    best = left.buttons[0].row.category
    trigger(comparing, "label_1")
    assert said(comparing, "cat-and-dog.jpg") == {best: ACCEPTED}
    assert said(comparing, "cat.jpg") == {}


def test_a_click_on_a_label_of_the_other_half_is_about_that_half(comparing: Application) -> None:
    _, right = bars(comparing)
    click(right, "dog")
    assert said(comparing, "cat.jpg") == {"dog": ACCEPTED}
    assert said(comparing, "cat-and-dog.jpg") == {}
    assert comparing.session.focus.current == row(comparing, "cat.jpg")
    key, verdict = button(right, "dog")
    assert key and verdict is ACCEPTED


def test_both_is_a_switch_that_applies_a_decision_to_both(comparing: Application) -> None:
    compare = comparing.window.browse.stage.compare
    left, right = bars(comparing)
    compare.both.click()
    assert "both photos" in comparing.window.review.labels._state.text()
    click(left, "cat")
    assert said(comparing, "cat-and-dog.jpg") == {"cat": ACCEPTED}
    assert said(comparing, "cat.jpg") == {"cat": ACCEPTED}
    compare.both.click()
    click(left, "cat")
    assert said(comparing, "cat-and-dog.jpg") == {}
    assert said(comparing, "cat.jpg") == {"cat": ACCEPTED}
    assert button(right, "cat")[1] is ACCEPTED


def test_both_is_off_when_comparing_begins_anew(comparing: Application) -> None:
    compare = comparing.window.browse.stage.compare
    compare.both.click()
    trigger(comparing, "view_grid")
    trigger(comparing, "view_compare")
    assert not compare.both.isChecked()
    assert len(comparing.window.review.controller.targets) == 1


# The bar itself.


def test_labels_take_as_many_lines_as_they_need(qtbot: QtBot) -> None:
    bar = LabelBar()
    qtbot.addWidget(bar)
    rows = [(LabelRow(i, f"a label {i}", 0.9, 0.5), str(i)) for i in range(1, 9)]
    bar.set_labels(rows, "No labels")
    wide, narrow = bar.heightForWidth(2000), bar.heightForWidth(220)
    assert narrow > 3 * wide
    bar.resize(220, narrow)
    bar.show()
    assert all(bar.rect().contains(b.geometry()) for b in bar.buttons)
    assert not bar.empty.isVisible()
    bar.set_labels([], "No labels")
    assert bar.empty.isVisible() and bar.empty.text() == "No labels"
