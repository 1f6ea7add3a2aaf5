"""Heads that are parts of different kinds are called by their titles."""

from __future__ import annotations

import math

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import MAP_HEAD, MAP_KIND
from csra_gui.maps.head_change import HeadChange
from csra_gui.maps.map_chooser import MapChooser
from csra_gui.maps.why_dialog import WhyDialog
from engine.explain.evidence import MapKind
from tests.fakes import CATEGORIES, FakeEngine, fake_model
from tests.gui.driver import trigger, wait_for_model, wait_until_tagged

CAT = CATEGORIES.index_of("cat")


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_list_of_heads_has_titles_and_temperatures(titled: Application) -> None:
    heads = titled.window.findChild(MapChooser).heads
    assert [heads.itemText(row) for row in range(1, 3)] == [
        "Head 1, <b>one</b> (T = 1)",
        "Head 2, two (T = max)",
    ]


@pytest.mark.slow
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


@pytest.fixture
def partial(titled: Application) -> Application:
    """The first head of the model, called <b>one</b>, does not know cat."""
    evidence = titled.session.focus.evidence
    assert evidence is not None
    evidence.values[0, CAT] = 0.0
    titled.window.maps.display.source._results.clear()
    titled.session.focus.evidence_changed.emit()
    return titled


@pytest.mark.slow
def test_heads_that_do_not_know_a_label_are_left_out(qtbot: QtBot, partial: Application) -> None:
    panel = partial.window.maps.panel
    trigger(partial, "maps_panel")
    panel.tabs.setCurrentWidget(panel.heads)
    qtbot.waitUntil(lambda: panel.heads.tiles.count() == 1)
    assert panel.heads.tiles.item(0).text() == "2: two"
    assert panel.heads.title.text() == "Where the one head that knows cat looks."
    assert panel.what_if.unknowing.text() == "cat is unknown to 1: <b>one</b>."
    trigger(partial, "why")
    [dialog] = partial.window.findChildren(WhyDialog)
    lines = dialog.numbers.toPlainText().split("\n")
    assert lines[0].startswith("Head 2, two") and lines[1].startswith("Logit: ")
    partial.session.focus.set_hovered(CATEGORIES.index_of("dog"))
    assert panel.heads.tiles.count() == 3
    assert not panel.what_if.unknowing.text()
    dialog.close()


@pytest.mark.slow
def test_without_any_head_that_knows_a_label_nothing_is_said_to_be_left(
    qtbot: QtBot, partial: Application
) -> None:
    maps = partial.window.maps
    trigger(partial, "maps_panel")
    trigger(partial, "why")
    [dialog] = partial.window.findChildren(WhyDialog)
    maps.display.source.set_change(HeadChange(heads=(True, False)))
    left = "Every head that knows cat is off, so nothing is left that could say how sure it is."
    assert dialog.reason.text() == dialog.numbers.toPlainText() == left
    assert left in maps.viewer.view.notice
    table = maps.panel.table
    cells = [
        [table.item(row, column).text() for column in (0, 2, 3)] for row in range(table.rowCount())
    ]
    assert ["cat (no label any more)", "\N{EN DASH}", "\N{EN DASH}"] in cells
    maps.panel.tabs.setCurrentWidget(maps.panel.heads)
    assert maps.panel.heads.title.text().startswith("No head that is on knows cat")
    assert maps.panel.heads.tiles.count() == 0
    dialog.close()


@pytest.mark.slow
def test_the_map_of_a_head_that_does_not_know_the_label_is_empty_and_says_so(
    partial: Application,
) -> None:
    maps, settings = partial.window.maps, partial.settings
    settings.set_value(MAP_KIND, MapKind.ATTENTION.value)
    settings.set_value(MAP_HEAD, 1)
    scores = maps.display.source.scores
    assert scores is not None
    assert not maps.display.values(scores, CAT).any()
    assert "Head 1, <b>one</b>, does not know cat." in maps.viewer.view.notice
    settings.set_value(MAP_HEAD, 2)
    assert not maps.viewer.view.notice
