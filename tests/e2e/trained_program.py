"""A training as the window runs it, in a process of its own that may be killed at any moment.

    python -m tests.e2e.trained_program ROOT

Begins the training of ROOT, or goes on with it; ends with 0 when it is done.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication

from csra_gui.training.runner import TrainingEnd, TrainingRunner
from engine.api.remote import RemoteEngine
from engine.api.training import LabelSource, ModelStart, TrainRequest
from engine.api.training_config import TrainConfig
from engine.api.training_reports import Ending
from engine.records.trainings import TrainingRun, TrainingStore
from engine.service.server import TRAINER_STOP_S, serve_local
from tests.e2e.cycled_program import noise
from tests.e2e.cycling import turn_events
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model

COUNT = 16


def prepare(root: Path) -> None:
    """Photos, and the model that is trained further."""
    root.mkdir()
    for number in range(COUNT):
        noise(root / f"{number:02}.jpg", number, 64)
    save_tiny_model(root / "tiny.safetensors")


def store(root: Path) -> TrainingStore:
    """Where the training is kept."""
    return TrainingStore(root / "trainings")


def kept(root: Path) -> TrainingRun:
    """The training, as it was asked for or as far as it came."""
    runs = store(root)
    for folder in runs.paths():
        return runs.read(folder)
    targets = np.random.default_rng(0).random((COUNT, len(TINY_CATEGORIES))) < 0.5
    ignored = np.zeros_like(targets)
    photos = tuple(sorted(root.glob("*.jpg")))
    source = LabelSource("mine", TINY_CATEGORIES, photos, targets, ignored, 0.3)
    config = TrainConfig(epochs=3, batch_size=4, checkpoint_minutes=1e-6)  # after each step
    start = ModelStart(str(root / "tiny.safetensors"))
    request = TrainRequest(source, runs.new_folder("x"), config, start, "x", cache=root / "px")
    return runs.keep(request)


def main(root: Path) -> int:
    """Train until the end, or until somebody kills this."""
    application = QApplication([])
    ends: list[TrainingEnd] = []
    runner = TrainingRunner(
        lambda: RemoteEngine(serve_local, TRAINER_STOP_S), store(root), application
    )
    runner.ended.connect(ends.append)
    runner.start(kept(root), asks=False)
    turn_events(lambda: bool(ends) and not runner.is_busy, 300)
    [end] = ends
    if end.error is not None:
        print(end.error, file=sys.stderr)
        return 1
    return int(end.report is None or end.report.ending is not Ending.DONE)


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    sys.stdout.flush()
    os._exit(code)  # as the program ends: no thread is waited for
