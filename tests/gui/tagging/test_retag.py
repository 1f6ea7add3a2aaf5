from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import RETAG_MODE
from csra_gui.session import retagger
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.retag_plan import Difference, Retagged, RetagMode, RetagPlan, difference
from csra_gui.session.session import Session
from csra_gui.tagging.difference_dialog import DifferenceDialog
from csra_gui.tagging.retag_dialog import FolderChoice, RetagDialog
from engine.api.categories import Categories
from engine.api.values import Prediction
from engine.library.values import Verdict
from tests.fakes import CATEGORIES, FakeEngine, fake_model
from tests.gui.driver import Start, labels_in, row_in

DOG, BOAT = CATEGORIES.index_of("dog"), CATEGORIES.index_of("boat")


@pytest.fixture
def other_mind(engine: FakeEngine) -> None:
    """From now on the model sees a boat wherever it saw a dog."""

    def changed(prediction: Prediction) -> Prediction:
        if prediction.error is None and "dog" in prediction.path.name:
            scores = prediction.scores.copy()
            scores[[DOG, BOAT]] = 0.1, 0.9
            prediction = replace(prediction, scores=scores)
        return prediction

    engine.revise = changed


def stored_score(session: Session, name: str, category: int) -> float:
    """What the library has."""
    library, image = session.library.library, session.photos.image_id(row_in(session, name))
    assert library is not None and image is not None and session.models.model is not None
    return float(library.stored([image], session.models.model.id).scores[0, category])


def tagged(qtbot: QtBot, start: Start, photos: Path) -> Application:
    application = start([photos])
    qtbot.waitUntil(lambda: application.session.photos.tagged_count() == 4)
    qtbot.waitUntil(lambda: not application.session.tagger.is_running)
    return application


def reviewed(qtbot: QtBot, application: Application, mode: RetagMode) -> DifferenceDialog:
    """Tag again and wait for the dialog that shows what would change."""
    with qtbot.waitSignal(application.session.retagger.ready):
        application.session.retag(RetagPlan(mode))
    [dialog] = application.window.findChildren(DifferenceDialog)
    return dialog


def test_nothing_counts_before_it_is_accepted(
    qtbot: QtBot, start: Start, photos: Path, request: pytest.FixtureRequest
) -> None:
    application = tagged(qtbot, start, photos)
    session = application.session
    before = {name: labels_in(session, name) for name in ("dog.jpg", "cat-and-dog.jpg")}
    request.getfixturevalue("other_mind")
    dialog = reviewed(qtbot, application, RetagMode.REPLACE)
    assert {name: labels_in(session, name) for name in before} == before
    assert stored_score(session, "cat-and-dog.jpg", BOAT) < 0.8
    assert {"dog", "boat"} >= set(dialog.ticked())
    dialog._on_discard_clicked()
    assert {name: labels_in(session, name) for name in before} == before
    assert session.retagger.difference is None


def test_replacing_takes_away_what_the_model_no_longer_gives_and_stores_it(
    qtbot: QtBot, start: Start, photos: Path, request: pytest.FixtureRequest
) -> None:
    application = tagged(qtbot, start, photos)
    session = application.session
    session.decisions.decide(
        [row_in(session, "dog.jpg")], {"dog": Verdict.ACCEPTED}, caption="Accept dog"
    )
    request.getfixturevalue("other_mind")
    dialog = reviewed(qtbot, application, RetagMode.REPLACE)
    with qtbot.waitSignal(session.retagger.accepted):
        dialog._on_buttons_accepted()
    assert {"dog", "boat"} <= labels_in(session, "dog.jpg"), "an accepted label never vanishes"
    assert "dog" not in labels_in(session, "cat-and-dog.jpg")
    assert "boat" in labels_in(session, "cat-and-dog.jpg")
    assert stored_score(session, "cat-and-dog.jpg", BOAT) > 0.8


def test_updating_keeps_what_the_model_no_longer_gives(
    qtbot: QtBot, start: Start, photos: Path, request: pytest.FixtureRequest
) -> None:
    application = tagged(qtbot, start, photos)
    request.getfixturevalue("other_mind")
    dialog = reviewed(qtbot, application, RetagMode.UPDATE)
    dialog._on_buttons_accepted()
    assert {"cat", "dog", "boat"} <= labels_in(application.session, "cat-and-dog.jpg")


def test_only_the_ticked_categories_are_taken_over_and_a_click_shows_a_photo(
    qtbot: QtBot, start: Start, photos: Path, request: pytest.FixtureRequest
) -> None:
    application = tagged(qtbot, start, photos)
    session = application.session
    had_boat = "boat" in labels_in(session, "cat-and-dog.jpg")
    request.getfixturevalue("other_mind")
    dialog = reviewed(qtbot, application, RetagMode.REPLACE)
    tree = dialog.categories
    items = {tree.topLevelItem(i).text(0): tree.topLevelItem(i) for i in range(2)}
    items["boat"].setCheckState(0, Qt.CheckState.Unchecked)
    tree.setCurrentItem(items["dog"])
    dialog.photos.setCurrentIndex(dialog.rows.index(0))
    assert session.focus.current is not None
    assert "dog" in session.photos.paths[session.focus.current].name
    dialog._on_buttons_accepted()
    assert "dog" not in labels_in(session, "cat-and-dog.jpg")
    assert ("boat" in labels_in(session, "cat-and-dog.jpg")) is had_boat


@pytest.mark.parametrize("ending", ["Discard", "Accept what is ticked"])
def test_photos_that_would_change_are_shown_until_it_is_decided(
    qtbot: QtBot, start: Start, photos: Path, request: pytest.FixtureRequest, ending: str
) -> None:
    application = tagged(qtbot, start, photos)
    shown, photos_open = application.session.shown, application.session.photos
    request.getfixturevalue("other_mind")
    dialog = reviewed(qtbot, application, RetagMode.REPLACE)
    buttons = {button.text(): button for button in dialog.findChildren(QPushButton)}
    buttons["Show these photos"].click()
    qtbot.waitUntil(lambda: 0 < len(shown) < len(photos_open))
    assert application.window.search.panel.fixed.isVisible()
    buttons[ending].click()
    qtbot.waitUntil(lambda: len(shown) == len(photos_open))
    assert not application.window.search.panel.fixed.isVisible()


def test_cancelling_changes_nothing_and_says_so(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    application = tagged(qtbot, start, photos)
    session, actions = application.session, application.window.actions_table
    before = session.photos.scores.copy()
    engine.predict_gate.clear()
    session.retag(RetagPlan(RetagMode.REPLACE))
    qtbot.waitUntil(actions["cancel"].isEnabled)
    assert not actions["pause"].isEnabled(), "it can only be cancelled"
    actions["cancel"].trigger()
    engine.predict_gate.set()
    qtbot.waitUntil(lambda: not session.tagger.is_running)
    assert application.window.message_bar.texts()[-1].endswith("All labels are as they were.")
    np.testing.assert_array_equal(session.photos.scores, before)


def test_what_is_being_compared_is_forgotten_with_its_photos(
    qtbot: QtBot, start: Start, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = tagged(qtbot, start, photos)
    session, begun, gate = application.session, Event(), Event()

    def compare(*args: Any) -> Difference:
        begun.set()
        gate.wait(10)
        return difference(*args)

    monkeypatch.setattr(retagger, "difference", compare)
    session.retag(RetagPlan(RetagMode.REPLACE))
    qtbot.waitUntil(begun.is_set)
    assert session.tagger.is_running
    with qtbot.assertNotEmitted(session.retagger.ready):
        session.open([photos])
        assert not session.tagger.is_running
        gate.set()
        qtbot.waitUntil(lambda: session.photos.tagged_count() == 4)
        qtbot.waitUntil(lambda: not session.pipeline.is_looking_up)
    assert session.retagger.difference is None


def test_closing_the_dialog_leaves_the_way_back(
    qtbot: QtBot, start: Start, photos: Path, request: pytest.FixtureRequest
) -> None:
    application = tagged(qtbot, start, photos)
    request.getfixturevalue("other_mind")
    reviewed(qtbot, application, RetagMode.REPLACE).close()
    bar = application.window.message_bar
    assert bar.texts()[-1].startswith("The photos were tagged again")
    next(b for b in bar.findChildren(QPushButton) if b.text() == "Review…").click()
    qtbot.waitUntil(
        lambda: any(d.isVisible() for d in application.window.findChildren(DifferenceDialog))
    )
    application.session.open([photos])
    qtbot.waitUntil(
        lambda: not any(d.isVisible() for d in application.window.findChildren(DifferenceDialog))
    )


def test_another_model_is_used_once_its_labels_are_accepted(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    animals = fake_model("animals", photos / "animals.safetensors", Categories(("dog", "cow")))
    engine.models["animals"] = animals
    application = tagged(qtbot, start, photos)
    session = application.session
    with qtbot.waitSignal(session.retagger.ready):
        session.retag(RetagPlan(RetagMode.REPLACE, "animals"))
    assert session.models.model != animals
    calls = len(engine.predict_calls)
    [dialog] = application.window.findChildren(DifferenceDialog)
    dialog._on_buttons_accepted()
    qtbot.waitUntil(lambda: session.models.model == animals)
    qtbot.waitUntil(
        lambda: session.photos.tagged_count() == 4 and not session.pipeline.is_looking_up
    )
    qtbot.waitUntil(lambda: session.photos.untagged_rows() == [])
    assert len(engine.predict_calls) == calls, "what was said is not asked again"


def test_skipping_tries_only_what_has_no_labels(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    application = tagged(qtbot, start, photos)
    application.session.retag(RetagPlan(RetagMode.SKIP))
    qtbot.waitUntil(lambda: len(engine.predict_calls) == 2)
    assert engine.predict_calls[-1] == (photos / "bad.jpg",)
    qtbot.waitUntil(lambda: not application.session.tagger.is_running)


def test_the_command_asks_with_what_was_chosen_last(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = tagged(qtbot, start, photos)
    qtbot.waitUntil(application.window.actions_table["retag"].isEnabled)
    application.window.actions_table["retag"].trigger()
    qtbot.waitUntil(lambda: bool(application.window.findChildren(RetagDialog)))
    [dialog] = application.window.findChildren(RetagDialog)
    assert dialog.modes[RetagMode.UPDATE].isChecked()
    dialog.modes[RetagMode.REPLACE].setChecked(True)
    assert dialog.plan() == RetagPlan(RetagMode.REPLACE)
    with qtbot.waitSignal(application.session.retagger.ready):
        dialog._on_buttons_accepted()
    assert application.window.findChildren(DifferenceDialog) == [], "it says the same again"
    assert application.window.message_bar.texts()[-1].endswith("no label changes.")
    qtbot.waitUntil(lambda: not application.window.actions_table["cancel"].isEnabled())
    assert application.settings.value(RETAG_MODE) == "replace"


def test_only_the_ticked_folders_are_asked_about(qtbot: QtBot) -> None:
    folders = [FolderChoice("/a", 1), FolderChoice("/b <i>", 2)]
    dialog = RetagDialog(["one", "two"], folders, RetagMode.SKIP)
    qtbot.addWidget(dialog)
    dialog.models.setCurrentIndex(1)
    dialog.folders.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert dialog.plan() == RetagPlan(RetagMode.SKIP, "two", ("/b <i>",))
    dialog.folders.item(1).setCheckState(Qt.CheckState.Unchecked)
    assert not dialog._go.isEnabled()


def test_a_photo_that_was_never_tagged_only_gains() -> None:
    photos = PhotoTable()
    photos.use_model("a", ("cat", "dog"))
    photos.add([Path("1.jpg"), Path("2.jpg")])
    photos.set_scores(0, np.array([0.9, 0.1], dtype=np.float32))
    photos.decide([0], {"dog": Verdict.REJECTED})
    after = Retagged(
        np.array([0, 1]),
        np.array([[0.1, 0.9], [0.9, 0.1]], dtype=np.float16),
        {},
        Categories(("cat", "dog")),
        np.full(2, 0.5, dtype=np.float32),
    )
    half = np.full(2, 0.5, dtype=np.float32)
    outcome = difference(photos.columns(), half, after, RetagMode.REPLACE)
    assert [(c.category, c.gained, c.lost) for c in outcome.changes()] == [("cat", 1, 1)]
    assert outcome.changed_photos == 2
    kept = outcome.accepted_scores(())
    assert kept[0].tolist() == pytest.approx([0.9, 0.9], abs=1e-3), "dog changes no label"
    assert kept[1].tolist() == pytest.approx([0.0, 0.1], abs=1e-3)
