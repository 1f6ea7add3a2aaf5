"""Measuring a model by one's own labels: only what is said to be complete makes others absent."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from csra_gui.evaluation.decisions_dialog import DecisionsDialog
from engine.library.values import Verdict
from tests.gui.driver import Start, trigger, wait_until_tagged


def test_photos_without_a_label_count_as_without_only_if_it_is_said_to_be_complete(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    session = application.session
    qtbot.waitUntil(lambda: session.library.is_open)
    row = next(i for i, path in enumerate(session.photos.paths) if path.name == "cat.jpg")
    session.decisions.decide([row], {"cat": Verdict.IMPORTED}, caption="Import")
    trigger(application, "evaluate_decisions")
    [dialog] = application.window.findChildren(DecisionsDialog)
    assert "1 photo, 1 of them imported" in dialog.labels.item(0).text()
    dialog.labels.item(0).setCheckState(Qt.CheckState.Checked)
    dialog.accept()
    controller = application.window.evaluation.controller
    qtbot.waitUntil(
        lambda: controller.results is not None and controller.results.state.analysis is not None
    )
    run = controller.results.state.analysis.run
    assert len(run.ids) == session.photos.tagged_count()
    assert run.targets.sum() == 1
    assert not run.ignored.any()
    assert any("complete" in problem for problem in run.problems)
