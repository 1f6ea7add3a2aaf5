from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from csra_gui.base import settings as keys
from csra_gui.session.active_model import ModelState
from engine.api.categories import Categories
from engine.api.errors import (
    CheckpointError,
)
from engine.records.catalogue import DEFAULT_MODEL
from tests.fakes import CATEGORIES, SHIPPED, FakeEngine
from tests.gui.driver import (
    ANIMALS,
    OFFICIAL,
    Start,
    labels,
    open_dialog,
    own_model,
    row,
    select,
    tagged,
    wait_for_model,
    wait_until_tagged,
)


def test_the_list_says_what_is_known_of_each_model_and_what_is_in_use(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    own_model(engine, "mine")
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, SHIPPED)
    sections = [dialog.tree.topLevelItem(i) for i in range(dialog.tree.topLevelItemCount())]
    here, away, backbones = sections
    names = [here.child(i).text(0) for i in range(here.childCount())]
    assert names == [DEFAULT_MODEL, SHIPPED, "mine"]
    states = [here.child(i).text(1) for i in range(here.childCount())]
    assert states == ["here", "in use", "here"]
    official = {away.child(i).text(0): away.child(i) for i in range(away.childCount())}
    cells = [official[OFFICIAL].text(column) for column in range(2, 6)]
    about = "about 178 MB"
    assert cells == [
        "20 everyday things",
        "94.7 % stated",
        about,
        "much slower than the one in use",
    ]
    assert here.child(1).text(3) == "91.8 % on VOC2007 val"
    assert here.child(2).text(2) == "3 labels"
    assert not backbones.isExpanded()
    text = dialog.sheet.toPlainText()
    assert re.search(r"val mAP 9\d\.\d %, on VOC2007 val, 1508 images", text)
    assert "It names 20 everyday things" in text
    assert "dining table" in text
    assert "Kinds of vehicle (7), animal (6), furniture (3) and others." in text
    assert "What it lacks can be taught" in text
    dialog.tree.set_current_name(OFFICIAL)
    assert "not measured here" in dialog.sheet.toPlainText()
    assert about in dialog.sheet.toPlainText()


def test_what_only_experts_want_to_know_is_folded_away(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    plain = dialog.sheet.toPlainText()
    assert not dialog.details.isVisible()
    for word in ("Network", "448", "SHA-256", "AGPL", "λ"):
        assert word not in plain
        assert word in dialog.details.toPlainText()
    dialog.fold.button.click()
    assert dialog.details.isVisible()
    QTest.keyClicks(dialog.filter, "resnet101")
    shown = {item.text(0) for item in dialog.tree._lines() if not item.isHidden()}
    assert {OFFICIAL, "resnet101-imagenet"} <= shown


def test_the_filter_hides_what_does_not_match(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    application = start()
    dialog = open_dialog(qtbot, application, OFFICIAL)
    QTest.keyClicks(dialog.filter, "resnet18")
    shown = [item.text(0) for item in dialog.tree._lines() if not item.isHidden()]
    assert shown == ["resnet18-imagenet"]


@pytest.mark.slow
def test_another_model_tags_anew_and_going_back_asks_nobody(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    mine = own_model(engine, "mine")
    application = start([photos])
    wait_until_tagged(qtbot, application)
    before = labels(application, "cat-and-dog.jpg")
    dialog = open_dialog(qtbot, application, "mine")
    dialog.use.click()
    wait_for_model(qtbot, application, mine.id)
    wait_until_tagged(qtbot, application)
    assert labels(application, "cat-and-dog.jpg") <= set(ANIMALS)
    assert len(engine.predict_calls) == 2
    qtbot.waitUntil(lambda: list(engine.opened) == [mine.id])
    dialog.tree.set_current_name(SHIPPED)
    dialog.use.click()
    wait_for_model(qtbot, application)
    assert labels(application, "cat-and-dog.jpg") == before
    assert tagged(application) == 4
    assert not application.session.tagger.is_running
    assert len(engine.predict_calls) == 2


def test_a_double_click_that_fills_the_list_anew_is_survived(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    own_model(engine, "mine")
    application = start()
    wait_for_model(qtbot, application)
    tree = open_dialog(qtbot, application, "mine").tree

    tree.itemDoubleClicked.emit(None, 0)  # as Qt tells of lines that went between the two clicks
    tree.itemActivated.emit(None, 0)

    assert tree.current_name == "mine"


def test_tagging_waits_for_its_command_after_a_switch_if_so_set(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    mine = own_model(engine, "mine")
    application = start([photos])
    wait_until_tagged(qtbot, application)
    application.settings.set_value(keys.TAG_ON_OPENING, False)
    application.session.models.use("mine")
    wait_for_model(qtbot, application, mine.id)
    assert tagged(application) == 0
    assert not application.session.tagger.is_running
    application.window.actions_table["tag"].trigger()
    wait_until_tagged(qtbot, application)


def test_a_switch_in_the_middle_of_tagging_keeps_what_the_old_model_said(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    mine = own_model(engine, "mine")
    engine.predict_gate.clear()
    application = start([photos])
    qtbot.waitUntil(lambda: application.session.tagger.is_running)
    application.session.models.use("mine")
    wait_for_model(qtbot, application, mine.id)
    engine.predict_gate.set()
    wait_until_tagged(qtbot, application)
    assert application.session.photos.scores.shape == (5, len(ANIMALS))


def test_the_pinned_label_stays_if_the_new_model_knows_it(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    animals = own_model(engine, "animals")
    things = own_model(engine, "things", Categories(("cup", "spoon")))
    application = start([photos])
    wait_until_tagged(qtbot, application)
    select(qtbot, application, "cat.jpg")
    session, view = application.session, application.window.maps.viewer.view
    session.focus.set_pinned(CATEGORIES.index_of("cat"))
    qtbot.waitUntil(view.overlay_visible)
    session.models.use("animals")
    wait_for_model(qtbot, application, animals.id)
    assert session.focus.pinned == ANIMALS.index_of("cat")
    qtbot.waitUntil(lambda: session.focus.evidence is not None)
    assert session.focus.evidence.model_id == animals.id
    qtbot.waitUntil(view.overlay_visible)
    session.models.use("things")
    wait_for_model(qtbot, application, things.id)
    assert session.focus.pinned is None
    assert not view.overlay_visible()


def test_a_model_that_cannot_be_opened_leaves_the_old_one_in_use(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    own_model(engine, "mine")
    application = start([photos])
    wait_until_tagged(qtbot, application)
    dialog = open_dialog(qtbot, application, "mine")
    engine.model_error = CheckpointError("'mine.safetensors' is damaged.")
    dialog.use.click()
    qtbot.waitUntil(lambda: bool(dialog.message_bar.texts()))
    assert dialog.message_bar.texts() == (
        "'mine.safetensors' is damaged. Fake model stays in use.",
    )
    assert application.session.models.state is ModelState.READY
    assert tagged(application) == 4


def test_the_model_in_use_is_opened_at_the_next_start(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    mine = own_model(engine, "mine")
    first = start()
    wait_for_model(qtbot, first)
    first.session.models.use("mine")
    wait_for_model(qtbot, first, mine.id)
    first.window.close()
    assert first.shut_down()
    engine.closed.clear()
    second = start()
    wait_for_model(qtbot, second, mine.id)


def test_a_remembered_model_that_is_gone_gives_way_to_the_one_that_ships(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    application.settings.set_model("gone")
    application.window.close()
    assert application.shut_down()
    engine.closed.clear()
    second = start()
    wait_for_model(qtbot, second)
    assert second.window.message_bar.texts() == (
        "There is no model 'gone'. The model that ships with the program is used instead.",
    )
    assert second.settings.model == ""


def test_the_model_chosen_last_wins(qtbot: QtBot, start: Start, engine: FakeEngine) -> None:
    one, two = own_model(engine, "one"), own_model(engine, "two")
    application = start()
    wait_for_model(qtbot, application)
    seen: list[str] = []
    application.session.models.switched.connect(
        lambda: seen.append(application.session.models.model.name)  # type: ignore[union-attr]
    )
    engine.open_gate.clear()
    application.session.models.use("one")
    application.session.models.use("two")
    engine.open_gate.set()
    wait_for_model(qtbot, application, two.id)
    qtbot.waitUntil(lambda: list(engine.opened) == [two.id])
    assert seen == ["two"]
    assert one.id not in engine.opened


def test_the_status_bar_leads_to_the_models(qtbot: QtBot, start: Start, engine: FakeEngine) -> None:
    application = start()
    wait_for_model(qtbot, application)
    application.window.status.model.click()
    dialog = application.window.models.controller.dialog
    assert dialog is not None
    assert dialog.isVisible()
    assert not dialog.isModal()


def test_the_models_own_thresholds_count_when_the_person_asks_for_them(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    mine = own_model(engine, "mine", thresholds=(1.0, 0.0, 1.0))
    application = start([photos])
    wait_until_tagged(qtbot, application)
    panel = application.window.review.labels
    panel.threshold_group.toggle()
    assert not panel.own_thresholds.isVisible()
    application.session.models.use("mine")
    wait_for_model(qtbot, application, mine.id)
    wait_until_tagged(qtbot, application)
    assert panel.own_thresholds.isVisible()
    assert panel.threshold.isEnabled()
    application.session.thresholds.set_common(0.0)
    assert labels(application, "dog.jpg") == set(ANIMALS)
    panel.own_thresholds.click()
    assert labels(application, "dog.jpg") == {"cat"}
    assert not panel.threshold.isEnabled()


@pytest.mark.slow
def test_a_model_of_a_thousand_categories_shows_its_best_guesses(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    many = Categories(("cat", *(f"thing {i}" for i in range(999))))
    info = own_model(engine, "imagenet", many, activation="softmax")
    application = start([photos])
    wait_until_tagged(qtbot, application)
    application.session.models.use("imagenet")
    wait_for_model(qtbot, application, info.id)
    wait_until_tagged(qtbot, application)
    select(qtbot, application, "cat.jpg")
    panel = application.window.review.labels
    assert panel.labels.model().rowCount() == 5
    assert panel.threshold.value() == keys.SHARE_THRESHOLD.default
    application.session.thresholds.set_common(0.0)
    assert len(application.session.labels(row(application, "cat.jpg"))) == 1000
    assert len(labels(application, "cat.jpg")) == keys.MOST_LABELS.default
    assert application.settings.value(keys.THRESHOLD) == keys.THRESHOLD.default


def test_a_cancelled_run_stays_cancelled_when_a_model_is_refused(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    engine.predict_gate.clear()
    application = start([photos])
    qtbot.waitUntil(lambda: application.session.tagger.is_running)
    application.window.actions_table["cancel"].trigger()
    engine.predict_gate.set()
    qtbot.waitUntil(lambda: not application.session.tagger.is_running)
    application.session.models.use("nonsense")
    told = application.window.message_bar.texts
    qtbot.waitUntil(lambda: any("stays in use" in text for text in told()))
    assert not application.session.tagger.is_running
    assert len(engine.predict_calls) == 1
