"""Training a whole network from the command line."""

from __future__ import annotations

import argparse
import ast
import contextlib
import dataclasses
import json
import math
import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from tqdm import tqdm

from engine.atomic import write_text
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.native import save_checkpoint
from engine.checkpoints.record import CheckpointRecord
from engine.cli.common import EXIT_DONE, EXIT_INTERRUPTED, say
from engine.cli.stopping import stop_wish
from engine.cli.train_results import load_parts, provenance, val_results
from engine.config import HeadConfig, ModelConfig
from engine.data.decode_pool import DecodePool
from engine.data.labelled import LabelledImages
from engine.errors import ConfigError, DataError
from engine.models.classifier import Classifier
from engine.models.pretrained import load_imagenet_weights
from engine.models.registry import backbone_spec
from engine.runtime.device import choose_device
from engine.runtime.distributed import Processes, local_device, processes
from engine.thresholds import best_f1_thresholds
from engine.train.images import PixelSet, load_pixels
from engine.train.log import RunLog
from engine.train.preflight import preflight
from engine.train.reports import EpochReport, PreparationReport, StepReport
from engine.train.start import from_checkpoint, set_standardization
from engine.train.states import StateFolder
from engine.train.trainer import Trainer, TrainingData
from engine.train_config import PRESETS, TrainConfig
from engine.values import FloatArray

_T = TypeVar("_T")
#: Cached images are larger than the network's input by so much, so that crops stay sharp.
_CROP_MARGIN = 8 / 7
_STEPS_PER_LINE = 10


@dataclass(frozen=True, eq=False)
class _Run:
    options: argparse.Namespace
    config: TrainConfig
    folder: Path
    device: torch.device
    data: TrainingData

    @property
    def val(self) -> PixelSet:
        """The command always has validation images."""
        if self.data.val is None:
            raise ValueError("no validation images")
        return self.data.val


def train_network(options: argparse.Namespace) -> int:
    """Run the command for a preset that trains the whole network."""
    config = train_config(options)
    device = choose_device(local_device(options.device))
    with processes(device) as process:
        train, val = load_parts(options)
        classifier = _classifier(options, train)
        folder = _run_folder(options, config)
        if process.is_first:
            for line in preflight(classifier, train, config, folder, device).lines():
                say(line)
        data = _pixels(options, classifier, train, val)
        if options.init is None:
            set_standardization(classifier, data.train, config.seed)
        run = _Run(options, config, folder, device, data)
        trainer = Trainer(classifier, data, config, device, process)
        states = StateFolder(folder)
        if options.resume and (state := states.load()) is not None:
            trainer.restore(state)
            say(f"Going on after step {trainer.step}.")
        return _consume(run, trainer, states, process)


def train_config(options: argparse.Namespace) -> TrainConfig:
    """The preset with what was given on the command line.

    Raises:
        ConfigError: a setting does not exist or makes no sense.
    """
    preset = PRESETS[options.preset]
    given = {
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "head_learning_rate": options.head_learning_rate,
        "weight_decay": options.weight_decay,
        "seed": options.seed,
    }
    config = dataclasses.replace(preset, **{k: v for k, v in given.items() if v is not None})
    if not options.flip:
        config = dataclasses.replace(
            config, augment=dataclasses.replace(config.augment, flip=False)
        )
    for setting in options.set:
        config = _with_setting(config, setting)
    return config


def _with_setting(config: TrainConfig, setting: str) -> TrainConfig:
    name, _, text = setting.partition("=")
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    try:
        if name.startswith("augment."):
            part = {name.removeprefix("augment."): value}
            return dataclasses.replace(config, augment=dataclasses.replace(config.augment, **part))
        return dataclasses.replace(config, **{name: value})
    except TypeError as error:
        raise ConfigError(f"The setting {setting!r} cannot be used: {error}.") from error


def _classifier(options: argparse.Namespace, train: LabelledImages) -> Classifier:
    if options.init is not None:
        checkpoint = open_checkpoint(options.init)
        head = checkpoint.record.config.head
        if options.temperatures is not None:
            head = dataclasses.replace(head, temperatures=options.temperatures)
        if options.lam is not None:
            head = dataclasses.replace(head, lam=options.lam)
        return from_checkpoint(checkpoint, train.categories, options.input_size or 0, head)
    head = _new_head(options)
    preprocess = backbone_spec(options.backbone).preprocess(
        options.input_size or 448, options.resize
    )
    torch.manual_seed(options.seed)
    classifier = Classifier(ModelConfig(options.backbone, train.categories, head, preprocess))
    load_imagenet_weights(classifier.backbone, options.backbone)
    return classifier


def _new_head(options: argparse.Namespace) -> HeadConfig:
    lam, temperatures = options.lam, options.temperatures
    if options.preset.startswith("paper"):
        return HeadConfig(temperatures or (1.0,), 0.1 if lam is None else lam)
    # What the shipped model has: the paper's form hardly learns on small features.
    lam = 0.3 if lam is None else lam
    return HeadConfig(temperatures or (math.inf,), lam, False, standardize=True, bias=True)


def _run_folder(options: argparse.Namespace, config: TrainConfig) -> Path:
    folder: Path = options.output
    text = json.dumps(asdict(config), indent=2) + "\n"
    file = folder / "config.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if options.resume and file.exists():
            if file.read_text(encoding="utf-8") != text:
                raise ConfigError(f"The run in {folder} was started with other settings.")
        elif any(folder.glob("state-*.pt")):
            raise ConfigError(f"{folder} holds a run already. Use --resume or another folder.")
        else:
            write_text(file, text)
    except OSError as error:
        raise DataError(f"The run cannot be kept in {folder}: {error}.") from error
    return folder


def _pixels(
    options: argparse.Namespace, classifier: Classifier, train: LabelledImages, val: LabelledImages
) -> TrainingData:
    size = classifier.config.preprocess.input_size
    with DecodePool() as pool:

        def pixels(images: LabelledImages, side: int) -> PixelSet:
            return _with_bar(load_pixels(pool, images, side, options.cache), images)

        return TrainingData(pixels(train, round(size * _CROP_MARGIN)), pixels(val, size))


def _with_bar(work: Generator[PreparationReport, None, _T], images: LabelledImages) -> _T:
    with tqdm(total=len(images), desc=images.name, unit="image", disable=None) as bar:
        while True:
            try:
                bar.update(next(work).done - bar.n)
            except StopIteration as end:
                result: _T = end.value
                return result


def _consume(run: _Run, trainer: Trainer, states: StateFolder, process: Processes) -> int:
    def keep_best(model: Classifier, report: EpochReport, logits: FloatArray | None) -> None:
        assert logits is not None  # noqa: S101  # the command always has validation images
        _save_best(run, model, report, logits)

    log = RunLog(run.folder)
    if process.is_first:
        log.rewind(trainer.step, trainer.epoch)
    # Of several processes, one that stops alone would leave the others waiting.
    wish = stop_wish() if process.count == 1 else contextlib.nullcontext(threading.Event())
    with wish as is_stopped, closing(trainer.run(states, keep_best)) as reports:
        for report in reports:
            if process.is_first:
                log.add(report)
                _tell(run, report)
            if is_stopped.is_set():
                say("Stopping; --resume goes on from here.")
                break
    if not process.is_first:
        return EXIT_DONE
    record = _record(run, trainer.model, trainer.epoch)
    save_checkpoint(run.folder / "last.safetensors", trainer.model, record, half=True)
    return EXIT_INTERRUPTED if is_stopped.is_set() else EXIT_DONE


def _tell(run: _Run, report: StepReport | EpochReport) -> None:
    if isinstance(report, EpochReport):
        say(
            f"epoch {report.epoch} of {run.config.epochs}: "
            f"loss {report.loss:.4f}, val mAP {report.val_map:.4f}"
        )
    elif report.step % _STEPS_PER_LINE == 0:
        say(
            f"step {report.step} of {report.total}: loss {report.loss:.4f}, "
            f"rate {report.lr:.2g}, {report.seconds:.2f} s"
        )


def _save_best(run: _Run, model: Classifier, report: EpochReport, logits: FloatArray) -> None:
    labels = run.val.labels
    scores = 1.0 / (1.0 + np.exp(-logits.astype(np.float64)))
    record = dataclasses.replace(
        _record(run, model, report.epoch),
        thresholds=best_f1_thresholds(scores, labels.targets, labels.ignored).values,
        results=val_results(logits, labels),
    )
    save_checkpoint(run.folder / "best.safetensors", model, record, half=True)


def _record(run: _Run, model: Classifier, epoch: int) -> CheckpointRecord:
    return CheckpointRecord(
        config=model.config,
        name=run.options.name or run.folder.name,
        description=f"Trained on {run.data.train.labels.name}, the whole network.",
        licence="Apache-2.0",
        provenance={**provenance(run.config.seed, run.val.labels), "epoch": str(epoch)},
    )
