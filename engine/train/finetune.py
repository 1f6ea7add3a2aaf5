"""A run that trains the whole network, from the request to the files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import torch

from engine.api.errors import CheckpointError, ConfigError
from engine.api.training import TrainRequest
from engine.api.training_config import TrainConfig
from engine.api.training_control import TrainingControl
from engine.api.training_reports import (
    Ending,
    EpochReport,
    PreparationReport,
    SampleReport,
    StepReport,
    TrainingEnded,
    TrainingStarted,
    TrainReport,
)
from engine.api.values import FloatArray
from engine.checkpoints.safetensors_model import save_checkpoint
from engine.data.decoding.pool import DecodePool, decoding_processes
from engine.models.classifier import Classifier
from engine.pytorch.device import choose_device, device_name
from engine.pytorch.distributed import Processes, local_device
from engine.pytorch.torch_backend import TorchBackend
from engine.records.evaluations import dataset_hash
from engine.train.dataset import PixelForm, kept_side, load_pixels
from engine.train.log import RunLog
from engine.train.preflight import preflight
from engine.train.results import fitted, record_of
from engine.train.resume import StateFolder, open_run_folder
from engine.train.samples import Samples
from engine.train.sources import Parts, load_parts
from engine.train.start import set_standardization, starting_point
from engine.train.tensorboard import Scalars, open_scalars
from engine.train.trainer import Trainer, TrainingData
from engine.train.validation import judged

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Run:
    request: TrainRequest
    config: TrainConfig
    parts: Parts
    device: torch.device
    process: Processes


def train_network(
    request: TrainRequest, config: TrainConfig, control: TrainingControl, process: Processes
) -> Generator[TrainReport, None, None]:
    """Train as ``engine.train.session.run_training`` says."""
    device = choose_device(local_device(request.device))
    _check_norms(config, device, process)
    parts = yield from load_parts(request.source, config.seed, ignore_unclear=config.ignore_unclear)
    _check_same_images(parts, process)
    run = _Run(request, config, parts, device, process)
    begin = starting_point(request.start, parts[0].categories, config.seed)
    classifier = begin.classifier
    if process.is_first:
        open_run_folder(request, parts)
        folders = request.output, request.cache
        yield preflight(begin, parts, config, folders, device)
    data = yield from _in_turn(process, lambda: _decoded(run, classifier))
    if begin.has_new_heads:
        set_standardization(classifier, data.train, config.seed)
    trainer = Trainer(classifier, data, config, device, process)
    states = StateFolder(request.output)
    # Only the first process needs to see the run's folder.
    state = states.load() if request.resume and process.is_first else None
    if request.resume and (state := process.share(state)) is not None:
        trainer.restore(state)
    pixels = classifier.config.preprocess
    samples = Samples(parts[1], request.samples, pixels, config.decode)
    if request.samples and not trainer.step:
        yield from _before(run, trainer, data, samples)
    yield from _learn(run, trainer, states, control, samples)


def _check_norms(config: TrainConfig, device: torch.device, process: Processes) -> None:
    """PyTorch's norms that see the whole batch exist for CUDA alone, and fail at the first step."""
    if config.sync_norms and process.count > 1 and device.type != "cuda":
        raise ConfigError(
            "Batch norms can see the whole batch (sync_norms) on NVIDIA graphics cards alone, and "
            f"this run is on {device_name(device)}. Leave sync_norms out, or take norms=frozen."
        )


def _check_same_images(parts: Parts, process: Processes) -> None:
    """Machines with other copies of a data set would each learn from a batch of their own."""
    if process.count > 1 and not process.agree(tuple(map(dataset_hash, parts))):
        raise ConfigError(
            "The processes of this run see different images or labels: --data, or what lies there, "
            "is not the same for all of them. Give all the same data set."
        )


def _in_turn(
    process: Processes, work: Callable[[], Generator[PreparationReport, None, _T]]
) -> Generator[PreparationReport, None, _T]:
    """The first process does the work and keeps it in files, where the others find it."""
    if process.is_first:
        result = yield from work()
        process.wait_for_first()
        return result
    process.wait_for_first()
    return (yield from work())


def _decoded(run: _Run, classifier: Classifier) -> Generator[PreparationReport, None, TrainingData]:
    size = classifier.config.preprocess.input_size
    train, val = run.parts
    cache, mode = run.request.cache, run.config.decode
    side = kept_side(size, run.config.augment)
    forms = PixelForm(side, mode), PixelForm(size, mode)
    with DecodePool(decoding_processes(beside_network=False)) as pool:
        pixels = yield from load_pixels(pool, train, forms[0], cache)
        return TrainingData(pixels, (yield from load_pixels(pool, val, forms[1], cache)))


def _learn(
    run: _Run,
    trainer: Trainer,
    states: StateFolder,
    control: TrainingControl,
    samples: Samples,
) -> Generator[TrainReport, None, None]:
    def keep_best(model: Classifier, report: EpochReport, logits: FloatArray | None) -> None:
        found = None if logits is None else fitted(logits, run.parts[1])
        record = record_of(run.request, model.config, run.parts, report.epoch, found)
        save_checkpoint(run.request.best_file, model, record, half=True)

    start = _started(run, trainer)
    yield start
    folder = run.request.output / "tensorboard"
    is_wanted = run.request.tensorboard and run.process.is_first
    with (
        open_scalars(folder, start, wanted=is_wanted) as scalars,
        closing(trainer.run(states, keep_best, control)) as reports,
    ):
        try:
            ending = yield from _told(run, trainer, reports, scalars, samples)
        except GeneratorExit:
            reports.close()  # first the state, which loses nothing
            _keep_last_if_possible(run, trainer)
            raise
    _keep_last(run, trainer)
    yield _ended(run, trainer, ending)


def _told(
    run: _Run,
    trainer: Trainer,
    reports: Generator[TrainReport, None, Ending],
    scalars: Scalars | None,
    samples: Samples,
) -> Generator[TrainReport, None, Ending]:
    """Pass reports on, with the first process keeping the log."""
    log = RunLog(run.request.output)
    if run.process.is_first:
        log.rewind(trainer.step, trainer.epoch)
    while True:
        try:
            report = next(reports)
        except StopIteration as end:
            ending: Ending = end.value
            return ending
        if run.process.is_first and isinstance(report, StepReport | EpochReport):
            log.add(report)
        if scalars is not None:
            scalars.add(report)
        yield report
        if isinstance(report, EpochReport) and samples.rows:
            yield _sample_report(run, trainer, samples, report.epoch)


def _before(
    run: _Run, trainer: Trainer, data: TrainingData, samples: Samples
) -> Generator[TrainReport, None, None]:
    """How good it is before it learns, and what it says of the samples."""
    found = judged(trainer.model, data.val, run.device, run.process)
    report = found.before_learning()
    log = RunLog(run.request.output)
    log.rewind(0, 0)
    log.add(report)
    yield report
    if samples.rows:
        yield _sample_report(run, trainer, samples, 0)


def _sample_report(run: _Run, trainer: Trainer, samples: Samples, epoch: int) -> SampleReport:
    model = trainer.model
    values = TorchBackend(model.eval(), run.device).run(samples.pixels).position_scores
    return samples.report(epoch, values, model.config.head)


def _started(run: _Run, trainer: Trainer) -> TrainingStarted:
    epochs = run.config.epochs
    return TrainingStarted(
        categories=tuple(run.parts[0].categories),
        device=device_name(run.device),
        epochs=epochs,
        total_steps=epochs * trainer.steps_per_epoch,
        step=trainer.step,
        epoch=trainer.epoch,
        folder=run.request.output,
    )


def _keep_last(run: _Run, trainer: Trainer) -> None:
    if run.process.is_first:
        record = record_of(run.request, trainer.model.config, run.parts, trainer.epoch)
        save_checkpoint(run.request.last_file, trainer.model, record, half=True)


def _keep_last_if_possible(run: _Run, trainer: Trainer) -> None:
    """Whoever has closed the run waits for nothing more, and the state is saved."""
    try:
        _keep_last(run, trainer)
    except CheckpointError as error:
        _log.info("%s", error)


def _ended(run: _Run, trainer: Trainer, ending: Ending) -> TrainingEnded:
    best = run.request.best_file
    return TrainingEnded(
        ending=ending,
        best=best if best.exists() else None,
        last=run.request.last_file,
        val_map=trainer.best_map,
        epoch=trainer.epoch - 1,
        can_resume=ending is Ending.STOPPED,
    )
