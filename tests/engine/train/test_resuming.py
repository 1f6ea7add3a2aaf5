"""A run that is stopped, however rudely, ends as if it had not been."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch

from engine.api.errors import DataError
from engine.api.training_config import TrainConfig
from engine.api.training_reports import EpochReport
from engine.pytorch.distributed import Processes
from engine.train.resume import StateFolder
from tests.engine.train.work import CONFIG, SHARED, run_in, trainer
from tests.paths import ROOT


def assert_equal(one, other):
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_equal(a, b)
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    else:
        assert one == other


def log_lines(folder):
    ignored = ("time", "seconds", "images_per_second", "remaining_seconds", "memory_bytes")
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in ignored} for line in lines]


def work(task, folder, number, **environment):
    result = subprocess.run(
        [sys.executable, "-m", "tests.engine.train.work", task, str(folder), str(number)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
    )
    return result.stdout


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("times", [2, pytest.param(6, marks=pytest.mark.slow)])
def test_a_run_killed_at_any_moment_and_while_saving_ends_as_the_unbroken_one(tmp_path, times):
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    unbroken.mkdir()
    broken.mkdir()
    expected = run_in(unbroken)
    kills, status = work("killed", broken, 7, KILLS=str(times)).split()
    assert int(kills) >= times - 2 and int(kills) > 0 and status == "0"
    assert_equal(expected, torch.load(broken / "end.pt", weights_only=True))
    assert log_lines(broken) == log_lines(unbroken)
    assert len(list(broken.glob("state-*"))) == 2


def test_stopping_between_steps_and_going_on_changes_nothing(tmp_path):
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    unbroken.mkdir()
    broken.mkdir()
    expected = run_in(unbroken)
    for _ in range(4):
        states = StateFolder(broken)
        again = trainer()
        if (state := states.load()) is not None:
            again.restore(state)
        reports = again.run(states)
        next(reports)
        next(reports)
        reports.close()
    assert_equal(expected, run_in(broken))


def test_stopping_after_an_epoch_goes_on_with_the_next(tmp_path):
    states = StateFolder(tmp_path)
    reports = trainer().run(states)
    for report in reports:
        if isinstance(report, EpochReport):
            break
    reports.close()
    again = trainer()
    again.restore(states.load())
    assert again.epoch == 2
    assert next(again.run()).epoch == 2


def test_a_damaged_state_is_passed_over_for_the_one_before(tmp_path):
    run_in(tmp_path, TrainConfig(epochs=2, batch_size=10))
    older, newer = sorted(tmp_path.glob("state-*"))
    data = bytearray(newer.read_bytes())
    data[len(data) // 2] ^= 1
    newer.write_bytes(data)
    assert StateFolder(tmp_path).load()["position"]["step"] == 2
    older.write_bytes(b"")
    with pytest.raises(DataError, match="damaged"):
        StateFolder(tmp_path).load()


def test_a_full_disk_is_told_and_the_state_before_stays(tmp_path, monkeypatch):
    run_in(tmp_path, TrainConfig(epochs=1, batch_size=10))
    before = sorted(tmp_path.iterdir())

    def full(state, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DataError, match="No space left"):
        StateFolder(tmp_path).save(9, {})
    assert sorted(tmp_path.iterdir()) == before


def test_a_process_stopped_in_the_middle_of_a_step_saves_nothing_half_done(tmp_path, monkeypatch):
    states = StateFolder(tmp_path)
    broken = trainer(TrainConfig(epochs=1, batch_size=8))
    reports = broken.run(states)
    next(reports)

    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(broken._train_step, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(reports)
    assert states.load() is None


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_two_processes_learn_what_one_does_with_the_same_batches(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    printed = work("share", tmp_path, 2, MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    assert printed == "[0, 0]"
    alone = [report.loss for report in trainer(SHARED, Processes()).run()]
    for rank in range(2):
        np.testing.assert_allclose(np.load(tmp_path / f"losses-{rank}.npy"), alone, rtol=2e-4)


@pytest.mark.slow
def test_the_settings_of_the_run_matter(tmp_path):
    """Guards the comparisons above: they could not be equal for any run."""
    other = trainer(TrainConfig(epochs=3, batch_size=8, seed=1))
    list(other.run())
    expected = run_in(tmp_path, CONFIG)
    with pytest.raises(AssertionError):
        assert_equal(expected["model"], other.state()["model"])
