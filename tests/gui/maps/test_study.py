from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import MAP_HEAD, MAP_KIND
from csra_gui.maps.comparison import Beside, Together
from csra_gui.maps.head_change import HeadChange
from csra_gui.maps.layers import category_color, mixed_pixels
from engine.api.categories import Categories
from engine.api.errors import ModelError
from engine.api.geometry import Box
from engine.api.values import TrueBox
from engine.api.vocabulary import everyday
from engine.explain.category_colors import CATEGORY_COLORS
from engine.explain.evidence import activate, logits, with_head
from tests.fakes import CATEGORIES, HEIGHT, MODEL_ID, WIDTH, FakeEngine, fake_model
from tests.gui.driver import Start, drag, overlay, select, trigger, wait_until_tagged

CAT, DOG, CAR = (CATEGORIES.index_of(name) for name in ("cat", "dog", "car"))


def score(application: Application, category: int) -> float:
    scores = application.window.maps.display.source.scores
    assert scores is not None
    return float(activate(logits(scores), scores.activation)[category])


def told(application: Application) -> list[list[str]]:
    """The lines of the table of changes."""
    table = application.window.maps.panel.table
    return [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


# Hiding a part.


@pytest.mark.slow
def test_hiding_a_part_asks_the_model_again_and_shows_what_becomes_of_the_labels(
    qtbot: QtBot, looking: Application, engine: FakeEngine
) -> None:
    view, source = looking.window.maps.viewer.view, looking.window.maps.display.source
    hide = looking.window.maps.viewer.hide_part
    assert hide.isHidden()
    before = score(looking, CAT)
    drag(view, (0.0, 0.0), (1.0, 1.0))
    qtbot.waitUntil(lambda: not hide.isHidden())
    hide.click()
    qtbot.waitUntil(lambda: source.hidden is not None and source.scores is not None)
    assert engine.hidden_calls[-1] == source.hidden
    assert view.covered == QRectF(0, 0, 1, 1)
    assert looking.window.maps.panel.isVisible()
    [cat] = [line for line in told(looking) if line[0].startswith("cat")]
    assert cat[0] == "cat (no label any more)"
    assert cat[1] == f"{before * 100:.1f} %"
    assert cat[2] == f"{score(looking, CAT) * 100:.1f} %"
    assert "a part is hidden" in view.notice


def test_showing_the_hidden_part_brings_everything_back(qtbot: QtBot, looking: Application) -> None:
    view, source = looking.window.maps.viewer.view, looking.window.maps.display.source
    picture = overlay(looking)
    drag(view, (0.0, 0.0), (0.9, 0.9))
    trigger(looking, "hide_part")
    qtbot.waitUntil(lambda: overlay(looking) != picture and source.scores is not None)
    trigger(looking, "hide_part")
    assert view.covered is None
    assert not view.notice
    assert overlay(looking) == picture
    assert told(looking) == []


def test_another_photo_is_shown_whole(qtbot: QtBot, looking: Application) -> None:
    source = looking.window.maps.display.source
    source.set_hidden(Box(0, 0, 0.5, 0.5))
    qtbot.waitUntil(lambda: source.scores is not None)
    select(qtbot, looking, "dog.jpg")
    assert source.hidden is None
    assert source.scores is looking.session.focus.evidence


# What if.


@pytest.mark.slow
def test_another_lambda_acts_at_once_and_nothing_of_it_is_stored(looking: Application) -> None:
    window = looking.window
    stored = looking.session.focus.evidence
    assert stored is not None
    before = looking.session.photos.row_scores(looking.session.focus.current or 0)
    window.maps.panel.what_if.lam._slider.setValue(20)  # 1.0
    assert window.maps.display.source.change == HeadChange(lam=1.0)
    expected = activate(logits(with_head(stored, lam=1.0)), "sigmoid")
    assert score(looking, CAT) == pytest.approx(float(expected[CAT]))
    assert "λ = 1" in window.maps.viewer.view.notice
    assert "Nothing of this is stored" in window.maps.panel.told.text()
    after = looking.session.photos.row_scores(looking.session.focus.current or 0)
    assert before is not None
    assert after is not None
    assert np.array_equal(before, after)
    window.maps.panel.what_if.reset.click()
    assert window.maps.display.source.scores is stored
    assert not window.maps.viewer.view.notice


def test_temperature_goes_up_to_the_maximum(looking: Application) -> None:
    tab = looking.window.maps.panel.what_if
    stored = looking.session.focus.evidence
    assert stored is not None
    tab.all_heads.slider.setValue(tab.all_heads.slider.maximum())
    assert looking.window.maps.display.source.change.temperatures == (math.inf,)
    looked = with_head(stored, temperatures=(math.inf,))
    expected = activate(logits(looked), "sigmoid")[CAT]
    assert score(looking, CAT) == pytest.approx(float(expected))


@pytest.mark.slow
def test_another_input_size_is_asked_once_when_the_slider_rests(
    qtbot: QtBot, looking: Application, engine: FakeEngine
) -> None:
    tab, source = looking.window.maps.panel.what_if, looking.window.maps.display.source
    calls = len(engine.explain_calls)
    for place in (3, 5, 6):
        tab.size_slider._slider.setValue(place)
    assert source.is_working
    qtbot.waitUntil(lambda: not source.is_working)
    assert engine.size_calls[calls:] == [128 + 6 * 32]
    assert source.scores is not None
    tab.reset.click()
    assert source.input_size is None


def test_a_size_the_model_cannot_take_is_said_and_reset_helps(
    qtbot: QtBot,
    looking: Application,
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ModelError("This model takes 448 only.")

    monkeypatch.setattr(engine, "explain", refuse)
    source = looking.window.maps.display.source
    source.set_input_size(320)
    qtbot.waitUntil(lambda: source.error != "")
    assert source.scores is None
    assert looking.window.maps.panel.told.text() == "This model takes 448 only."
    trigger(looking, "reset_what_if")
    assert source.scores is looking.session.focus.evidence


@pytest.fixture
def many_heads(qtbot: QtBot, looking: Application, engine: FakeEngine) -> Application:
    """The same window with a model of three heads."""
    heads = (1.0, 2.0, math.inf)
    engine.models["three"] = fake_model("three", None, temperatures=heads, lam=0.4)
    looking.session.models.use("three")
    qtbot.waitUntil(
        lambda: (
            looking.session.models.model is not None
            and looking.session.models.model.name == "three"
        )
    )
    qtbot.waitUntil(lambda: looking.session.focus.evidence is not None)
    wait_until_tagged(qtbot, looking)
    return looking


def test_each_head_has_its_tile_on_one_scale_and_a_click_shows_it(
    qtbot: QtBot, many_heads: Application
) -> None:
    window = many_heads.window
    trigger(many_heads, "maps_panel")
    window.maps.panel.tabs.setCurrentWidget(window.maps.panel.heads)
    tiles = window.maps.panel.heads.tiles
    qtbot.waitUntil(lambda: tiles.count() == 4)
    assert [tiles.item(row).text() for row in range(4)] == [
        "All together",
        "Head 1 (T = 1)",
        "Head 2 (T = 2)",
        "Head 3 (T = max)",
    ]
    pictures = [tiles.item(row).icon().pixmap(100).toImage() for row in range(4)]
    assert pictures[1] != pictures[3]
    place = tiles.visualItemRect(tiles.item(3)).center()
    QTest.mouseClick(tiles.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert many_heads.settings.value(MAP_KIND) == "attention"
    assert many_heads.settings.value(MAP_HEAD) == 3


def test_a_head_alone_has_no_tab_of_its_own(
    looking: Application, request: pytest.FixtureRequest
) -> None:
    trigger(looking, "maps_panel")
    panel = looking.window.maps.panel
    heads = panel.tabs.indexOf(panel.heads)
    assert not panel.tabs.isTabVisible(heads)
    assert "heads" not in panel.what_if._caption.text()
    request.getfixturevalue("many_heads")
    assert panel.tabs.isTabVisible(heads)
    assert panel.what_if._caption.text() == "&T of all heads"


@pytest.mark.slow
def test_a_head_can_be_switched_off_but_never_the_last_one(many_heads: Application) -> None:
    tab, source = many_heads.window.maps.panel.what_if, many_heads.window.maps.display.source
    many_heads.settings.set_value(MAP_KIND, "attention")
    many_heads.settings.set_value(MAP_HEAD, 3)
    tab.switches[0].click()
    assert source.scores is not None
    assert source.scores.temperatures == (2.0, math.inf)
    display = many_heads.window.maps.display
    assert display.head_in(source.scores) == 1  # the third head is the second now
    tab.switches[2].click()
    assert display.head_in(source.scores) is None
    assert not tab.switches[1].isEnabled()
    assert "without head 1, 3" in many_heads.window.maps.viewer.view.notice


# Several labels.


def test_labels_together_have_a_colour_each_and_pointing_shows_one_alone(
    looking: Application,
) -> None:
    window = looking.window
    alone = overlay(looking)
    trigger(looking, "maps_panel")
    window.maps.panel.tabs.setCurrentWidget(window.maps.panel.together)
    labels = window.maps.panel.together.labels
    for row in range(labels.count()):
        item = labels.item(row)
        if item.data(Qt.ItemDataRole.UserRole) in (CAT, DOG):
            item.setCheckState(Qt.CheckState.Checked)
    comparison = window.maps.viewer.comparison
    assert set(comparison.categories) == {CAT, DOG}
    assert comparison.together is Together.COLORS
    assert not window.maps.viewer.legend.isHidden()
    assert {"cat", "dog"} == set(window.maps.viewer.legend.accessibleDescription().split(", "))
    together = overlay(looking)
    assert together != alone
    looking.session.focus.set_hovered(DOG)
    assert overlay(looking) not in (together, alone)
    looking.session.focus.set_hovered(None)
    assert overlay(looking) == together
    trigger(looking, "together_winner")
    assert overlay(looking) != together
    trigger(looking, "together_off")
    assert overlay(looking) == alone
    assert window.maps.viewer.legend.isHidden()


@pytest.fixture
def among_many(qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine) -> Application:
    """A window on the photo of a cat, with a model of 400 categories and the maps' panel open."""
    engine.categories = Categories(("cat", *everyday().names[-399:]))
    application = start([photos])
    application.window.browse.browsing.set_photo_beside(True)
    wait_until_tagged(qtbot, application)
    select(qtbot, application, "cat.jpg")
    trigger(application, "maps_panel")
    return application


def ticked(application: Application) -> list[int]:
    labels = application.window.maps.panel.together.labels
    items = [labels.item(row) for row in range(labels.count())]
    return [
        item.data(Qt.ItemDataRole.UserRole)
        for item in items
        if item.checkState() is Qt.CheckState.Checked
    ]


def test_a_ninth_label_cannot_be_ticked(among_many: Application) -> None:
    together, comparison = (
        among_many.window.maps.panel.together,
        among_many.window.maps.viewer.comparison,
    )
    comparison.set_categories(range(20, 30))
    assert comparison.categories == tuple(range(20, 28))
    assert set(ticked(among_many)) == set(range(20, 28))
    items = [together.labels.item(row) for row in range(together.labels.count())]
    free = [item for item in items if item.checkState() is Qt.CheckState.Unchecked]
    assert free
    assert not any(item.flags() & Qt.ItemFlag.ItemIsEnabled for item in free)
    together.clear.click()
    assert comparison.categories == ()


def test_a_label_keeps_its_colour_while_others_come_and_go(among_many: Application) -> None:
    comparison = among_many.window.maps.viewer.comparison
    comparison.set_categories(range(8))
    colors = dict(comparison.colors)
    assert len(set(colors.values())) == 8
    for gone in range(7):
        comparison.set_categories(range(gone + 1, 8))
        assert comparison.colors == {one: colors[one] for one in range(gone + 1, 8)}


def test_of_many_labels_those_drawn_come_first_and_one_can_be_searched(
    among_many: Application, qtbot: QtBot
) -> None:
    together = among_many.window.maps.panel.together
    sofa = among_many.session.photos.index_of("sofa")
    together.search.setText("couch")
    labels = together.labels
    [row] = [row for row in range(labels.count()) if not labels.isRowHidden(row)]
    assert labels.item(row).text().startswith("sofa")
    labels.item(row).setCheckState(Qt.CheckState.Checked)
    assert among_many.window.maps.viewer.comparison.categories == (sofa,)
    together.search.clear()
    select(qtbot, among_many, "dog.jpg")
    assert labels.item(0).text().startswith("sofa")
    assert labels.count() == 400


def test_nothing_is_listed_while_nobody_sees_it(looking: Application, qtbot: QtBot) -> None:
    together = looking.window.maps.panel.together
    assert not together.isVisible()
    assert together.labels.count() == 0
    trigger(looking, "maps_panel")
    looking.window.maps.panel.tabs.setCurrentWidget(together)
    qtbot.waitUntil(lambda: together.labels.count() > 0)
    assert together.search.isHidden(), "of few, none needs to be searched"


def test_one_layer_alone_has_its_colour_and_two_mix_by_their_opacity() -> None:
    alphas = np.array([[[0.5, 0.0, 0.4]], [[0.0, 0.0, 0.4]]], dtype=np.float32)
    colors = CATEGORY_COLORS[:2].astype(np.float32)
    one, none, both = (int(pixel) for pixel in mixed_pixels(alphas, colors)[0])
    assert one >> 24 == 128
    assert QColor(one >> 15 & 0x1FE, 0, 0).red() == pytest.approx(category_color(0).red(), abs=1)
    assert none == 0
    assert (both >> 24) / 255 == pytest.approx(1 - 0.6 * 0.6, abs=0.01)
    red = (both >> 16 & 0xFF) / (both >> 24) * 255
    assert red == pytest.approx(colors[:, 0].mean(), abs=2)


# Beside the photo.


def test_another_label_lies_beside_the_photo_under_the_same_zoom(looking: Application) -> None:
    viewer = looking.window.maps.viewer
    trigger(looking, "beside_category")
    side = viewer.side
    assert not side.isHidden()
    assert side.view.overlay_visible()
    assert viewer.comparison.other not in (None, CAT)
    viewer.view.zoom_in()
    assert side.view.zoom == viewer.view.zoom
    side.view.actual_size()
    assert viewer.view.zoom == 1.0
    side._close.click()
    assert side.isHidden()
    assert viewer.comparison.beside is Beside.NOTHING


def test_the_same_label_without_attention_shares_the_scale(looking: Application) -> None:
    trigger(looking, "map_evidence")
    trigger(looking, "beside_no_attention")
    side = looking.window.maps.viewer.side.view
    assert side._caption.startswith("Without attention (λ = 0): cat ")
    assert side._overlay.toImage() != overlay(looking)
    source = looking.window.maps.display.source
    assert source.scores is not None
    assert source.without_attention is not None
    shared = looking.window.maps.display.style(CAT)
    each = [
        looking.window.maps.display.style(CAT, [scores]).high
        for scores in (source.scores, source.without_attention)
    ]
    assert shared.high == max(each)


@pytest.mark.slow
def test_another_model_is_asked_about_each_photo_and_freed_in_the_end(
    qtbot: QtBot, looking: Application, engine: FakeEngine
) -> None:
    names = type(CATEGORIES)(("dog", "cat", "whale"))
    other = fake_model("other", None, names)
    engine.models["other"] = other
    side = looking.window.maps.viewer.side
    trigger(looking, "beside_model")
    qtbot.waitUntil(lambda: side.which.count() > 0)
    side.second.choose("other")
    qtbot.waitUntil(lambda: side.second.scores is not None)
    assert side.view._caption.startswith("other: cat ")
    assert side.view.overlay_visible()
    looking.session.focus.set_hovered(CAR)
    assert side.view._caption == "other does not know car"
    select(qtbot, looking, "dog.jpg")
    qtbot.waitUntil(lambda: side.second.scores is not None)
    assert {MODEL_ID, other.id} <= set(engine.opened)
    trigger(looking, "beside_nothing")
    qtbot.waitUntil(lambda: other.id not in engine.opened)
    assert MODEL_ID in engine.opened


def test_a_second_model_that_cannot_be_opened_is_said(qtbot: QtBot, looking: Application) -> None:
    side = looking.window.maps.viewer.side
    trigger(looking, "beside_model")
    side.second.choose("nowhere")
    qtbot.waitUntil(lambda: "no model" in side.view._caption)
    assert not side.view.overlay_visible()


# True boxes.


def test_true_boxes_and_the_outcome_of_the_pointing_game_are_marked(
    qtbot: QtBot, looking: Application, engine: FakeEngine
) -> None:
    whole = (0.0, 0.0, float(WIDTH), float(HEIGHT))
    engine.boxes["cat-and-dog.jpg"] = (
        TrueBox("cat", whole),
        TrueBox("dog", (0.0, 0.0, 1.0, 1.0), is_difficult=True),
        TrueBox("dog", (0.0, 0.0, 1.0, 2.0)),
    )
    view = looking.window.maps.viewer.view
    trigger(looking, "true_boxes")
    qtbot.waitUntil(lambda: len(view.marks) == 2)
    box, pointed = view.marks
    assert (box.text, box.rect) == ("cat", QRectF(0, 0, 1, 1))
    assert pointed.is_point
    assert pointed.text == "hit"
    looking.session.focus.set_hovered(DOG)
    qtbot.waitUntil(lambda: [mark.text for mark in view.marks][-1:] == ["miss"])
    assert [mark.dashed for mark in view.marks] == [True, False, False]
    trigger(looking, "true_boxes")
    assert not view.marks


def test_a_photo_outside_a_data_set_has_no_boxes_and_that_is_said(
    qtbot: QtBot, looking: Application
) -> None:
    trigger(looking, "true_boxes")
    view, readout = looking.window.maps.viewer.view, looking.window.maps.viewer.readout
    # The pointer may rest where a test before this one left it.
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: "lies in no data set" in readout.text())
    assert not view.marks


def test_boxes_are_found_by_the_other_name_of_a_category() -> None:
    from csra_gui.maps.pointing import boxes_of

    boxes = (TrueBox("tvmonitor", (0, 0, 1, 1)), TrueBox("dog", (0, 0, 1, 1)))
    assert boxes_of(boxes, Categories(("dog", "tv")), 1) == boxes[:1]


def test_labels_together_are_outlined_in_their_colours(looking: Application) -> None:
    comparison = looking.window.maps.viewer.comparison
    looking.session.thresholds.set_common(0.95)  # the blobs reach it, what is around does not
    comparison.set_categories((CAT, DOG))
    comparison.set_together(Together.COLORS)

    def colors() -> set[int]:
        image = overlay(looking)
        return {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}

    lines = {category_color(place).rgb() for place in comparison.colors.values()}
    assert len(lines) == 2
    assert lines <= colors()
    trigger(looking, "map_contour")
    assert not lines & colors()
