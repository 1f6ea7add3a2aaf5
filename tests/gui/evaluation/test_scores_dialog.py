"""Measuring in the window what another program saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from csra_gui.evaluation.images import find_images
from csra_gui.evaluation.scores_dialog import ScoresDialog
from engine.api.errors import DataError
from engine.records.evaluations import EvaluationStore
from tests.gui.driver import Start, trigger

NAMES = ("cat", "dog")


def write_files(folder: Path) -> tuple[Path, Path]:
    """Scores and labels of twenty photos that are nowhere."""
    rng = np.random.default_rng(0)
    truth = rng.random((20, 2)) < 0.5
    scores, labels = folder / "scores.csv", folder / "labels.csv"
    values = np.clip(0.4 * truth + 0.6 * rng.random(truth.shape), 0, 1)
    rows = [f"{i}.jpg,{a!r},{b!r}" for i, (a, b) in enumerate(values.tolist())]
    scores.write_text("\n".join(["path,cat,dog", *rows]))
    rows = [f"{i}.jpg,{a},{b}" for i, (a, b) in enumerate(truth.astype(int).tolist())]
    labels.write_text("\n".join(["path,cat,dog", *rows]))
    return scores, labels


def test_scores_of_another_program_become_a_run_that_is_shown(
    qtbot: QtBot, start: Start, tmp_path: Path
) -> None:
    scores, labels = write_files(tmp_path)
    application = start()
    trigger(application, "score_predictions")
    controller = application.window.evaluation.controller
    dialog = controller.scores
    assert isinstance(dialog, ScoresDialog) and not dialog.start.isEnabled()
    dialog.scores.set_path(scores)
    dialog.start.click()
    qtbot.waitUntil(lambda: "holds no true labels" in dialog.problem.text())
    assert dialog.isVisible() and EvaluationStore().paths() == []
    dialog.labels.set_path(labels)
    assert dialog.problem.text() == ""
    dialog.name.setText("theirs")
    dialog.start.click()
    qtbot.waitUntil(lambda: controller.results is not None)
    qtbot.waitUntil(lambda: controller.results.state.analysis is not None)
    assert not dialog.isVisible()
    run = controller.results.state.analysis.run
    assert run.model["name"] == "theirs" and tuple(run.categories) == NAMES
    assert "shares from 0 to 1" in controller.results.message_bar.texts()[0]
    [folder] = EvaluationStore().paths()
    assert EvaluationStore().images(folder) == labels
    # The photos are asked for when they are wanted, and found by the names in the list.
    with pytest.raises(DataError, match="Choose the folder"):
        find_images(folder, run, None)
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "3.JPG").touch()
    assert find_images(folder, run, photos) == {"3.jpg": photos / "3.JPG"}
