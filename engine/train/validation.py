"""How good a model is on the validation images, said after an epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from engine.api.training_reports import EpochReport
from engine.api.values import FloatArray
from engine.data.datasets.labelled import LabelledImages
from engine.inference.distributed import Processes
from engine.inference.torch_backend import TorchBackend
from engine.metrics.checks import defined_mean
from engine.metrics.ranking import average_precision
from engine.models.classifier import Classifier
from engine.train.dataset import PixelSet

_BATCH = 16


@dataclass(frozen=True, eq=False)
class Validation:
    """What a model is worth.

    Attributes:
        val_map: mean average precision, 0 to 1; NaN if it was not judged.
        category_ap: average precision of each category, NaN without positives; empty if it was
            not judged.
        logits: (N, C) of the validation images, in the first process alone.
    """

    val_map: float = math.nan
    category_ap: tuple[float, ...] = ()
    logits: FloatArray | None = None

    @classmethod
    def of(cls, logits: FloatArray, labels: LabelledImages) -> Validation:
        """By the logits (N, C) of labelled images."""
        precisions = average_precision(logits, labels.targets, labels.ignored)
        return cls(defined_mean(precisions), tuple(map(float, precisions)), logits)

    def before_learning(self) -> EpochReport:
        """As the report of the epoch 0."""
        return EpochReport(0, math.nan, self.val_map, is_best=False, category_ap=self.category_ap)


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
    val_map, category_ap = process.share((found.val_map, found.category_ap))
    return Validation(val_map, category_ap, found.logits)


def _logits(model: Classifier, images: PixelSet, device: torch.device) -> FloatArray:
    """The logits (N, C) of images by their pixels."""
    backend = TorchBackend(model.eval(), device)
    parts = [
        backend.run(np.array(images.pixels[start : start + _BATCH])).logits
        for start in range(0, len(images), _BATCH)
    ]
    result: FloatArray = np.concatenate(parts)
    return result
