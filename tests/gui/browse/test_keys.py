"""Keys in the window: commands, words, and what is said to have been done."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.browse.view_mode import ViewMode
from csra_gui.shell.shortcut_guard import TypingGuard
from csra_gui.widgets.notifier import Topic
from engine.library.values import Verdict
from tests.gui.driver import filter_to, full_screens, trigger

_NOT_SOON = 60_000


@pytest.fixture
def keys(qtbot: QtBot, application: Application) -> QWidget:
    """The window, whose photos have the focus."""
    window = application.window
    with qtbot.waitActive(window):
        window.activateWindow()
    window.browse.focus_photos()
    return window


def press(window: QWidget, keys: str | Qt.Key) -> None:
    for key in [keys] if isinstance(keys, Qt.Key) else keys:
        QTest.keyClick(window.windowHandle(), key)


def said(application: Application) -> str:
    toast = application.window.notifier.toast
    return "" if toast is None else toast.text


def click_in_toast(application: Application) -> None:
    toast = application.window.notifier.toast
    assert toast is not None
    [button] = toast.findChildren(QToolButton)
    button.click()


# Typing.


def test_a_word_typed_on_the_photos_becomes_a_label(
    application: Application, keys: QWidget
) -> None:
    window, session = application.window, application.session
    guard = window.findChild(TypingGuard)
    assert guard is not None
    guard._timer.setInterval(_NOT_SOON)
    before = session.focus.current
    assert before is not None
    press(keys, "glen")
    entry = window.review.labels.entry
    assert (entry.text(), entry.hasFocus()) == ("glen", True)
    assert window.browse.browsing.mode is ViewMode.GRID
    assert not session.photos.verdicts(before)
    press(keys, Qt.Key.Key_Return)
    assert session.photos.verdicts(before) == {"glen": Verdict.ADDED}
    assert session.focus.current == before


def test_what_is_typed_with_no_focus_changes_no_view_and_no_photo(
    application: Application, keys: QWidget
) -> None:
    window, session = application.window, application.session
    window.browse.grid.grid.clearFocus()
    press(keys, Qt.Key.Key_Return)
    press(keys, "g")
    assert window.review.labels.entry.text() == "g"
    assert not any(session.photos.is_reviewed(row) for row in range(len(session.photos)))


def test_where_nothing_is_shown_nothing_is_typed(
    qtbot: QtBot, application: Application, keys: QWidget
) -> None:
    filter_to(qtbot, application, "name:zebra*", 0)
    press(keys, "zoo")
    assert application.window.review.labels.entry.text() == ""


@pytest.mark.slow
def test_a_view_is_changed_by_its_key_and_by_the_next_one(
    qtbot: QtBot, application: Application, keys: QWidget
) -> None:
    browsing = application.window.browse.browsing
    for key, mode in (("e", ViewMode.LARGE), ("c", ViewMode.COMPARE), ("l", ViewMode.LIST)):
        press(keys, key)
        qtbot.waitUntil(lambda mode=mode: browsing.mode is mode)


@pytest.mark.parametrize("place", ["message", "box", "counts"])
def test_the_mouse_leaves_the_keys_with_the_photos(
    application: Application, keys: QWidget, place: str
) -> None:
    window = application.window
    window.notifier.info("Something.", Topic.NOTE)
    clicked = {
        "message": window.message_bar,
        "box": window.review.labels.progress.queues,
        "counts": window.search.facets.panel.list.viewport(),
    }[place]
    QTest.mouseClick(clicked, Qt.MouseButton.LeftButton)
    if isinstance(clicked, QComboBox):
        clicked.hidePopup()
    assert window.focusWidget() is window.browse.grid.grid


# What has been done.


def test_what_a_key_does_to_photos_is_said_and_can_be_taken_back(
    qtbot: QtBot, application: Application, keys: QWidget
) -> None:
    session = application.session
    session.focus.set_current(2)
    session.set_selection((2, 3))
    press(keys, Qt.Key.Key_Return)
    assert said(application) == "2 photos accepted."
    assert session.photos.is_reviewed(2) and session.photos.is_reviewed(3)
    click_in_toast(application)
    qtbot.waitUntil(lambda: not session.photos.is_reviewed(2))
    assert said(application) == "Undone: Accept all labels"
    click_in_toast(application)
    qtbot.waitUntil(lambda: session.photos.is_reviewed(3))
    assert said(application) == "Done again: Accept all labels"


def test_each_thing_that_can_be_done_has_its_words(application: Application) -> None:
    session, review = application.session, application.window.review.controller
    session.focus.set_current(2)
    for act, words in (
        (lambda: review.accept("cat"), "“cat” accepted."),
        (lambda: review.accept("cat"), "“cat” open again."),
        (lambda: review.reject("cat"), "“cat” rejected."),
        (lambda: review.add("{0} %s"), "“{0} %s” added."),
        (lambda: review.add("cat, old"), "“cat”, “old” added."),
        (lambda: trigger(application, "reviewed"), "1 photo marked as reviewed."),
        (lambda: session.set_selection((2, 3)), "1 photo marked as reviewed."),
        (lambda: review.reject("dog"), "“dog” rejected on 2 photos."),
        (lambda: session.go_to(7), "“dog” rejected on 2 photos."),
        (lambda: trigger(application, "repeat"), "Said the same of 1 photo."),
    ):
        act()
        assert said(application) == words


def test_what_is_said_goes_by_itself_and_waits_for_the_pointer(
    qtbot: QtBot, application: Application, keys: QWidget
) -> None:
    application.window.review.controller.accept("cat")
    toast = application.window.notifier.toast
    assert toast is not None and toast.isVisible()
    assert toast.parentWidget().rect().contains(toast.geometry())
    assert keys.focusWidget() is application.window.browse.grid.grid
    toast._timer.setInterval(_NOT_SOON)
    QTest.mouseMove(
        application.window.browse.grid.grid.viewport()
    )  # a test before left it anywhere
    QTest.mouseMove(toast)
    qtbot.waitUntil(lambda: not toast._timer.isActive())
    assert toast.isVisible()
    toast._timer.setInterval(1)
    QTest.mouseMove(application.window.browse.grid.grid.viewport())
    qtbot.waitUntil(toast.isHidden)


def test_the_end_is_said(qtbot: QtBot, application: Application, keys: QWidget) -> None:
    session = application.session
    session.go_to(22)
    press(keys, Qt.Key.Key_Return)
    assert said(application) == (
        "1 photo accepted. That was the last one; on with the first that is not reviewed."
    )
    assert session.focus.current == 0
    session.decisions.decide(range(21), {}, caption="Reviewed", reviewed=True)
    session.go_to(21)
    press(keys, Qt.Key.Key_Return)
    assert said(application) == "1 photo accepted."
    assert application.window.message_bar.texts()[-1].startswith("All photos that are shown")
    trigger(application, "last_photo")
    trigger(application, "next_photo")
    assert said(application) == "This is the last photo."
    trigger(application, "first_photo")
    trigger(application, "previous_photo")
    assert said(application) == "This is the first photo."


def test_what_is_said_is_over_the_photo_that_fills_the_screen(
    qtbot: QtBot, application: Application, keys: QWidget
) -> None:
    trigger(application, "photo_full_screen")
    (screen,) = full_screens()
    application.window.review.controller.accept("cat")
    toast = application.window.notifier.toast
    assert toast is not None and toast.window() is screen
    screen.close()
    qtbot.waitUntil(lambda: not full_screens())
    application.window.review.controller.accept("cat")
    assert said(application) == "“cat” open again."
