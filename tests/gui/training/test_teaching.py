"""Improving the model and teaching it labels in the window, from the wish to the model in use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import TAG_ON_OPENING
from csra_gui.training.teach_controller import TeachController
from csra_gui.training.teach_dialog import ImproveDialog, TeachDialog, progress_text
from engine.api.teaching import TeachProgress
from engine.library.values import Example, Verdict
from engine.records.models import default_store
from tests.fakes import CATEGORIES, FakeEngine
from tests.gui.driver import Start, wait_for_model

WAIT_MS = 20_000
CATS, DOGS = 7, 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Cats, dogs, and one photo that cannot be read."""
    folder = tmp_path / "many"
    folder.mkdir()
    names = [f"cat-{i}.jpg" for i in range(CATS)] + [f"dog-{i}.jpg" for i in range(DOGS)]
    for name in (*names, "bad.jpg"):
        (folder / name).touch()
    return folder


@pytest.fixture
def trainer(engine: FakeEngine) -> FakeEngine:
    """The engine that learns; what it makes can be opened by the first one too."""
    trainer = FakeEngine()
    trainer.models = engine.models
    return trainer


@pytest.fixture
def application(
    qtbot: QtBot,
    start: Start,
    trainer: FakeEngine,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Application:
    """Open on these photos, all tagged."""
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "data"))
    application = start([folder], trainer=lambda: trainer)
    session = application.session
    wait_for_model(qtbot, application)
    count = CATS + DOGS
    qtbot.waitUntil(
        lambda: session.photos.tagged_count() == count and not session.tagger.is_running
    )
    return application


def rows(application: Application, start: str, count: int) -> list[int]:
    paths = application.session.photos.paths
    return [row for row, path in enumerate(paths) if path.name.startswith(start)][:count]


def correct(application: Application, yes: int, no: int) -> None:
    decisions = application.session.decisions
    decisions.decide(rows(application, "cat", yes), {"cat": Verdict.ACCEPTED}, caption="accept")
    decisions.decide(rows(application, "dog", no), {"cat": Verdict.REJECTED}, caption="reject")


def teaching(application: Application) -> TeachController:
    return application.window.training.controller.teaching


def improve(application: Application) -> ImproveDialog:
    application.window.actions_table["improve_model"].trigger()
    dialog = teaching(application).improve_dialog
    assert dialog is not None
    return dialog


def taught_new(qtbot: QtBot, application: Application, showing: int = 3) -> TeachDialog:
    """The dialog with the report on a new label, taught with the first cats."""
    application.session.chosen.select(rows(application, "cat", showing))
    application.window.actions_table["teach_label"].trigger()
    dialog = teaching(application).teach_dialog
    assert dialog is not None
    assert not dialog.start.isEnabled()
    assert dialog.focusWidget() is dialog.name
    qtbot.waitUntil(dialog.name.hasFocus)
    QTest.keyClick(dialog.name, Qt.Key.Key_Return)
    assert dialog.problem.text() == "Name the label first."
    dialog.name.setText("new, old")
    assert not dialog.start.isEnabled()
    assert "needs quotes" in dialog.problem.text()
    dialog.name.setText("new")
    assert not dialog.problem.text()
    dialog.others.setValue(6)
    QTest.keyClick(dialog.name, Qt.Key.Key_Return)
    qtbot.waitUntil(dialog.look.isVisible)
    return dialog


def session_model(application: Application) -> str:
    model = application.session.models.model
    return "" if model is None else model.name


def models() -> list[str]:
    return sorted(default_store().models())


def examples(qtbot: QtBot, application: Application) -> list[Example]:
    """What the library says that labels were taught with."""
    found: list[list[Example]] = []
    application.session.library.submit(lambda library: library.examples(), found.append)
    qtbot.waitUntil(lambda: bool(found))
    return found[0]


@pytest.mark.slow
def test_corrections_improve_the_model_and_the_difference_is_shown_before_it_counts(
    qtbot: QtBot, application: Application, trainer: FakeEngine
) -> None:
    correct(application, 5, 6)
    dialog = improve(application)
    assert dialog.counts.text() == (
        "11 photos with 5 labels that you accepted or added and 6 that you rejected"
    )
    assert dialog.labels.text() == "These can learn: cat."
    dialog.start.click()
    qtbot.waitUntil(dialog.look.isVisible)
    page = dialog.result_page
    assert page.spread.text() == "cat would newly be on 1 of 4 photos that you said nothing of."
    texts = [page.table.item(0, column).text() for column in range(8)]  # type: ignore[union-attr]
    assert texts == [
        "cat", "1 of 4", "5", "6", "0", "5 of 5 (before 0)", "0 of 6 (before 6)", "better",
    ]  # fmt: skip
    [request] = trainer.trainer.taught
    assert request.taught == (0,)
    assert request.thresholds == (application.session.thresholds.common,) * len(CATEGORIES)
    with qtbot.waitSignal(application.session.tagger.finished, timeout=WAIT_MS):
        dialog.look.click()
    assert models() == ["Fake model improved"]
    assert session_model(application) == "Fake model"
    dialog.use.click()
    qtbot.waitUntil(lambda: session_model(application) == "Fake model improved", timeout=WAIT_MS)
    assert page.spread.text() == "Fake model improved is used from now on."
    dialog.close()
    assert not request.file.parent.exists()
    assert {(one.category, one.drawn) for one in examples(qtbot, application)} == {("cat", False)}


@pytest.mark.slow
def test_a_label_with_too_few_yes_or_no_cannot_learn_and_it_is_said(
    qtbot: QtBot, application: Application
) -> None:
    correct(application, 6, 4)
    dialog = improve(application)
    assert dialog.labels.text() == "These have too few and stay as they are: cat (6 yes, 4 no)."
    assert not dialog.start.isEnabled()
    application.session.decisions.decide(
        rows(application, "dog", 5)[4:], {"cat": Verdict.REJECTED}, caption="reject"
    )
    qtbot.waitUntil(dialog.start.isEnabled)
    dialog.close()


def test_what_the_model_has_learned_from_cannot_judge_it_again(
    qtbot: QtBot, application: Application
) -> None:
    correct(application, 5, 5)
    dialog = improve(application)
    dialog.start.click()
    qtbot.waitUntil(dialog.look.isVisible)
    dialog.use.click()
    qtbot.waitUntil(lambda: session_model(application) == "Fake model improved", timeout=WAIT_MS)
    dialog.close()
    dialog = improve(application)
    qtbot.waitUntil(lambda: not dialog.start.isEnabled())
    assert dialog.labels.text() == ""
    correct(application, 6, 5)
    assert dialog.labels.text() == "These have too few and stay as they are: cat (1 yes, 0 no)."
    dialog.close()


def test_a_new_label_is_taught_with_the_selected_photos_and_ranks_all_others(
    qtbot: QtBot, application: Application, trainer: FakeEngine
) -> None:
    session = application.session
    session.shown.set_filter('name:"cat*"')
    qtbot.waitUntil(lambda: len(session.shown) == CATS)
    dialog = taught_new(qtbot, application)
    assert dialog.showing.text().startswith("3 photos selected that show it; 10 or more work best")
    [request] = trainer.trainer.taught
    assert request.categories[-1] == "new"
    assert request.targets[:, -1].tolist() == [True] * 3 + [False] * 6
    assert request.drawn is not None
    assert request.drawn[:, -1].tolist() == [False] * 3 + [True] * 6
    page = dialog.result_page
    assert page.table.item(0, 3).text() == "0"  # type: ignore[union-attr]
    assert page.table.item(0, 4).text() == "6"  # type: ignore[union-attr]
    assert page.table.item(0, 7).text() == "cannot be judged"  # type: ignore[union-attr]
    dialog.look.click()
    qtbot.waitUntil(lambda: session.shown.sort_key == "score:new")
    assert session.shown.filter_text == ""
    qtbot.waitUntil(lambda: len(session.shown) == CATS + DOGS + 1)
    qtbot.waitUntil(lambda: not session.photos.untagged_rows())
    assert len(session.selection) <= 1
    dialog.close()


@pytest.mark.slow
def test_photos_selected_for_a_label_have_it_and_those_drawn_are_kept_as_without(
    qtbot: QtBot, application: Application, trainer: FakeEngine
) -> None:
    dialog = taught_new(qtbot, application)
    [request] = trainer.trainer.taught
    dialog.look.click()
    qtbot.waitUntil(lambda: session_model(application).endswith("new"), timeout=WAIT_MS)
    dialog.close()
    photos = application.session.photos
    assert len(application.session.selection) <= 1
    for row in rows(application, "cat", 3):
        assert photos.verdicts(row) == {"new": Verdict.ADDED}
    found = examples(qtbot, application)
    images = [one.image_id for one in found if one.drawn]
    drawn = {photos.paths[row] for row in photos.rows_of_images(images)}
    assert drawn == set(request.paths[3:])
    assert sum(not one.drawn for one in found) == 3


def test_what_a_label_was_taught_with_is_learned_from_again_but_does_not_judge(
    qtbot: QtBot, application: Application, trainer: FakeEngine
) -> None:
    dialog = taught_new(qtbot, application)
    dialog.look.click()
    qtbot.waitUntil(lambda: session_model(application).endswith("new"), timeout=WAIT_MS)
    session = application.session
    qtbot.waitUntil(lambda: not session.photos.untagged_rows() and not session.tagger.is_running)
    dialog.close()
    correct(application, 5, 5)
    improving = improve(application)
    qtbot.waitUntil(improving.start.isEnabled)
    improving.start.click()
    qtbot.waitUntil(improving.look.isVisible)
    first, request = trainer.trainer.taught
    assert request.drawn is not None
    assert request.learned is not None
    again = {request.paths[row] for row in np.flatnonzero(request.drawn[:, -1])}
    assert again == set(first.paths[3:])
    assert (request.learned[:, -1] == request.known[:, -1]).all()
    assert request.known[:, -1].sum() == 9
    page = improving.result_page
    assert page.table.item(1, 7).text() == "stays as it was"  # type: ignore[union-attr]
    assert "1 label stays as before" in page.summary.text()
    improving.discard.click()
    improving.close()


@pytest.mark.slow
def test_old_labels_stay_until_the_taught_model_has_seen_the_photos(
    qtbot: QtBot, application: Application, engine: FakeEngine
) -> None:
    """Also where the person does not want photos to be tagged by themselves."""
    application.settings.set_value(TAG_ON_OPENING, False)
    session = application.session
    before = session.photos.scores.copy()
    dialog = taught_new(qtbot, application)
    engine.predict_gate.clear()
    dialog.look.click()
    qtbot.waitUntil(lambda: session_model(application).endswith("new"), timeout=WAIT_MS)
    dialog.close()
    qtbot.waitUntil(lambda: session.tagger.is_running)
    assert session.photos.tagged_count() == CATS + DOGS
    order = [row for row in range(len(session.photos)) if session.photos.is_tagged(row)]
    np.testing.assert_array_equal(session.photos.scores[order][:, :-1], before[order])
    assert np.isnan(session.photos.scores[order][:, -1]).all()
    engine.predict_gate.set()
    qtbot.waitUntil(lambda: not session.photos.untagged_rows())
    assert not np.isnan(session.photos.scores[order]).any()


def test_photos_that_would_get_a_label_are_shown_and_left_when_it_is_discarded(
    qtbot: QtBot, application: Application, trainer: FakeEngine
) -> None:
    trainer.trainer.spread = 4
    dialog = taught_new(qtbot, application)
    session = application.session
    page = dialog.result_page
    assert page.show_all.text() == "&Show 4 photos in the window"
    assert "select more photos that show it" in page.advice.text()
    [request] = trainer.trainer.taught
    page.show_all.click()
    qtbot.waitUntil(lambda: len(session.shown) == 4)
    shown = {session.photos.paths[row] for row in session.shown.rows.tolist()}
    assert shown == set(request.others[:4])
    assert session.shown.fixed_caption == "“new” would be new"
    dialog.discard.click()
    qtbot.waitUntil(lambda: len(session.shown) == CATS + DOGS + 1)
    assert models() == []
    assert examples(qtbot, application) == []
    dialog.close()


@pytest.mark.parametrize(
    ("done", "rate", "text"),
    [
        (0, None, "Looking at the photos: 0 of 300"),
        (100, 2.0, "Looking at the photos: 100 of 300 · about 2 min left"),
        (300, 2.0, "Looking at the photos: 300 of 300"),
    ],
)
def test_looking_at_photos_says_how_long_it_takes_yet(
    done: int, rate: float | None, text: str
) -> None:
    assert progress_text(TeachProgress("looking", done, 300), rate) == text


def test_a_known_label_is_not_taught_anew(qtbot: QtBot, application: Application) -> None:
    application.session.chosen.select(rows(application, "cat", 3))
    application.window.actions_table["teach_label"].trigger()
    dialog = teaching(application).teach_dialog
    assert dialog is not None
    dialog.name.setText("cat")
    dialog.start.click()
    assert "knows cat already" in dialog.problem.text()
    dialog.close()


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["stop", "discard", "close"])
def test_learning_can_be_left_at_any_moment_and_nothing_stays(
    qtbot: QtBot, application: Application, trainer: FakeEngine, moment: str
) -> None:
    if moment != "discard":
        trainer.trainer.gate.clear()
    correct(application, 5, 5)
    dialog = improve(application)
    dialog.start.click()
    qtbot.waitUntil(lambda: len(trainer.trainer.taught) == 1)
    [request] = trainer.trainer.taught
    if moment == "discard":
        qtbot.waitUntil(dialog.discard.isVisible)
        assert request.file.exists()
        dialog.discard.click()
    elif moment == "stop":
        dialog.cancel.click()
        trainer.trainer.gate.set()
        qtbot.waitUntil(lambda: dialog.problem.text().startswith("It was stopped"))
    else:
        assert application.window.training.controller.shut_down(10.0)
    assert not request.file.parent.exists()
    assert models() == []
    dialog.close()
