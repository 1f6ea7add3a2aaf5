"""How good a model is on the validation images, said after an epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from engine.api.values import FloatArray
from engine.inference.distributed import Processes
from engine.inference.torch_backend import TorchBackend
from engine.metrics.ranking import average_precision, mean_average_precision
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


def judged(
    model: Classifier, val: PixelSet | None, device: torch.device, process: Processes
) -> Validation:
    """Judge a model: the first process does it for all.

    Each process has statistics of norms of its own, so their numbers would differ, and with them
    what they do next.
    """
    if val is None:
        return Validation()
    found = _judged(model, val, device) if process.is_first else Validation()
    val_map, category_ap = process.share((found.val_map, found.category_ap))
    return Validation(val_map, category_ap, found.logits)


def _judged(model: Classifier, val: PixelSet, device: torch.device) -> Validation:
    logits = model_logits(model, val, device)
    truth = val.labels.targets, val.labels.ignored
    precisions = average_precision(logits, *truth)
    return Validation(mean_average_precision(logits, *truth), tuple(map(float, precisions)), logits)


def model_logits(model: Classifier, images: PixelSet, device: torch.device) -> FloatArray:
    """The logits (N, C) of images by their pixels."""
    backend = TorchBackend(model.eval(), device)
    parts = [
        backend.run(np.array(images.pixels[start : start + _BATCH])).logits
        for start in range(0, len(images), _BATCH)
    ]
    result: FloatArray = np.concatenate(parts)
    return result
