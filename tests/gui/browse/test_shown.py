"""The current photo and the selected ones are always among those that are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base import settings as keys
from csra_gui.browse.view_mode import ViewMode
from csra_gui.session.chosen import Change
from engine.library.values import Verdict
from tests.gui.driver import (
    CTRL,
    SHIFT,
    Start,
    click,
    drop,
    filter_to,
    names,
    press,
    row,
    trigger,
    wait_until_tagged,
)


def holds(application: Application) -> bool:
    """The rule, in the session and in the view that can be seen."""
    session, view = application.session, application.window.browse.grid.view
    shown = set(session.shown.rows.tolist())
    current, selection = session.focus.current, session.selection
    seen = view.selected_photos == selection and view.current_photo == current
    return {current, *selection} <= shown if shown else (current, selection) == (None, ()) and seen


# After another filter or order.


def test_the_first_result_is_looked_at_when_a_filter_leaves_the_photo_out(
    qtbot: QtBot, application: Application
) -> None:
    session, grid = application.session, application.window.browse.grid.grid
    click(grid, 4)
    filter_to(qtbot, application, "name:dog*", 11)
    assert (session.focus.current, session.selection) == (12, (12,))
    assert (grid.current_photo, grid.selected_photos) == (12, (12,))
    application.window.review.controller.accept("dog")
    assert session.photos.verdicts(12) == {"dog": Verdict.ACCEPTED}
    assert not session.photos.verdicts(4)


def test_a_photo_that_passes_the_filter_stays_the_one_that_is_looked_at(
    qtbot: QtBot, application: Application
) -> None:
    click(application.window.browse.grid.grid, 15)
    filter_to(qtbot, application, "name:dog*", 11)
    assert application.session.focus.current == 15
    session = application.session
    session.shown.set_sort("name", descending=True)
    qtbot.waitUntil(lambda: not session.shown.is_pending)
    assert (session.focus.current, session.selection) == (15, (15,))


def test_the_grid_scrolls_to_the_photo_that_is_looked_at(
    qtbot: QtBot, application: Application
) -> None:
    grid, session = application.window.browse.grid.grid, application.session
    application.settings.set_value(keys.THUMBNAIL_SIDE, 256)
    click(grid, 22)
    session.shown.set_sort("name", descending=True)
    qtbot.waitUntil(lambda: session.shown.row_at(22) == 0)
    assert grid.viewport().rect().intersects(grid.visualRect(grid._photos.index_of(22)))
    filter_to(qtbot, application, "name:cat*", 12)
    first = session.shown.row_at(0)
    assert session.focus.current == first
    assert grid.viewport().rect().contains(grid.visualRect(grid._photos.index_of(first)).center())


def test_what_is_selected_is_what_is_seen_selected_after_another_order(
    qtbot: QtBot, application: Application
) -> None:
    session, grid = application.session, application.window.browse.grid.grid
    for photo in (3, 4, 9):
        click(grid, photo, CTRL if photo > 3 else Qt.KeyboardModifier.NoModifier)
    session.shown.set_sort("name", descending=True)
    qtbot.waitUntil(lambda: session.shown.row_at(22) == 0)
    assert set(session.selection) == {3, 4, 9} == set(grid.selected_photos)
    filter_to(qtbot, application, "name:dog*", 11)
    assert session.selection == (session.focus.current,) == grid.selected_photos
    assert "selected" not in application.window.browse.grid._count.text()


def test_one_of_those_still_selected_is_looked_at(qtbot: QtBot, application: Application) -> None:
    grid = application.window.browse.grid.grid
    click(grid, 13)
    click(grid, 10, SHIFT)
    filter_to(qtbot, application, "name:dog*", 11)
    assert application.session.selection == (12, 13)
    assert application.session.focus.current == 12
    assert application.window.review.controller.targets == (12, 13)


@pytest.mark.parametrize("mode", ["view_grid", "view_list", "view_large", "view_compare"])
def test_where_nothing_is_shown_nothing_is_decided_on_and_all_can_be_shown_again(
    qtbot: QtBot, application: Application, mode: str
) -> None:
    session, browse = application.session, application.window.browse
    trigger(application, mode)
    session.focus.set_current(7)
    filter_to(qtbot, application, "name:zebra*", 0)
    assert session.focus.current is None and session.selection == ()
    assert application.window.review.controller.targets == ()
    assert not application.window.actions_table["label_1"].isEnabled()
    in_grid = mode in ("view_grid", "view_list")
    nothing = browse.grid.nothing if in_grid else browse.stage.nothing
    assert nothing.isVisible() and nothing.accessibleDescription() == "name:zebra*"
    [button] = [b for b in nothing.findChildren(QPushButton) if b.isVisible()]
    assert button.text() == "Show all photos"
    button.click()
    qtbot.waitUntil(lambda: len(session.shown) == 23)
    assert session.focus.current == 7, "where the person was"
    assert application.window.search.panel.bar.edit.text() == ""
    assert not nothing.isVisible()


def test_photos_that_are_compared_are_shown(qtbot: QtBot, application: Application) -> None:
    application.session.focus.set_current(3)
    trigger(application, "view_compare")
    browsing = application.window.browse.browsing
    filter_to(qtbot, application, "name:dog*", 11)
    assert browsing.pair == (12, 13)
    filter_to(qtbot, application, "name:dog-3*", 1)
    assert browsing.mode is ViewMode.GRID


def test_a_photo_that_is_asked_for_by_name_is_shown_or_said_to_be_hidden(
    qtbot: QtBot, application: Application
) -> None:
    session = application.session
    filter_to(qtbot, application, "name:dog*", 11)
    session.go_to(14)
    assert session.focus.current == 14
    session.go_to(2)
    assert session.focus.current == 14
    assert "cat-2.jpg is not among" in application.window.message_bar.texts()[-1]
    press(application.window.message_bar, "Show all photos")
    qtbot.waitUntil(lambda: session.focus.current == 2)
    assert len(session.shown) == 23


def test_a_photo_that_is_not_open_any_more_is_not_gone_to(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "boat.jpg").touch()
    session = application.session
    filter_to(qtbot, application, "name:dog*", 11)
    session.go_to(2)
    application.window.browse.opener.open([other])
    qtbot.waitUntil(lambda: len(session.photos) == 1)

    press(application.window.message_bar, "Show all photos")

    assert session.focus.current in (None, 0)


def test_undo_goes_to_the_photo_once_the_filter_shows_it_again(
    qtbot: QtBot, application: Application
) -> None:
    session = application.session
    filter_to(qtbot, application, "reviewed:no", 23)
    session.focus.set_current(5)
    trigger(application, "reviewed")
    qtbot.waitUntil(lambda: len(session.shown) == 22)
    trigger(application, "undo")
    qtbot.waitUntil(lambda: session.focus.current == 5)
    assert len(session.shown) == 23
    assert not any("not among" in text for text in application.window.message_bar.texts())


# Where the keys go.


@pytest.mark.parametrize("mode", ["view_list", "view_large", "view_compare", "view_grid"])
def test_keys_go_to_the_photos_in_every_view(application: Application, mode: str) -> None:
    window = application.window
    trigger(application, "view_large" if mode == "view_grid" else "view_grid")
    window.search.panel.bar.edit.setFocus()
    trigger(application, mode)
    in_grid = mode in ("view_grid", "view_list")
    expected = window.browse.grid.view if in_grid else window.browse.stage.filmstrip
    assert window.focusWidget() is expected


def test_return_in_the_filter_leads_to_the_photos_unless_it_is_wrong(
    qtbot: QtBot, application: Application
) -> None:
    window, edit = application.window, application.window.search.panel.bar.edit
    window.activateWindow()
    trigger(application, "find")
    qtbot.waitUntil(edit.hasFocus)
    for text, shown in (("name:zebra*", 0), ("dog AND", 0), ("name:dog*", 11)):
        edit.selectAll()
        QTest.keyClicks(edit, text)
        edit.offers.hide()
        assert window.focusWidget() is edit
        QTest.keyClick(edit, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda shown=shown: len(application.session.shown) == shown)
        qtbot.waitUntil(lambda: not application.session.shown.is_pending)
    qtbot.waitUntil(lambda: window.focusWidget() is window.browse.grid.grid)


@pytest.mark.slow
def test_what_is_asked_for_elsewhere_leads_from_the_filter_to_the_photos(
    qtbot: QtBot, application: Application
) -> None:
    window, edit = application.window, application.window.search.panel.bar.edit
    trigger(application, "find")
    QTest.keyClicks(edit, "name:dog*")
    edit.offers.hide()
    qtbot.waitUntil(lambda: len(application.session.shown) == 11)
    assert window.focusWidget() is edit, "the person may go on typing"
    trigger(application, "clear_filter")
    qtbot.waitUntil(lambda: len(application.session.shown) == 23)
    assert window.focusWidget() is window.browse.grid.grid


def test_a_click_that_changes_what_is_shown_leaves_the_keys_with_the_photos(
    qtbot: QtBot, application: Application
) -> None:
    window = application.window
    clicked: tuple[QWidget, ...] = (
        window.search.facets.panel.list,
        window.search.panel.bar.sort.orders,
        window.browse.folders.tree,
    )
    assert not [w for w in clicked if w.focusPolicy() & Qt.FocusPolicy.ClickFocus]


# Photos of elsewhere.


@pytest.mark.slow
def test_what_was_looked_at_comes_back_after_other_photos(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    session = application.session
    filter_to(qtbot, application, "name:dog*", 11)
    session.shown.set_sort("name", descending=True)
    qtbot.waitUntil(lambda: session.shown.row_at(10) == 12)
    session.go_to(14)
    session.focus.set_pinned(1)
    session.visit([photos / "cat.jpg", photos / "dog.jpg"])
    qtbot.waitUntil(lambda: len(session.photos) == 2)
    session.show_only([row(application, "cat.jpg")], "missed (1)")
    qtbot.waitUntil(lambda: len(session.shown) == 1)
    fixed = application.window.search.panel.fixed
    assert fixed.isVisible() and application.window.search.panel.bar.edit.text() == ""
    fixed.click()
    qtbot.waitUntil(lambda: len(session.shown) == 11)
    qtbot.waitUntil(lambda: names(application)[session.focus.current or 0] == "dog-2.jpg")
    assert (session.shown.sort_key, session.shown.descending) == ("name", True)
    assert application.window.search.panel.bar.edit.text() == "name:dog*"
    assert not fixed.isVisible()
    assert session.focus.pinned == 1
    wait_until_tagged(qtbot, application)


def test_another_folder_is_shown_without_what_was_said_of_the_one_before(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    session, fixed = application.session, application.window.search.panel.fixed
    session.show_only([1, 2], "missed (2)")
    qtbot.waitUntil(fixed.isVisible)
    application.window.browse.opener.open([photos])
    qtbot.waitUntil(lambda: len(session.shown) == 5)
    assert fixed.isHidden()
    session.go_back()
    assert len(session.shown) == 5, "there is nothing to go back to"
    wait_until_tagged(qtbot, application)


def test_looking_for_subfolders_or_not_keeps_the_photo(
    qtbot: QtBot, application: Application
) -> None:
    session = application.session
    session.go_to(9)
    path = session.focus.current_path
    trigger(application, "include_subfolders")
    qtbot.waitUntil(lambda: len(session.photos) == 12 and not session.pipeline.is_scanning)
    assert session.focus.current_path == path
    wait_until_tagged(qtbot, application)


# Arithmetic.


def test_what_takes_the_place_of_a_photo() -> None:
    def current(
        before: list[int], shown: list[int], row: int | None, **other: object
    ) -> int | None:
        change = Change(np.array(before), np.array(shown), **other)  # type: ignore[arg-type]
        return change.current(row)

    assert current([0, 1, 2, 3], [0, 2, 3], 1) == 2
    assert current([3, 2, 1, 0], [0, 3], 1) == 0, "several may go at once"
    assert current([0, 1, 2], [0, 1], 2) == 1, "after the last, the one before"
    assert current([0, 1, 2, 3], [0, 2, 3], 1, is_asked=True) == 0
    assert current([0, 1], [], 1) is None
    assert current([], [4, 5], None) == 4
    assert current([0, 1], [0, 9], 1, moved={1: 9}) == 9
    assert Change(np.array([0]), np.array([5, 3, 1])).selection((1, 2, 5)) == (5, 1)


def test_keys_go_to_the_photos_and_to_no_line_to_type_in_once_a_folder_is_opened(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start()
    window = application.window
    with qtbot.waitActive(window):
        window.activateWindow()
    button = window.browse.welcome.findChild(QPushButton)
    button.setFocus()
    assert window.focusWidget() is button
    drop(application, [photos])
    wait_until_tagged(qtbot, application)
    assert window.focusWidget() is window.browse.grid.grid
