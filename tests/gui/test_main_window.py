from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from csra_gui.base import settings as keys
from csra_gui.browse.photo_roles import PhotoRole
from csra_gui.session.active_model import ModelState
from csra_gui.tagging.problems_dialog import ProblemsDialog
from csra_gui.widgets.text_dialogs import BugDialog
from engine.api.errors import ModelError
from tests.fakes import CATEGORIES, FakeEngine
from tests.gui.driver import (
    Start,
    cell,
    drop,
    labels,
    names,
    press,
    row,
    select,
    tagged,
    wait_until_tagged,
)

CAT = CATEGORIES.index_of("cat")


def test_a_folder_given_at_the_start_is_scanned_and_tagged(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    assert names(application) == sorted(p.name for p in photos.iterdir())
    assert "cat" in labels(application, "cat.jpg")
    assert {"cat", "dog"} <= labels(application, "cat-and-dog.jpg")


def test_a_dropped_folder_replaces_what_is_open_and_shift_adds(
    qtbot: QtBot, start: Start, photos: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "boat.jpg").touch()
    application = start([photos])
    wait_until_tagged(qtbot, application)
    assert drop(application, [other])
    qtbot.waitUntil(lambda: names(application) == ["boat.jpg"])
    assert drop(application, [photos / "cat.jpg", photos / "dog.jpg"], shift=True)
    qtbot.waitUntil(lambda: names(application) == ["boat.jpg", "cat.jpg", "dog.jpg"])
    wait_until_tagged(qtbot, application)


def test_a_drag_without_files_is_refused(qtbot: QtBot, start: Start) -> None:
    application = start()
    assert not drop(application, [])


def test_a_dropped_name_that_is_not_utf8_arrives_whole(qtbot: QtBot, start: Start) -> None:
    from csra_gui.widgets.drop_hint import local_paths

    url = QUrl.fromEncoded(b"file:///photos/caf%E9%20%26%25.jpg")
    assert local_paths([url]) == [Path("/photos/caf\udce9 &%.jpg")]


def test_thumbnails_appear_for_what_can_be_seen(qtbot: QtBot, start: Start, photos: Path) -> None:
    application = start([photos])
    decoration = Qt.ItemDataRole.DecorationRole
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: isinstance(cell(application, "cat.jpg", decoration), QImage))


def test_a_photo_that_cannot_be_read_is_marked_and_the_rest_is_tagged(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    assert cell(application, "bad.jpg", PhotoRole.ERROR) == "The file ends too early."
    assert tagged(application) == 4
    texts = application.window.message_bar.texts()
    assert texts[-1] == "4 photos tagged, 1 could not be read."
    application.window.actions_table["show_problems"].trigger()
    [dialog] = application.window.findChildren(ProblemsDialog)
    assert dialog.list.topLevelItemCount() == 1
    dialog.list.setCurrentItem(dialog.list.topLevelItem(0))
    assert application.session.focus.current_path == photos / "bad.jpg"
    dialog.close()


def test_pointing_at_a_label_shows_its_map_and_a_click_with_ctrl_keeps_it(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    select(qtbot, application, "cat.jpg")
    view, panel = application.window.maps.viewer.view, application.window.review.labels
    qtbot.waitUntil(view.has_photo)
    listed = panel.labels.model()
    [place] = [i for i in range(listed.rowCount()) if listed.index(i, 0).data() == "cat"]
    middle = panel.labels.visualRect(listed.index(place, 0)).center()
    QTest.mouseMove(panel.labels.viewport(), middle)
    qtbot.waitUntil(view.overlay_visible)
    control = Qt.KeyboardModifier.ControlModifier
    QTest.mouseClick(panel.labels.viewport(), Qt.MouseButton.LeftButton, control, middle)
    assert application.session.focus.pinned == CAT
    panel.labels.category_hovered.emit(-1)
    assert view.overlay_visible()
    application.window.actions_table["show_overlay"].trigger()
    assert not view.overlay_visible()
    application.window.actions_table["show_overlay"].trigger()
    application.window.actions_table["unpin"].trigger()
    assert application.session.focus.pinned is None
    assert not view.overlay_visible()


def test_another_threshold_labels_everything_anew_without_the_model(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    calls = len(engine.predict_calls)
    before = labels(application, "cat.jpg")
    application.window.review.labels.threshold.value_changed.emit(0.0)
    assert labels(application, "cat.jpg") == set(CATEGORIES) > before
    application.window.review.labels.threshold.value_changed.emit(1.0)
    assert labels(application, "cat.jpg") == set()
    assert len(engine.predict_calls) == calls
    assert application.settings.value(keys.THRESHOLD) == 1.0


def test_labels_come_while_the_rest_is_still_waiting(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding = engine._wait

    def wait_at_the_third(gate: object) -> None:
        if gate is engine.predict_gate and len(engine.predicted) == 2:
            engine.predict_gate.clear()
        holding(engine.predict_gate)

    monkeypatch.setattr(engine, "_wait", wait_at_the_third)
    application = start([photos])
    qtbot.waitUntil(lambda: tagged(application) == 1)
    assert application.session.tagger.is_running
    assert [text for text in application.window.activity_bar.texts() if text.startswith("Tagging")]
    monkeypatch.setattr(engine, "_wait", holding)
    engine.predict_gate.set()
    wait_until_tagged(qtbot, application)


def test_cancel_stops_tagging_and_resume_goes_on_from_there(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    engine.predict_gate.clear()
    application = start([photos])
    qtbot.waitUntil(lambda: application.session.tagger.is_running)
    application.window.actions_table["cancel"].trigger()
    engine.predict_gate.set()
    qtbot.waitUntil(lambda: not application.session.tagger.is_running)
    assert engine.predict_closed.is_set()
    assert len(engine.predicted) <= 1
    assert application.window.message_bar.texts()[-1].startswith("Tagging was cancelled")
    qtbot.waitUntil(application.window.actions_table["tag"].isEnabled)
    application.window.actions_table["tag"].trigger()
    wait_until_tagged(qtbot, application)
    shown = application.window.message_bar.texts()
    assert not [text for text in shown if text.startswith("Tagging was cancelled")]


def test_tagging_can_wait_for_its_command(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    application = start()
    application.settings.set_value(keys.TAG_ON_OPENING, False)
    application.window.browse.opener.open([photos])
    qtbot.waitUntil(lambda: len(application.session.photos) == 5)
    qtbot.waitUntil(application.window.actions_table["tag"].isEnabled)
    assert engine.predict_calls == []
    application.window.actions_table["tag"].trigger()
    wait_until_tagged(qtbot, application)


def test_the_window_works_while_the_model_loads(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    engine.open_gate.clear()
    application = start([photos])
    qtbot.waitUntil(lambda: len(application.session.photos) == 5)
    application.session.focus.set_current(row(application, "cat.jpg"))
    qtbot.waitUntil(application.window.maps.viewer.view.has_photo)
    assert application.session.models.state is ModelState.LOADING
    qtbot.waitUntil(lambda: application.window.activity_bar.texts() == ("Loading the model…",))
    engine.open_gate.set()
    wait_until_tagged(qtbot, application)


def test_a_model_that_cannot_be_loaded_is_said_and_tried_again(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    engine.model_error = ModelError("The model file is damaged. Install the program again.")
    application = start([photos])
    bar = application.window.message_bar
    qtbot.waitUntil(lambda: str(engine.model_error) in bar.texts())
    engine.model_error = None
    press(application.window, "Try again")
    wait_until_tagged(qtbot, application)


def test_closing_in_the_middle_of_everything_ends_everything(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    engine.predict_gate.clear()
    engine.explain_gate.clear()
    application = start([photos])
    qtbot.waitUntil(lambda: application.session.tagger.is_running and bool(engine.explain_calls))
    application.window.close()
    assert application.shut_down()
    assert engine.closed.is_set()


def test_closing_while_the_model_loads_closes_the_engine(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    engine.open_gate.clear()
    application = start([photos])
    qtbot.waitUntil(lambda: application.session.models.state is ModelState.LOADING)
    application.window.close()
    assert application.shut_down()


def test_the_explanation_of_the_photo_looked_at_last_wins(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    session = application.session
    qtbot.waitUntil(lambda: not session.engine._is_explaining)
    engine.explain_calls.clear()
    engine.explain_gate.clear()
    looked_at = ["cat-and-dog.jpg", "dog.jpg", "cat.jpg", "person.jpg"]
    for name in looked_at:
        session.focus.set_current(row(application, name))
    qtbot.waitUntil(lambda: len(engine.explain_calls) == 1)
    engine.explain_gate.set()
    qtbot.waitUntil(lambda: session.focus.evidence is not None)
    assert [path.name for path in engine.explain_calls] == ["cat-and-dog.jpg", "person.jpg"]


def test_opening_another_folder_drops_the_results_of_the_first(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine, tmp_path: Path
) -> None:
    engine.predict_gate.clear()
    application = start([photos])
    qtbot.waitUntil(lambda: application.session.tagger.is_running)
    other = tmp_path / "other"
    other.mkdir()
    (other / "boat.jpg").touch()
    application.window.browse.opener.open([other])
    engine.predict_gate.set()
    wait_until_tagged(qtbot, application)
    assert names(application) == ["boat.jpg"]
    scores = application.session.photos.scores
    assert scores.shape == (1, len(CATEGORIES))
    assert np.isfinite(scores).all()


def test_what_was_set_is_there_at_the_next_start(qtbot: QtBot, start: Start, photos: Path) -> None:
    first = start([photos])
    wait_until_tagged(qtbot, first)
    first.window.review.labels.threshold.value_changed.emit(0.8)
    first.settings.set_value(keys.THUMBNAIL_SIDE, 224)
    first.settings.set_value(keys.THEME, "dark")
    first.window.close()
    assert first.shut_down()
    second = start()
    qtbot.waitUntil(lambda: len(second.session.photos) == 5)
    assert second.session.thresholds.common == 0.8
    assert second.settings.value(keys.THUMBNAIL_SIDE) == 224
    assert second.settings.value(keys.THEME) == "dark"
    assert second.settings.recent_folders == [photos]


def test_names_with_markup_are_shown_as_they_are(
    qtbot: QtBot, start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    name = "<img src=x> & <b>cat</b>.jpg".replace("/", "\u2215")
    (folder / name).touch()
    application = start([folder])
    wait_until_tagged(qtbot, application)
    application.session.thresholds.set_common(0.0)
    assert cell(application, name, Qt.ItemDataRole.DisplayRole) == name
    tip = str(cell(application, name, Qt.ItemDataRole.ToolTipRole))
    assert "&lt;img src=x&gt;" in tip
    assert "<img" not in tip
    rich = [
        label.text()
        for label in application.window.findChildren(QLabel)
        if label.textFormat() != Qt.TextFormat.PlainText and "<" in label.text()
    ]
    assert rich == []


def test_arrow_keys_go_through_all_photos_across_the_rows(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    grid = application.window.browse.grid.grid
    press = [
        (Qt.Key.Key_Home, 0),
        *((Qt.Key.Key_Right, photo) for photo in (1, 2, 3, 4, 4)),
        (Qt.Key.Key_Left, 3),
        (Qt.Key.Key_End, 4),
    ]
    for key, photo in press:
        QTest.keyClick(grid, key)
        assert application.session.focus.current == photo
    for key, photo in ((Qt.Key.Key_PageUp, 0), (Qt.Key.Key_PageDown, 4)):
        for _ in range(5):
            QTest.keyClick(grid, key)
        assert application.session.focus.current == photo


@pytest.mark.slow
def test_a_bug_in_the_engine_is_shown_and_the_window_lives(
    qtbot: QtBot,
    start: Start,
    photos: Path,
    engine: FakeEngine,
) -> None:
    engine.predict_bug = ZeroDivisionError("a bug")
    with qtbot.captureExceptions() as caught:
        application = start([photos])
        qtbot.waitUntil(lambda: bool(caught) and not application.session.tagger.is_running)
    assert len(engine.predict_calls) == 1
    application.window.notifier.report_bug("<b>Traceback</b>")
    [dialog] = application.window.findChildren(BugDialog)
    assert dialog.text.toPlainText() == "<b>Traceback</b>"
    dialog.close()
