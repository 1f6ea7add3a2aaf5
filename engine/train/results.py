"""What a model's file tells of its training, and what is learned from the validation images."""

from __future__ import annotations

import logging
import platform
from dataclasses import dataclass

import numpy as np
import torch

from engine.api.calibration import LogitScaling
from engine.api.config import HeadTrainConfig, ModelConfig
from engine.api.errors import DataError
from engine.api.network_names import network_title
from engine.api.training import LabelSource, TrainRequest
from engine.api.validation import can_validate
from engine.api.values import FloatArray
from engine.data.datasets.labelled import LabelledImages
from engine.metrics.ranking import average_precision
from engine.metrics.scaling import fit_calibration
from engine.metrics.thresholds import best_f1_thresholds
from engine.records.model_record import CheckpointRecord
from engine.train.validation import label_counts

_LICENCE = "Apache-2.0"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fitted:
    """What the validation images say of a model's scores.

    Attributes:
        thresholds: per category, with the best F1; ``None`` if no image has any category.
        calibration: per category; ``None`` likewise.
        results: the mean average precision and that of each category.
    """

    thresholds: tuple[float, ...] | None
    calibration: LogitScaling | None
    results: dict[str, float]


def fitted(logits: FloatArray, val: LabelledImages) -> Fitted:
    """Fit thresholds and calibration.

    Args:
        logits: (N, C).
        val: N images that the model has not learned from.
    """
    results = val_results(logits, val)
    scores = 1.0 / (1.0 + np.exp(-logits.astype(np.float64)))
    try:
        thresholds = best_f1_thresholds(scores, val.targets, val.ignored).values
        calibration = fit_calibration(logits, val.targets, val.ignored)
    except DataError as error:
        _log.info("No thresholds: %s", error)
        return Fitted(None, None, results)
    return Fitted(thresholds, calibration, results)


def val_results(logits: FloatArray, val: LabelledImages) -> dict[str, float]:
    """The mean average precision on validation images, and that of each category.

    Only of categories with enough images to judge them by; empty without any.
    """
    precisions = average_precision(logits, val.targets, val.ignored)
    judged = [place for place, pair in enumerate(label_counts(val)) if can_validate(*pair)]
    if not judged:
        return {}
    known = {f"AP {val.categories[i]}": round(float(precisions[i]), 4) for i in judged}
    return {"val mAP": round(float(precisions[judged].mean()), 4), **known}


def record_of(
    request: TrainRequest,
    model: ModelConfig,
    val: LabelledImages,
    epoch: int,
    found: Fitted | None = None,
) -> CheckpointRecord:
    """The record of a model that a run has made.

    Args:
        request: what was asked.
        model: what came out.
        val: judged by these.
        epoch: that it is from.
        found: what they say of it.
    """
    source = request.source
    name = source.name if isinstance(source, LabelSource) else f"{source.kind} {source.split}"
    return CheckpointRecord(
        config=model,
        name=request.title,
        description=_description(request, model, name),
        licence=_LICENCE,
        thresholds=None if found is None else found.thresholds,
        calibration=None if found is None else found.calibration,
        results={} if found is None else found.results,
        provenance={
            **dict(request.provenance),
            "seed": str(request.config.seed),
            "validation images": f"{val.name}, {len(val)} images",
            "epoch": str(epoch),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    )


def _description(request: TrainRequest, model: ModelConfig, images: str) -> str:
    if not isinstance(request.config, HeadTrainConfig):
        return f"Trained on {images}, the whole network."
    backbone = network_title(model.backbone)
    weights = "ImageNet weights" if request.start.model is None else "of another model"
    return f"CSRA heads on a frozen {backbone} ({weights}), trained on {images}."
