"""Thresholds and calibration of a model's file, beside one half and the best, in the results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from csra_gui.evaluation.result_state import ThresholdSet
from csra_gui.evaluation.result_window import ResultWindow
from engine.api.calibration import LogitScaling
from engine.api.categories import Categories
from engine.records.evaluations import EvaluationRun, EvaluationStore, StoredFit
from tests.gui.driver import Start, trigger

FIT = StoredFit((0.9, 0.4), LogitScaling((2.0, 2.0), (0.0, 0.0)), *2 * ["VOC2007 train, 9 images"])


def run_of(stored: StoredFit) -> EvaluationRun:
    """Two categories in thirty images, mostly right."""
    targets = np.random.default_rng(0).random((30, 2)) < 0.5
    logits = np.where(targets, 2.0, -2.0).astype(np.float32)
    logits[::7] *= -1
    return EvaluationRun(
        model={"name": "m", "chosen on": "VOC2007 test"},
        dataset={"name": "d", "kind": "json", "ignored as": "unspecified"},
        settings={},
        date="2026-01-02T03:04:05+00:00",
        categories=Categories(("cat", "dog")),
        ids=tuple(map(str, range(30))),
        logits=logits,
        targets=targets,
        ignored=np.zeros_like(targets),
        stored=stored,
    )


def is_offered(results: ResultWindow, which: ThresholdSet) -> bool:
    place = results.thresholds.findData(which)
    flags = results.thresholds.model().index(place, 0).flags()
    return bool(flags & Qt.ItemFlag.ItemIsEnabled)


def test_what_lies_in_the_file_is_shown_where_there_is_any(
    qtbot: QtBot, start: Start, tmp_path: Path
) -> None:
    store = EvaluationStore()
    without = replace(run_of(StoredFit()), date="2026-01-01T00:00:00+00:00")
    folders = [store.save(run, tmp_path) for run in (without, run_of(FIT))]
    application = start()
    trigger(application, "evaluation_results")
    results = application.window.evaluation.controller.results
    assert results is not None

    def show(folder: Path) -> str:
        results.show_run(folder)
        state = results.state
        qtbot.waitUntil(lambda: state.analysis is not None and state.analysis.folder == folder)
        return results.overview.sheet.toPlainText()

    text = show(folders[0])
    assert "none: its labels are those of one half" in text
    assert not is_offered(results, ThresholdSet.STORED)
    text = show(folders[1])
    assert is_offered(results, ThresholdSet.STORED)
    assert [row[0] for row in results.overview.table().rows[2:4]] == [
        "at the thresholds in the model's file",
        "at the best thresholds of these images",
    ]
    assert "one for each label (from VOC2007 train, 9 images)" in text
    assert "with the calibration (from VOC2007 train, 9 images)" in text
    assert "paper-wider, since the file marks attributes as unspecified with 99" in text
    assert "VOC2007 test: the model's epoch, thresholds and calibration were chosen there" in text
    assert "With the calibration in the model's file" in results.scores.readout.text()
    results.state.use(ThresholdSet.STORED)
    table = results.state.table
    assert table is not None
    assert table.thresholds.tolist() == [0.9, 0.4]
