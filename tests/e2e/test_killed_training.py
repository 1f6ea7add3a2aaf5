"""A window that trains is killed with all its processes, also while they save, and goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from engine.atomic import TEMPORARY_PREFIX
from engine.checkpoints.loading import open_checkpoint
from engine.records.trainings import TrainingRun
from tests.e2e.trained_program import kept, prepare, store
from tests.paths import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="kills groups of processes"),
    pytest.mark.timeout(900),
]
KILLS = int(os.environ.get("CSRA_TRAINING_KILLS", "8"))


def started(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.trained_program", str(root)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def saving(root: Path) -> Path | None:
    """The state that is being written just now."""
    return next(root.glob(f"trainings/*/{TEMPORARY_PREFIX}state"), None)


def states(root: Path) -> list[Path]:
    return sorted(root.glob("trainings/*/state-*"))


def kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def check_done(process: subprocess.Popen[str]) -> None:
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said


def killed_while_saving(root: Path, process: subprocess.Popen[str]) -> bool:
    """Whether it was killed in the middle of a state, and not done before."""
    while process.poll() is None:
        if saving(root) is not None:
            kill(process)
            return True
    check_done(process)
    return False


def killed_after(root: Path, process: subprocess.Popen[str], seconds: float) -> bool:
    """Whether it was killed so long after it saved again."""
    before = states(root)
    while process.poll() is None and states(root) == before:
        time.sleep(0.001)
    time.sleep(seconds)
    if process.poll() is not None:
        check_done(process)
        return False
    kill(process)
    return True


def outcome(run: TrainingRun) -> tuple[list[tuple[float, ...]], dict[str, torch.Tensor]]:
    """What a training came to: its losses and judgements, and the weights of its best model."""
    assert run.best_file is not None
    weights = open_checkpoint(run.best_file).classifier.state_dict()
    return [(e.epoch, e.loss, e.val_map) for e in run.epochs], weights


def test_a_training_that_is_killed_with_its_window_ends_as_one_that_was_not(tmp_path: Path) -> None:
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    for root in (unbroken, broken):
        prepare(root)
    check_done(started(unbroken))
    chance, kills = random.Random(1), [0, 0]
    for number in range(KILLS):
        process = started(broken)
        if number % 2:
            kills[1] += killed_while_saving(broken, process)
        else:
            kills[0] += killed_after(broken, process, chance.uniform(0.0, 0.1))
    check_done(started(broken))
    print(f"{kills[0]} kills between two states, {kills[1]} while one was saved")
    assert min(kills) > 0
    epochs, weights = outcome(kept(unbroken))
    epochs_again, weights_again = outcome(kept(broken))
    assert epochs_again == epochs
    assert weights_again.keys() == weights.keys()
    assert all(torch.equal(weights[name], weights_again[name]) for name in weights)
    assert saving(broken) is None
    assert len(list(store(broken).paths())) == 1
