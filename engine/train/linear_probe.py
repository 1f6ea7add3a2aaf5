"""A run that trains only heads, on the features of a frozen backbone, from request to file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch

from engine.api.config import HeadTrainConfig
from engine.api.training import TrainRequest
from engine.api.training_control import TrainingControl, Wish
from engine.api.training_reports import (
    Ending,
    EpochReport,
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
from engine.models.heads import Heads
from engine.train.features import FeatureArray, FeatureExtractor
from engine.train.head_training import FeatureSet, head_logits, train_heads
from engine.train.log import RunLog
from engine.train.preflight import heads_preflight
from engine.train.results import VAL_MAP, fitted, record_of
from engine.train.resume import open_run_folder
from engine.train.samples import Samples
from engine.train.sources import load_parts
from engine.train.start import starting_point
from engine.train.tensorboard import open_scalars
from engine.train.validation import Validation


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
    parts = yield from load_parts(request.source, config.seed, ignore_unclear=config.ignore_unclear)
    open_run_folder(request, parts)
    start = starting_point(request.start, parts[0].categories, config.seed)
    classifier = start.classifier
    if start.has_new_heads:  # there is nothing to keep, not even statistics of the features
        config = dataclasses.replace(config, keep_start=False)
    pixels = classifier.config.preprocess
    extractor = FeatureExtractor(classifier.backbone, pixels, request.cache, config.decode)
    folders = request.folder, request.cache
    yield heads_preflight(start, parts, config, extractor, folders)
    with DecodePool() as pool:
        views = [(yield from _features(extractor, pool, parts[0]))]
        if config.flip:
            views.append((yield from _features(extractor, pool, parts[0], flip=True)))
        val = yield from _features(extractor, pool, parts[1])
    train_set, val_set = FeatureSet(tuple(views), parts[0]), FeatureSet((val,), parts[1])
    yield from _learn(_Run(request, config, classifier, train_set, val_set), control)


def _features(
    extractor: FeatureExtractor, pool: DecodePool, images: LabelledImages, *, flip: bool = False
) -> Generator[PreparationReport, None, FeatureArray]:
    name = f"features of {images.name}" + (", mirrored" if flip else "")
    return (yield from extractor.extract(pool, name, images.paths, crops=images.crops, flip=flip))


def _learn(run: _Run, control: TrainingControl) -> Generator[TrainReport, None, None]:
    config, request = run.config, run.request
    start = TrainingStarted(
        categories=tuple(run.train.labels.categories),
        device="CPU",
        epochs=config.epochs,
        total_steps=0,
        step=0,
        epoch=1,
        folder=request.folder,
    )
    yield start
    pixels = run.classifier.config.preprocess
    samples = Samples(run.val.labels, request.samples, pixels, config.decode)
    # Heads start anew every time, and so does what is written of them.
    log = None if request.is_single_file else RunLog(request.output)
    if log is not None:
        log.rewind(0, 0)
    if request.samples:
        logits = head_logits(run.classifier.heads, run.val.features[0])
        report = Validation.of(logits, run.val.labels).before_learning()
        if log is not None:
            log.add(report)
        yield report
        yield from _sample_reports(run, samples, 0)
    best = _Best(run)
    epoch, ending = 0, Ending.DONE
    folder, heads = request.output / "tensorboard", run.classifier.heads
    with (
        open_scalars(folder, start, wanted=request.tensorboard) as scalars,
        closing(train_heads(heads, run.train, run.val, config, best.keep)) as reports,
    ):
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
    if ending is Ending.DONE and epoch < config.epochs:
        ending = Ending.NO_GAIN
    yield TrainingEnded(ending, request.best_file, None, best.val_map, epoch, can_resume=False)


class _Best:
    """Keeps the model of the best epoch so far.

    Args:
        run: that it is of.

    Attributes:
        val_map: of that epoch, 0 to 1; NaN before the first, and where nothing can be judged.
    """

    def __init__(self, run: _Run) -> None:
        self._run = run
        self.val_map = math.nan

    def keep(self, heads: Heads, report: EpochReport, logits: FloatArray) -> None:
        """Write it, with what the validation images say of it."""
        run, classifier = self._run, self._run.classifier
        found = fitted(logits, run.val.labels)
        parts = run.train.labels, run.val.labels
        record = record_of(run.request, classifier.config, parts, report.epoch, found)
        learning = classifier.heads
        classifier.heads = heads  # with a moving average, others than those that learn
        try:
            save_checkpoint(run.request.best_file, classifier, record, half=True)
        finally:
            classifier.heads = learning
        self.val_map = found.results.get(VAL_MAP, math.nan)


def _sample_reports(run: _Run, samples: Samples, epoch: int) -> Generator[SampleReport, None, None]:
    if not samples.rows:
        return
    heads = run.classifier.heads
    features = run.val.features[0][list(samples.rows)].astype(np.float32)
    with torch.inference_mode():
        values: FloatArray = heads.position_scores(torch.from_numpy(features)).numpy()
    yield samples.report(epoch, values, heads.config)
