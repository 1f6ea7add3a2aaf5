"""Heads that are parts of different kinds are called by their titles."""

from __future__ import annotations

import math

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.maps.head_change import HeadChange
from csra_gui.maps.map_chooser import MapChooser
from csra_gui.maps.why_dialog import WhyDialog
from tests.fakes import FakeEngine, fake_model
from tests.gui.driver import trigger, wait_for_model, wait_until_tagged


@pytest.fixture
def titled(qtbot: QtBot, looking: Application, engine: FakeEngine) -> Application:
    """The window with a model of two heads whose file says what they are."""
    info = fake_model(
        "parts", None, temperatures=(1.0, math.inf), head_titles=("<b>one</b>", "two")
    )
    engine.models["parts"] = info
    looking.session.models.use("parts")
    wait_for_model(qtbot, looking, info.id)
    qtbot.waitUntil(lambda: looking.session.focus.evidence is not None)
    wait_until_tagged(qtbot, looking)
    return looking


def test_tiles_and_switches_have_the_titles(qtbot: QtBot, titled: Application) -> None:
    panel = titled.window.maps.panel
    trigger(titled, "maps_panel")
    panel.tabs.setCurrentWidget(panel.heads)
    tiles = panel.heads.tiles
    qtbot.waitUntil(lambda: tiles.count() == 3)
    assert [tiles.item(row).text() for row in range(3)] == [
        "All together",
        "1: <b>one</b>",
        "2: two",
    ]
    assert panel.what_if.switches[1].text() == "2: two"


def test_the_list_of_heads_has_titles_and_temperatures(titled: Application) -> None:
    heads = titled.window.findChild(MapChooser).heads
    assert [heads.itemText(row) for row in range(1, 3)] == [
        "Head 1, <b>one</b> (T = 1)",
        "Head 2, two (T = max)",
    ]


def test_why_names_the_heads_also_while_some_are_off(titled: Application) -> None:
    trigger(titled, "why")
    [dialog] = titled.window.findChildren(WhyDialog)
    lines = dialog.numbers.toPlainText().split("\n")
    assert lines[0].startswith("Head 1, <b>one</b> (T = 1): base ")
    assert lines[1].startswith("Head 2, two (T = max): base ")
    titled.window.maps.display.source.set_change(HeadChange(heads=(False, True)))
    lines = dialog.numbers.toPlainText().split("\n")
    assert lines[0].startswith("Head 2, two (T = max): base ")
    assert lines[1].startswith("Logit: ")
    dialog.close()
