"""Training in a real process: ended at any moment, it leaves nothing half and loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from csra_gui.training.runner import Phase, TrainingRunner
from engine.api.remote import RemoteEngine
from engine.api.teaching import TeachReport, TeachRequest
from engine.api.training import LabelSource, ModelStart, TrainRequest
from engine.api.training_config import TrainConfig
from engine.api.training_reports import Ending, StepReport
from engine.atomic import TEMPORARY_PREFIX
from engine.checkpoints.loading import open_checkpoint
from engine.records.trainings import TrainingRun, TrainingStore
from engine.service.server import serve_local
from engine.train.resume import StateFolder
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model

COUNT = 12
WAIT_MS = 60_000
STOP_S = 30.0
MakeRunner = Callable[[], TrainingRunner]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> LabelSource:
    """Photos whose categories are bands of light."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    targets = rng.random((COUNT, len(TINY_CATEGORIES))) < 0.5
    paths = []
    for place in range(COUNT):
        pixels = rng.integers(0, 60, (64, 64, 3), dtype=np.uint8)
        for column in np.flatnonzero(targets[place]):
            pixels[12 * column : 12 * column + 12] += np.uint8(150)
        paths.append(folder / f"{place}.png")
        Image.fromarray(pixels).save(paths[-1])
    ignored = np.zeros_like(targets)
    return LabelSource("mine", TINY_CATEGORIES, tuple(paths), targets, ignored, 0.3)


@pytest.fixture
def runs(tmp_path: Path) -> TrainingStore:
    return TrainingStore(tmp_path / "trainings")


@pytest.fixture
def made_runner(qtbot: QtBot, runs: TrainingStore) -> Iterator[MakeRunner]:
    """Makes runners; all of them are ended whatever the test did."""
    owner, made = QObject(), []

    def make() -> TrainingRunner:
        # Not the trainer's own child: on a busy machine, its low priority would cost minutes.
        made.append(TrainingRunner(lambda: RemoteEngine(serve_local, STOP_S), runs, owner))
        return made[-1]

    yield make
    ended = [runner.shut_down(STOP_S) for runner in made]
    assert all(ended)
    owner.deleteLater()


def kept(runs: TrainingStore, source: LabelSource, tmp_path: Path) -> TrainingRun:
    """A training that would go on for long."""
    start = ModelStart(str(save_tiny_model(tmp_path / "tiny.safetensors")))
    config = TrainConfig(epochs=400, batch_size=4)
    cache = tmp_path / "cache"
    request = TrainRequest(source, runs.new_folder("x"), config, start, "x", cache=cache, samples=2)
    return runs.keep(request)


def assert_nothing_half(folder: Path) -> None:
    half = [p.name for p in folder.rglob("*") if p.name.startswith(TEMPORARY_PREFIX)]
    assert not half


# By default the same is asked of a trainer that only plays: tests/gui/training/test_training.py.
@pytest.mark.slow
def test_a_training_ended_with_the_window_goes_on_where_it_was(
    qtbot: QtBot, made_runner: MakeRunner, runs: TrainingStore, source: LabelSource, tmp_path: Path
) -> None:
    run = kept(runs, source, tmp_path)
    runner = made_runner()
    runner.start(run, asks=False)
    qtbot.waitUntil(lambda: 1 in runner.record.epochs, timeout=WAIT_MS)
    assert runner.record.samples[0].scores[0].values.shape[1] == len(TINY_CATEGORIES)
    assert runner.shut_down(STOP_S)
    assert_nothing_half(tmp_path)
    left = runs.read(run.folder)
    assert left.ending is None
    assert left.can_resume
    assert left.best_file is not None
    open_checkpoint(left.best_file)
    state = StateFolder(run.folder).load()
    assert state is not None

    second = made_runner()
    steps: list[int] = []
    second.reported.connect(
        lambda reports: steps.extend(r.step for r in reports if isinstance(r, StepReport))
    )
    second.start(left, asks=False)
    qtbot.waitUntil(lambda: bool(steps), timeout=WAIT_MS)
    assert steps[0] == state["position"]["step"] + 1
    second.stop_after_epoch()
    qtbot.waitUntil(lambda: second.phase is Phase.ENDED, timeout=WAIT_MS)
    assert runs.read(run.folder).ending is Ending.STOPPED
    assert second.shut_down(STOP_S)
    assert_nothing_half(tmp_path)


@pytest.mark.slow
def test_pause_saves_and_waits_in_the_real_process(
    qtbot: QtBot, made_runner: MakeRunner, runs: TrainingStore, source: LabelSource, tmp_path: Path
) -> None:
    run = kept(runs, source, tmp_path)
    runner = made_runner()
    runner.start(run, asks=True)
    qtbot.waitUntil(lambda: runner.phase is Phase.ASKING, timeout=WAIT_MS)
    assert runner.record.preflight is not None
    assert runner.record.preflight.train_images + runner.record.preflight.val_images == COUNT
    runner.go_on()
    qtbot.waitUntil(lambda: runner.phase is Phase.RUNNING, timeout=WAIT_MS)
    runner.pause()
    qtbot.waitUntil(lambda: runner.phase is Phase.PAUSED, timeout=WAIT_MS)
    assert StateFolder(run.folder).load() is not None
    runner.stop_now()
    qtbot.waitUntil(lambda: runner.phase is Phase.ENDED, timeout=WAIT_MS)
    assert runner.record.ended is not None
    assert runner.record.ended.ending is Ending.STOPPED
    assert runner.shut_down(STOP_S)
    assert_nothing_half(tmp_path)


# By default without a process: tests/engine/teach and tests/gui/training/test_teaching.py.
@pytest.mark.slow
def test_teaching_in_the_real_process_makes_a_model_or_nothing(
    qtbot: QtBot, made_runner: MakeRunner, runs: TrainingStore, source: LabelSource, tmp_path: Path
) -> None:
    model = save_tiny_model(tmp_path / "tiny.safetensors")
    request = TeachRequest(
        str(model),
        "taught",
        tmp_path / "taught.safetensors",
        TINY_CATEGORIES,
        source.paths,
        source.targets,
        np.ones_like(source.targets),
    )
    runner = made_runner()
    values: list[object] = []
    others: list[object] = []
    ends: list[bool] = []
    runner.teach(lambda: request, values.extend, values.append, ends.append)
    runner.teach(lambda: request, others.extend, others.append, others.append)
    qtbot.waitUntil(lambda: not runner.is_busy, timeout=WAIT_MS)
    assert isinstance(values[-1], TeachReport)
    assert ends == [False]
    assert not others
    assert tuple(open_checkpoint(request.file).record.config.categories) == tuple(TINY_CATEGORIES)
    request.file.unlink()

    runner.teach(lambda: request, others.extend, others.append, others.append)
    assert runner.shut_down(STOP_S)
    assert not request.file.exists()
    assert_nothing_half(tmp_path)
