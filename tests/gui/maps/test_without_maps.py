from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, QRectF
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.maps.comparison import Beside
from csra_gui.maps.display import NOT_WHERE
from csra_gui.maps.why_dialog import WhyDialog
from csra_gui.training.teach_dialog import TeachDialog
from engine.api.geometry import Box
from engine.records.models import default_store
from tests.fakes import CATEGORIES, FakeEngine, fake_model, write_model_file
from tests.gui.driver import Start, select, trigger, wait_for_model, wait_until_tagged

CAT = CATEGORIES.index_of("cat")


@pytest.fixture
def looking(qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path) -> Application:
    """A window on a photo, with a model that says what, not where, and cat pinned."""
    path = write_model_file(default_store().new_path("tagger"), "tagger")
    facts = {"says_where": False, "is_onnx": True, "lam": 0.0, "descriptor_kind": ""}
    info = fake_model("tagger", path.resolve(), **facts)
    engine.models["tagger"] = info
    application = start([photos])
    application.window.browse.browsing.set_photo_beside(True)
    wait_until_tagged(qtbot, application)
    application.session.models.use("tagger")
    wait_for_model(qtbot, application, info.id)
    wait_until_tagged(qtbot, application)
    select(qtbot, application, "cat-and-dog.jpg")
    qtbot.waitUntil(application.window.maps.viewer.view.has_photo)
    application.session.focus.set_pinned(CAT)
    qtbot.waitUntil(lambda: application.session.focus.evidence is not None)
    return application


def test_where_a_map_would_be_it_is_said(looking: Application) -> None:
    viewer = looking.window.maps.viewer
    assert not viewer.view.overlay_visible()
    assert NOT_WHERE in viewer.view.accessibleDescription()
    assert looking.window.review.labels.maps.meaning.text() == NOT_WHERE
    looking.session.focus.set_pinned(None)
    assert NOT_WHERE not in viewer.view.accessibleDescription()


def test_neither_spots_nor_parts_are_given_values(looking: Application) -> None:
    readout = looking.window.maps.viewer.readout
    readout.set_point(QPointF(0.5, 0.5))
    assert readout.text().startswith(NOT_WHERE)
    assert "%" not in readout.text()
    readout.set_region(QRectF(0.1, 0.1, 0.5, 0.5))
    assert "%" not in readout.text()


def test_why_speaks_of_no_places(looking: Application) -> None:
    trigger(looking, "why")
    [dialog] = looking.window.findChildren(WhyDialog)
    assert NOT_WHERE in dialog.reason.text()
    assert "places" not in dialog.reason.text()
    assert "sure of cat" in dialog.reason.text()
    assert "attention" not in dialog.numbers.toPlainText()


def test_nothing_is_exported_that_would_be_a_map(looking: Application) -> None:
    actions = looking.window.maps.export_actions
    for name in ("save_full_picture", "save_numbers", "save_sheet", "save_page"):
        assert not actions[name].isEnabled()
    assert actions["save_picture"].isEnabled()


@pytest.mark.slow
def test_every_kind_of_comparison_and_of_map_is_harmless(
    qtbot: QtBot, looking: Application
) -> None:
    viewer = looking.window.maps.viewer
    for beside in Beside:
        trigger(looking, f"beside_{beside.value}")
        for kind in ("evidence", "score", "attention", "probability"):
            trigger(looking, f"map_{kind}")
        assert not viewer.side.view.overlay_visible()
    for together in ("colors", "winner", "off"):
        trigger(looking, f"together_{together}")
        assert not viewer.view.overlay_visible()
    trigger(looking, "true_boxes")
    assert viewer.view.has_photo()


def test_a_part_can_be_hidden_and_other_what_ifs_are_not_offered(
    qtbot: QtBot, looking: Application, engine: FakeEngine
) -> None:
    panel, source = looking.window.maps.panel, looking.window.maps.display.source
    panel.show()
    assert panel.told.text().startswith(NOT_WHERE)
    for part in (panel.what_if.lam, panel.what_if.all_heads, panel.what_if.size_slider):
        assert not part.isEnabled()
    source.set_hidden(Box(0.0, 0.0, 0.5, 0.5))
    qtbot.waitUntil(lambda: source.scores is not None and not source.is_working)
    assert engine.hidden_calls[-1] == Box(0.0, 0.0, 0.5, 0.5)
    notice = looking.window.maps.viewer.view.accessibleDescription()
    assert "What if: a part is hidden" in notice
    assert NOT_WHERE in notice


@pytest.mark.parametrize("command", ["find_duplicates", "find_similar"])
def test_why_photos_cannot_be_compared_by_it_is_said(looking: Application, command: str) -> None:
    trigger(looking, command)
    assert "nothing by which photos could be compared" in " ".join(
        looking.window.message_bar.texts()
    )


def test_teaching_it_is_refused_in_a_sentence(looking: Application) -> None:
    trigger(looking, "teach_label")
    [dialog] = looking.window.findChildren(TeachDialog)
    dialog.start_requested.emit()
    assert "imported from ONNX" in dialog.problem.text()
