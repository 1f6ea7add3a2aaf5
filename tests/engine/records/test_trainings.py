"""Trainings on the disk: what is asked is read back as it was, whatever else lies there."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from engine.api.categories import Categories
from engine.api.config import HeadTrainConfig
from engine.api.errors import DataError
from engine.api.training import DatasetSource, LabelSource, ModelStart, TrainRequest
from engine.api.training_config import PRESETS
from engine.api.training_reports import Ending, EpochReport
from engine.records.trainings import TrainingRuns
from engine.train.log import RunLog


@pytest.fixture
def runs(tmp_path: Path) -> TrainingRuns:
    return TrainingRuns(tmp_path / "trainings")


def kept(runs: TrainingRuns, **changes: object) -> TrainRequest:
    request = TrainRequest(
        DatasetSource("voc2007", Path("/data/voc"), val_fraction=0.2),
        runs.new_folder("mine"),
        PRESETS["paper"],
        ModelStart("some model", temperatures=(1.0, math.inf)),
        "mine",
        samples=4,
    )
    request = dataclasses.replace(request, **changes)  # type: ignore[arg-type]
    runs.keep(request)
    return request


@pytest.mark.parametrize("config", [*PRESETS.values(), HeadTrainConfig(epochs=3)])
def test_a_request_is_read_back_as_it_was(runs: TrainingRuns, config: object) -> None:
    request = kept(runs, config=config)
    read = dataclasses.replace(runs.read(request.output).request, resume=False)
    assert vars(read) == vars(request)


def test_own_labels_are_read_back_as_they_were(runs: TrainingRuns) -> None:
    targets = np.array([[True, False], [False, False]])
    source = LabelSource(
        "my labels",
        Categories(("cat", "dog")),
        (Path("/a/\udce4.jpg"), Path("/b.jpg")),
        targets,
        ~targets,
    )
    request = kept(runs, source=source)
    read = runs.read(request.output).request.source
    assert isinstance(read, LabelSource)
    assert (read.paths, read.categories) == (source.paths, source.categories)
    np.testing.assert_array_equal(read.targets, targets)
    np.testing.assert_array_equal(read.ignored, ~targets)


def test_the_log_tells_how_far_a_run_came(runs: TrainingRuns) -> None:
    folder = kept(runs).output
    log = RunLog(folder)
    for epoch, value in enumerate((0.5, 0.8, 0.7)):
        log.add(EpochReport(epoch, 1.0, value, category_ap=(value, math.nan)))
    with (folder / "log.jsonl").open("a") as stream:
        stream.write('{"kind": "epoch", "epo')
    run = runs.read(folder)
    assert [report.epoch for report in run.epochs] == [0, 1, 2]
    assert run.best_map == 0.8
    assert math.isnan(run.epochs[0].category_ap[1])


def test_a_run_that_is_done_cannot_be_gone_on_with_and_a_stopped_one_can(
    runs: TrainingRuns,
) -> None:
    folder = kept(runs).output
    (folder / "state-000000001-0.pt").touch()
    assert runs.read(folder).can_resume
    runs.set_ending(folder, Ending.STOPPED)
    assert runs.read(folder).can_resume
    runs.set_ending(folder, Ending.DONE)
    assert not runs.read(folder).can_resume


def test_two_runs_of_one_name_lie_in_two_folders(runs: TrainingRuns) -> None:
    first, second = kept(runs), kept(runs)
    assert first.output != second.output
    assert {run.folder for run in runs.runs()} == {first.output, second.output}


def test_what_is_no_run_is_passed_over_and_not_deleted(runs: TrainingRuns, tmp_path: Path) -> None:
    request = kept(runs)
    for name, text in (("other", "{}"), ("broken", "{"), ("later", json.dumps({"version": 99}))):
        (runs.folder / name).mkdir()
        (runs.folder / name / "run.json").write_text(text)
    assert [run.folder for run in runs.runs()] == [request.output]
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match="no training"):
        runs.delete(tmp_path / "photos")


def test_a_note_is_kept_and_a_deleted_run_is_gone(runs: TrainingRuns) -> None:
    folder = kept(runs).output
    runs.set_note(folder, "the good one")
    assert runs.read(folder).note == "the good one"
    runs.delete(folder)
    assert not folder.exists()
    assert runs.runs() == ()
