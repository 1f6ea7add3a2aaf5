from __future__ import annotations

from collections.abc import Sequence

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base import settings as keys
from tests.gui.driver import CTRL, LEFT, NONE, SHIFT, click, filter_to, trigger


def test_a_click_chooses_one_ctrl_adds_and_shift_chooses_all_between(
    application: Application,
) -> None:
    grid, session = application.window.browse.grid.grid, application.session
    click(grid, 2)
    assert (session.focus.current, session.selection) == (2, (2,))
    click(grid, 7, SHIFT)
    assert (session.focus.current, session.selection) == (7, (2, 3, 4, 5, 6, 7))
    click(grid, 4, CTRL)
    assert session.selection == (2, 3, 5, 6, 7)
    click(grid, 20, CTRL)
    assert session.selection == (2, 3, 5, 6, 7, 20)
    click(grid, 0)
    assert session.selection == (0,)


def test_shift_and_arrow_keys_choose_in_reading_order(
    qtbot: QtBot, application: Application
) -> None:
    grid, session = application.window.browse.grid.grid, application.session
    columns = grid._grid.columns
    click(grid, 1)
    qtbot.keyClick(grid, Qt.Key.Key_Down, SHIFT)
    assert session.selection == tuple(range(1, columns + 2))
    qtbot.keyClick(grid, Qt.Key.Key_End, SHIFT)
    assert session.selection == tuple(range(1, 23))
    qtbot.keyClick(grid, Qt.Key.Key_Home, CTRL)
    assert (session.focus.current, len(session.selection)) == (0, 22)
    qtbot.keyClick(grid, Qt.Key.Key_Space, CTRL)
    assert session.selection == tuple(range(23))


def test_a_frame_chooses_what_it_touches(qtbot: QtBot, application: Application) -> None:
    grid, session = application.window.browse.grid.grid, application.session
    columns = grid._grid.columns
    first = grid.visualRect(grid._photos.index_of(0)).center()
    below = grid.visualRect(grid._photos.index_of(columns + 1)).center()
    QTest.mousePress(grid.viewport(), LEFT, NONE, first)
    QTest.mouseMove(grid.viewport(), below)
    QTest.mouseRelease(grid.viewport(), LEFT, NONE, below)
    assert session.selection == (0, 1, columns, columns + 1)
    # With Ctrl what was chosen stays.
    last = grid.visualRect(grid._photos.index_of(columns - 1)).center()
    QTest.mousePress(grid.viewport(), LEFT, CTRL, last)
    QTest.mouseMove(grid.viewport(), last - QPoint(0, 40))
    QTest.mouseRelease(grid.viewport(), LEFT, CTRL, last)
    assert set(session.selection) >= {0, columns, columns + 1}


def test_all_photos_that_are_shown_can_be_selected_and_the_selection_inverted(
    qtbot: QtBot, application: Application
) -> None:
    session = application.session
    filter_to(qtbot, application, "name:dog*", 11)
    trigger(application, "select_all")
    assert session.selection == tuple(range(12, 23))
    click(application.window.browse.grid.grid, 14)
    trigger(application, "invert_selection")
    assert session.selection == (12, 13, *range(15, 23))
    trigger(application, "select_none")
    assert session.selection == (12,)


@pytest.mark.parametrize(("text", "rows"), [("name:dog*", range(12, 23)), ("name:dog-0*", [12])])
def test_what_is_said_after_selecting_all_goes_to_them_and_not_to_a_hidden_photo(
    qtbot: QtBot, application: Application, text: str, rows: Sequence[int]
) -> None:
    assert application.session.focus.current == 0
    filter_to(qtbot, application, text, len(rows))
    trigger(application, "select_all")
    assert application.window.review.controller.targets == tuple(rows)


def test_what_a_filter_hides_is_no_longer_selected(qtbot: QtBot, application: Application) -> None:
    click(application.window.browse.grid.grid, 10)
    click(application.window.browse.grid.grid, 13, SHIFT)
    filter_to(qtbot, application, "name:dog*", 11)
    assert application.session.selection == (12, 13)
    assert application.session.focus.current == 13


def test_a_selection_made_elsewhere_is_seen_in_the_grid(application: Application) -> None:
    grid = application.window.browse.grid.grid
    application.session.set_selection((3, 4, 9))
    assert grid.selected_photos == (3, 4, 9)
    assert grid.selectionModel().isSelected(grid._photos.index_of(9))


def test_a_narrower_window_keeps_what_is_selected(qtbot: QtBot, application: Application) -> None:
    grid = application.window.browse.grid.grid
    application.session.set_selection((3, 4, 9))
    columns = grid._grid.columns
    application.settings.set_value(keys.THUMBNAIL_SIDE, 300)
    qtbot.waitUntil(lambda: grid._grid.columns != columns)
    assert application.session.selection == (3, 4, 9)
