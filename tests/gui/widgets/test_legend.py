from __future__ import annotations

import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from csra_gui.widgets.legend import Legend, color_icon

COLORS = [QColor.fromHsv(40 * number, 255, 200) for number in range(8)]


@pytest.fixture
def legend(qtbot: QtBot) -> Legend:
    widget = Legend()
    qtbot.addWidget(widget)
    names = [f"a label of some length {number}" for number in range(8)]
    widget.set_entries("Labels together:", list(zip(COLORS, names, strict=True)))
    return widget


@pytest.mark.parametrize("width", [260, 500, 4000])
def test_all_names_have_room(legend: Legend, width: int) -> None:
    legend.resize(width, legend.heightForWidth(width))
    picture = legend.grab().toImage()
    pixels = {
        picture.pixelColor(x, y).rgb()
        for x in range(picture.width())
        for y in range(picture.height())
    }
    assert {color.rgb() for color in COLORS} <= pixels


def test_it_takes_no_more_lines_than_it_needs(legend: Legend) -> None:
    one = legend.heightForWidth(4000)
    assert legend.heightForWidth(500) > one
    assert legend.heightForWidth(260) > legend.heightForWidth(500)
    legend.set_entries("Labels together:", ())
    assert legend.heightForWidth(260) == one


def test_a_square_is_seen_on_ground_of_its_own_colour() -> None:
    white = QColor("#ffffff")
    square = color_icon(white).pixmap(12, 12).toImage()
    rim, inside = square.pixelColor(0, 6), square.pixelColor(6, 6)
    assert inside == white
    assert rim.lightness() < 200
