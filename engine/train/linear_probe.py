"""A run that trains only heads, on the features of a frozen backbone, from request to file."""

from __future__ import annotations

import logging
import math
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch

from engine.api.config import HeadTrainConfig
from engine.api.errors import CheckpointError, DataError
from engine.api.training import TrainRequest
from engine.api.training_control import TrainingControl, Wish
from engine.api.training_reports import (
    Ending,
    PauseReport,
    PreparationReport,
    SampleReport,
    TrainingEnded,
    TrainingStarted,
    TrainReport,
)
from engine.api.values import FloatArray
from engine.checkpoints.safetensors_model import save_checkpoint
from engine.data.datasets.labelled import LabelledImages
from engine.data.decoding.pool import DecodePool
from engine.models.classifier import Classifier
from engine.texts import display_path
from engine.train.features import FeatureArray, FeatureExtractor
from engine.train.head_training import FeatureSet, head_logits, train_heads
from engine.train.log import RunLog
from engine.train.preflight import heads_preflight
from engine.train.results import VAL_MAP, Fitted, fitted, record_of
from engine.train.samples import Samples
from engine.train.sources import load_parts
from engine.train.start import starting_classifier
from engine.train.tensorboard import open_scalars
from engine.train.validation import Validation

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Run:
    request: TrainRequest
    config: HeadTrainConfig
    classifier: Classifier
    train: FeatureSet
    val: FeatureSet


def train_only_heads(
    request: TrainRequest, config: HeadTrainConfig, control: TrainingControl
) -> Generator[TrainReport, None, None]:
    """Train as ``engine.train.session.run_training`` says."""
    _make_folder(request)
    parts = yield from load_parts(request.source, config.seed, ignore_unclear=config.ignore_unclear)
    classifier = starting_classifier(request.start, parts[0].categories, config.seed)
    pixels = classifier.config.preprocess
    extractor = FeatureExtractor(classifier.backbone, pixels, request.cache, config.decode)
    folders = request.folder, request.cache
    yield heads_preflight(classifier, parts, config, extractor, folders)
    with DecodePool() as pool:
        views = [(yield from _features(extractor, pool, parts[0]))]
        if config.flip:
            views.append((yield from _features(extractor, pool, parts[0], flip=True)))
        val = yield from _features(extractor, pool, parts[1])
    train_set, val_set = FeatureSet(tuple(views), parts[0]), FeatureSet((val,), parts[1])
    yield from _learn(_Run(request, config, classifier, train_set, val_set), control)


def _make_folder(request: TrainRequest) -> None:
    try:
        request.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        shown = display_path(request.folder)
        raise DataError(f"The run cannot be kept in {shown}: {error}.") from error


def _features(
    extractor: FeatureExtractor, pool: DecodePool, images: LabelledImages, *, flip: bool = False
) -> Generator[PreparationReport, None, FeatureArray]:
    name = f"features of {images.name}" + (", mirrored" if flip else "")
    return (yield from extractor.extract(pool, name, images.paths, crops=images.crops, flip=flip))


def _learn(run: _Run, control: TrainingControl) -> Generator[TrainReport, None, None]:
    config = run.config
    start = TrainingStarted(
        categories=tuple(run.train.labels.categories),
        device="CPU",
        epochs=config.epochs,
        total_steps=0,
        step=0,
        epoch=1,
        folder=run.request.folder,
    )
    yield start
    pixels = run.classifier.config.preprocess
    samples = Samples(run.val.labels, run.request.samples, pixels, config.decode)
    log = None if run.request.output.is_file() or not run.request.samples else _new_log(run)
    if log is not None:
        logits = head_logits(run.classifier.heads, run.val.features[0])
        report = Validation.of(logits, run.val.labels).before_learning()
        log.add(report)
        yield report
        yield from _sample_reports(run, samples, 0)
    folder = run.request.output / "tensorboard"
    epoch, ending = 0, Ending.DONE
    with (
        open_scalars(folder, start, wanted=run.request.tensorboard) as scalars,
        closing(train_heads(run.classifier.heads, run.train, run.val, config)) as reports,
    ):
        try:
            for report in reports:
                epoch = report.epoch
                if scalars is not None:
                    scalars.add(report)
                if log is not None:
                    log.add(report)
                yield report
                yield from _sample_reports(run, samples, epoch)
                if control.wish >= Wish.STOP_AFTER_EPOCH:
                    ending = Ending.STOPPED
                    break
                if control.wish is Wish.PAUSE:
                    control.met(Wish.PAUSE)
                    yield PauseReport(epoch)
        except GeneratorExit:
            reports.close()  # with an average, the heads are what is kept only after this
            _save_if_possible(run, epoch)
            raise
    if ending is Ending.DONE and epoch < config.epochs:
        ending = Ending.NO_GAIN
    found = _save(run, epoch)
    val_map = found.results.get(VAL_MAP, math.nan)
    yield TrainingEnded(ending, run.request.best_file, None, val_map, epoch, can_resume=False)


def _new_log(run: _Run) -> RunLog:
    """Heads start anew every time, and so does what is written of them."""
    log = RunLog(run.request.output)
    log.rewind(0, 0)
    return log


def _sample_reports(run: _Run, samples: Samples, epoch: int) -> Generator[SampleReport, None, None]:
    if not samples.rows:
        return
    heads = run.classifier.heads
    features = run.val.features[0][list(samples.rows)].astype(np.float32)
    with torch.inference_mode():
        values: FloatArray = heads.position_scores(torch.from_numpy(features)).numpy()
    yield samples.report(epoch, values, heads.config)


def _save(run: _Run, epoch: int) -> Fitted:
    request, classifier = run.request, run.classifier
    found = fitted(head_logits(classifier.heads, run.val.features[0]), run.val.labels)
    record = record_of(request, classifier.config, run.val.labels, epoch, found)
    save_checkpoint(request.best_file, classifier, record, half=True)
    return found


def _save_if_possible(run: _Run, epoch: int) -> None:
    """Whoever has closed the run hears no error any more."""
    if not epoch:
        return
    try:
        _save(run, epoch)
    except CheckpointError as error:
        _log.info("%s", error)
