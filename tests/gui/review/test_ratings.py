"""Stars, colour labels and titles in the window: keys, buttons, menus, marks, filters."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.theme import palette_for
from csra_gui.browse.photo_details_model import COLUMNS
from csra_gui.review.rating_actions import ACTIONS, COLOR_KEYS, STAR_KEYS
from csra_gui.widgets.rating_marks import COLOR_VALUES, paint_marks, rating_text
from engine.library.ratings import COLORS
from tests.gui.driver import Start, row_in, select, wait_until_tagged

MARKS = [(5, "red"), (-1, ""), (0, "red, blue"), (1, "Own")]


@pytest.fixture
def application(qtbot: QtBot, start: Start, photos: Path) -> Application:
    made = start([photos])
    wait_until_tagged(qtbot, made)
    select(qtbot, made, "cat.jpg")
    made.window.actions_table.flush()
    return made


def said(application: Application, name: str = "cat.jpg") -> tuple[int, str, str]:
    found = application.session.photos.attributes
    row = row_in(application.session, name)
    return found.rating(row), found.color(row), found.title(row)


def trigger(application: Application, name: str) -> None:
    application.window.actions_table.flush()
    application.window.actions_table[name].trigger()


def test_each_command_does_what_it_says_and_undo_takes_it_back(
    qtbot: QtBot, application: Application
) -> None:
    for stars, name in enumerate(STAR_KEYS):
        trigger(application, name)
        assert said(application)[0] == stars
    for color, name in zip(COLORS, COLOR_KEYS, strict=True):
        trigger(application, name)
        assert said(application)[1] == color
        assert application.window.review.labels.rating.colors[color].isChecked()
    trigger(application, COLOR_KEYS[-1])
    assert said(application)[1] == ""
    trigger(application, "reject_photo")
    assert said(application)[0] == -1
    trigger(application, "reject_photo")
    assert said(application)[0] == 0
    qtbot.waitUntil(lambda: not application.session.decisions.is_writing)
    trigger(application, "undo")
    qtbot.waitUntil(lambda: said(application)[0] == -1)


def test_keys_run_them_where_the_photos_are(qtbot: QtBot, application: Application) -> None:
    grid = application.window.browse.grid.grid
    grid.setFocus()
    modifier = Qt.KeyboardModifier
    QTest.keyClick(grid, Qt.Key.Key_4, modifier.AltModifier | modifier.ShiftModifier)
    assert said(application)[0] == 4
    QTest.keyClick(grid, Qt.Key.Key_F2, modifier.ShiftModifier)
    assert said(application)[1] == "yellow"
    QTest.keyClick(grid, Qt.Key.Key_0)
    assert said(application)[0] == 0
    QTest.keyClick(grid, Qt.Key.Key_X)
    qtbot.waitUntil(lambda: said(application)[0] == -1)


def test_no_key_of_theirs_runs_anything_else(application: Application) -> None:
    shortcuts = application.window.actions_table.shortcuts
    for spec in ACTIONS:
        for key in shortcuts.keys(spec.id):
            assert shortcuts.users(key) == [spec.id]


def test_buttons_show_what_photos_have_and_change_it(application: Application) -> None:
    bar = application.window.review.labels.rating
    bar.stars[2].click()
    assert said(application)[0] == 3
    bar.stars[2].click()
    assert said(application)[0] == 0
    bar.rejected.click()
    assert said(application)[0] == -1
    bar.colors["blue"].click()
    assert said(application)[1] == "blue"
    rows = tuple(row_in(application.session, name) for name in ("cat.jpg", "dog.jpg"))
    application.session.set_selection(rows)
    assert not bar.rejected.isChecked()
    bar.stars[4].click()
    assert [said(application, name)[0] for name in ("cat.jpg", "dog.jpg")] == [5, 5]


@pytest.mark.parametrize("title", ["Sea & <b>sky</b>", "日本"])
def test_a_title_is_typed_and_shown_as_it_is(
    qtbot: QtBot, application: Application, title: str
) -> None:
    trigger(application, "edit_title")
    dialog = application.window.findChild(QInputDialog)
    assert dialog is not None
    dialog.setTextValue(title)
    dialog.accept()
    assert said(application)[2] == title
    bar = application.window.review.labels.rating
    assert bar.title.text() == title.replace("&", "&&")
    texts = {column.caption: column.text for column in COLUMNS}
    row = row_in(application.session, "cat.jpg")
    path = application.session.photos.paths[row]
    assert texts["Title"](application.session, row, path) == title


def test_a_rating_is_counted_and_can_be_filtered(qtbot: QtBot, application: Application) -> None:
    trigger(application, "rate_3")
    application.window.search.facets.show()
    shown = application.session.shown
    with qtbot.waitSignal(shown.settled):
        shown.set_filter("rating:>=3")
    assert shown.rows.tolist() == [row_in(application.session, "cat.jpg")]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("rating", "color"), [(5, "red"), (-1, ""), (0, "red, blue"), (1, "Own")])
def test_marks_are_painted_in_light_and_dark(
    qtbot: QtBot, dark: bool, rating: int, color: str
) -> None:
    palette = palette_for(dark=dark)
    plain, marked = (QImage(QSize(120, 40), QImage.Format.Format_RGB32) for _ in range(2))
    for image, values in ((plain, (0, "")), (marked, (rating, color))):
        image.fill(palette.color(QPalette.ColorRole.Base))
        painter = QPainter(image)
        paint_marks(painter, palette, image.rect(), *values)
        painter.end()
    assert marked != plain
    seen = {marked.pixel(x, y) for x in range(120) for y in range(40)}
    for name in COLOR_VALUES.keys() & set(color.split(", ")):
        assert COLOR_VALUES[name].rgb() in seen


def test_ratings_in_signs() -> None:
    assert [rating_text(rating) for rating in (-1, 0, 3)] == ["Rejected", "", "★★★"]
