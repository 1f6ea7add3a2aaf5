"""How good a model is on the validation images, said after an epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from engine.api.training_reports import EpochReport
from engine.api.validation import can_validate
from engine.api.values import FloatArray
from engine.data.datasets.labelled import LabelledImages
from engine.metrics.checks import defined_mean
from engine.metrics.ranking import average_precision
from engine.models.classifier import Classifier
from engine.pytorch.distributed import Processes
from engine.pytorch.torch_backend import TorchBackend
from engine.train.dataset import PixelSet

_BATCH = 16


@dataclass(frozen=True, eq=False)
class Validation:
    """What a model is worth.

    Attributes:
        val_map: mean average precision, 0 to 1, as ``EpochReport`` has it; NaN if it was not
            judged.
        category_ap: average precision of each category, NaN without positives; empty if it was
            not judged.
        counts: images with and without each category; empty if it was not judged.
        logits: (N, C) of the validation images, in the first process alone.
    """

    val_map: float = math.nan
    category_ap: tuple[float, ...] = ()
    counts: tuple[tuple[int, int], ...] = ()
    logits: FloatArray | None = None

    @classmethod
    def of(cls, logits: FloatArray, labels: LabelledImages) -> Validation:
        """By the logits (N, C) of labelled images."""
        precisions = average_precision(logits, labels.targets, labels.ignored)
        counts = label_counts(labels)
        judged = [place for place, pair in enumerate(counts) if can_validate(*pair)]
        mean = defined_mean(precisions[judged] if judged else precisions)
        return cls(mean, tuple(map(float, precisions)), counts, logits)

    @property
    def can_choose(self) -> bool:
        """Whether one epoch can be told from another; else the latest is taken for the best."""
        return any(can_validate(*pair) for pair in self.counts)

    def before_learning(self) -> EpochReport:
        """As the report of the epoch 0."""
        return self.report(0, math.nan, is_best=False)

    def report(
        self, epoch: int, loss: float, *, is_best: bool, seconds: float = 0.0
    ) -> EpochReport:
        """As that of an epoch."""
        return EpochReport(
            epoch, loss, self.val_map, is_best, self.category_ap, seconds, self.counts
        )


def label_counts(labels: LabelledImages) -> tuple[tuple[int, int], ...]:
    """Images with and without each category, as far as somebody can tell."""
    known = ~labels.ignored
    sides = ((known & side).sum(axis=0).tolist() for side in (labels.targets, ~labels.targets))
    return tuple(zip(*sides, strict=True))


def judged(
    model: Classifier, val: PixelSet | None, device: torch.device, process: Processes
) -> Validation:
    """Judge a model: the first process does it for all.

    Each process has statistics of norms of its own, so their numbers would differ, and with them
    what they do next.
    """
    if val is None:
        return Validation()
    found = Validation()
    if process.is_first:
        found = Validation.of(_logits(model, val, device), val.labels)
    shared = process.share((found.val_map, found.category_ap, found.counts))
    return Validation(*shared, found.logits)


def _logits(model: Classifier, images: PixelSet, device: torch.device) -> FloatArray:
    """The logits (N, C) of images by their pixels."""
    backend = TorchBackend(model.eval(), device)
    parts = [
        backend.run(np.array(images.pixels[start : start + _BATCH])).logits
        for start in range(0, len(images), _BATCH)
    ]
    result: FloatArray = np.concatenate(parts)
    return result
