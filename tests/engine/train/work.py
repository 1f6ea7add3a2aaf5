"""A tiny training run, for tests in this process and in others that are killed."""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch

from engine.api.training_config import AugmentConfig, TrainConfig
from engine.data.datasets.labelled import LabelledImages
from engine.pytorch.distributed import processes
from engine.train.dataset import PixelSet
from engine.train.log import RunLog
from engine.train.resume import StateFolder
from engine.train.trainer import Trainer, TrainingData
from tests.engine.tiny_models import TINY_CATEGORIES, tiny_classifier

CPU = torch.device("cpu")
CONFIG = TrainConfig(
    epochs=3,
    batch_size=8,
    learning_rate=1e-3,
    augment=AugmentConfig(num_ops=2, cutout=0.3, mixing="splicemix"),
    checkpoint_minutes=1e-9,
)

# AdamW would hide a gradient that is a multiple of the right one.
SHARED = TrainConfig(epochs=2, batch_size=7, norms="frozen", optimizer="sgd", learning_rate=0.05)


def pixel_set(count=20, seed=0, side=64):
    """Images whose categories are blocks of light."""
    rng = np.random.default_rng(seed)
    targets = rng.random((count, len(TINY_CATEGORIES))) < 0.4
    pixels = rng.integers(0, 60, (count, side, side, 3), dtype=np.uint8)
    for row, column in np.argwhere(targets):
        pixels[row, 12 * column : 12 * column + 12] += np.uint8(150)
    paths = tuple(Path(f"{i}") for i in range(count))
    labels = LabelledImages("x", TINY_CATEGORIES, paths, targets, np.zeros_like(targets))
    return PixelSet(labels, pixels, np.linspace(0.7, 1.4, count))


def trainer(config=CONFIG, process=None, classifier=None):
    data = TrainingData(pixel_set(), pixel_set(6, seed=1))
    return Trainer(classifier or tiny_classifier(), data, config, CPU, process)


def run_in(folder, config=CONFIG, on_report=lambda report: None, process=None):
    """Go on with the run of a folder to its end, keeping its log; returns its last state."""
    states, log = StateFolder(folder), RunLog(folder)
    work = trainer(config, process)
    state = states.load()
    if state is not None:
        work.restore(state)
    log.rewind(work.step, work.epoch)
    for report in work.run(states):
        log.add(report)
        on_report(report)
    return work.state()


def _die_while_saving(after):
    """The save after so many is killed when half of the file is written."""
    whole_save, count = torch.save, 0

    def save(state, file):
        nonlocal count
        count += 1
        whole_save(state, file)
        if count > after:
            file.truncate(file.tell() // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    torch.save = save


def _killed_while_saving(folder, after):
    pid = os.fork()
    if pid == 0:
        _die_while_saving(after)
        run_in(folder)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == signal.SIGKILL


def _killed_after(folder, steps):
    """Killed at some moment after so many steps of its own, wherever it is by then."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        run_in(folder, on_report=lambda report: os.write(writing, b"."))
        os._exit(0)
    os.close(writing)
    seen = 0
    while seen < steps and (got := os.read(reading, 1)):
        seen += len(got)
    os.kill(pid, signal.SIGKILL)
    os.close(reading)
    return os.waitpid(pid, 0)[1] == signal.SIGKILL


def _be_killed(folder, seed):
    rng = np.random.default_rng(seed)
    kills = 0
    for attempt in range(int(os.environ["KILLS"])):
        if attempt % 2:
            kills += _killed_while_saving(folder, int(rng.integers(0, 2)))
        else:
            kills += _killed_after(folder, int(rng.integers(1, 3)))
    pid = os.fork()
    if pid == 0:
        torch.save(run_in(folder), folder / "end.pt")
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    sys.stdout.write(f"{kills} {status}")


def _share(folder, count):
    """Several processes, each with its part of every batch."""
    children = []
    for rank in range(count):
        pid = os.fork()
        if pid == 0:
            os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(count)}
            with processes(CPU) as process:
                reports = trainer(SHARED, process).run()
                losses = [report.loss for report in reports]
            np.save(folder / f"losses-{rank}.npy", losses)
            os._exit(0)
        children.append(pid)
    statuses = [os.waitpid(pid, 0)[1] for pid in children]
    sys.stdout.write(repr(statuses))


if __name__ == "__main__":
    torch.set_num_threads(1)
    task, place, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    (_be_killed if task == "killed" else _share)(place, number)
