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
from engine.api.training_config import PRESETS, TrainConfig
from engine.api.training_reports import Ending, EpochReport
from engine.records.trainings import TrainingStore
from engine.train.log import RunLog


@pytest.fixture
def store(tmp_path: Path) -> TrainingStore:
    return TrainingStore(tmp_path / "trainings")


def kept(store: TrainingStore, **changes: object) -> TrainRequest:
    request = TrainRequest(
        DatasetSource("voc2007", Path("/data/voc"), val_fraction=0.2),
        store.new_folder("mine"),
        PRESETS["paper"],
        ModelStart("some model", temperatures=(1.0, math.inf)),
        "mine",
        samples=4,
    )
    request = dataclasses.replace(request, **changes)  # type: ignore[arg-type]
    store.keep(request)
    return request


@pytest.mark.parametrize("config", [*PRESETS.values(), HeadTrainConfig(epochs=3)])
def test_a_request_is_read_back_as_it_was(store: TrainingStore, config: object) -> None:
    request = kept(store, config=config)
    read = dataclasses.replace(store.read(request.output).request, resume=False)
    assert vars(read) == vars(request)


@pytest.mark.parametrize("config", [PRESETS["paper"], HeadTrainConfig()])
def test_a_request_of_an_earlier_program_goes_on_as_it_began(
    store: TrainingStore, config: TrainConfig | HeadTrainConfig
) -> None:
    assert config.decode == "exact"
    request = kept(store, config=config)
    [file] = [f for f in request.output.glob("*.json") if '"decode"' in f.read_text()]
    body = json.loads(file.read_text())
    del body["config"]["decode"]
    file.write_text(json.dumps(body))

    assert store.read(request.output).request.config.decode == "fast"


def test_own_labels_are_read_back_as_they_were(store: TrainingStore) -> None:
    targets = np.array([[True, False], [False, False]])
    source = LabelSource(
        "my labels",
        Categories(("cat", "dog")),
        (Path("/a/\udce4.jpg"), Path("/b.jpg")),
        targets,
        ~targets,
    )
    request = kept(store, source=source)
    read = store.read(request.output).request.source
    assert isinstance(read, LabelSource)
    assert (read.paths, read.categories) == (source.paths, source.categories)
    np.testing.assert_array_equal(read.targets, targets)
    np.testing.assert_array_equal(read.ignored, ~targets)


def test_the_log_tells_how_far_a_run_came(store: TrainingStore) -> None:
    folder = kept(store).output
    log = RunLog(folder)
    for epoch, value in enumerate((0.5, 0.8, 0.7)):
        log.add(EpochReport(epoch, 1.0, value, category_ap=(value, math.nan)))
    with (folder / "log.jsonl").open("a") as stream:
        stream.write('{"kind": "epoch", "epo')
    run = store.read(folder)
    assert [report.epoch for report in run.epochs] == [0, 1, 2]
    assert run.best_map == 0.8
    assert math.isnan(run.epochs[0].category_ap[1])


def test_a_run_that_is_done_cannot_be_gone_on_with_and_a_stopped_one_can(
    store: TrainingStore,
) -> None:
    folder = kept(store).output
    (folder / "state-000000001-0.pt").touch()
    assert store.read(folder).can_resume
    store.set_ending(folder, Ending.STOPPED)
    assert store.read(folder).can_resume
    store.set_ending(folder, Ending.DONE)
    assert not store.read(folder).can_resume


def test_two_runs_of_one_name_lie_in_two_folders(store: TrainingStore) -> None:
    first, second = kept(store), kept(store)
    assert first.output != second.output
    assert {run.folder for run in store.values()} == {first.output, second.output}


def test_what_is_no_run_is_passed_over_and_not_deleted(
    store: TrainingStore, tmp_path: Path
) -> None:
    request = kept(store)
    for name, text in (("other", "{}"), ("broken", "{"), ("later", json.dumps({"version": 99}))):
        (store.root / name).mkdir()
        (store.root / name / "run.json").write_text(text)
    assert [run.folder for run in store.values()] == [request.output]
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match="no training"):
        store.delete(tmp_path / "photos")


def test_a_note_is_kept_and_a_deleted_run_is_gone(store: TrainingStore) -> None:
    folder = kept(store).output
    store.set_note(folder, "the good one")
    assert store.read(folder).note == "the good one"
    store.delete(folder)
    assert not folder.exists()
    assert store.values() == []
