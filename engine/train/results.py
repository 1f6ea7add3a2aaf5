"""What a model's file tells of its training, and what is learned from the validation images."""

from __future__ import annotations

import logging
import platform
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from engine.api.calibration import LogitScaling
from engine.api.config import HEAD_TITLES, HeadTrainConfig, ModelConfig
from engine.api.errors import DataError
from engine.api.network_names import network_title
from engine.api.training import LabelSource, TrainRequest
from engine.api.validation import can_validate
from engine.api.values import FloatArray
from engine.data.datasets.labelled import LabelledImages
from engine.metrics.ranking import average_precision
from engine.metrics.scaling import fit_calibration
from engine.metrics.thresholds import best_f1_thresholds
from engine.records.model_record import CHOSEN_ON, VALIDATED_ON, CheckpointRecord
from engine.records.program_facts import program_facts
from engine.train.sources import Parts, seen_images
from engine.train.validation import label_counts

_LICENCE = "Apache-2.0"
#: Names of results.
VAL_MAP = "val mAP"
_TEST_MAP = "mAP on the test split that it was chosen on"
_SEEN_MAP = "mAP on images with some that it learned from"
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
    return {VAL_MAP: round(float(precisions[judged].mean()), 4), **known}


def record_of(
    request: TrainRequest,
    model: ModelConfig,
    parts: Parts,
    epoch: int,
    found: Fitted | None = None,
) -> CheckpointRecord:
    """The record of a model that a run has made.

    Args:
        request: what was asked.
        model: what came out.
        parts: learned from the first, judged by the second.
        epoch: that it is from.
        found: what they say of it.
    """
    source, val, seen = request.source, parts[1], seen_images(parts)
    chosen_on = val.name + (f", with {seen} images that it learned from" if seen else "")
    name = source.name if isinstance(source, LabelSource) else f"{source.kind} {source.split}"
    return CheckpointRecord(
        config=model,
        name=request.title_when(seen),
        description=_description(request, model, name, seen),
        licence=_LICENCE,
        thresholds=None if found is None else found.thresholds,
        calibration=None if found is None else found.calibration,
        results={} if found is None else _named(found.results, request, seen),
        provenance={
            **dict(request.provenance),
            "seed": str(request.config.seed),
            VALIDATED_ON: f"{val.name}, {len(val)} images",
            **({CHOSEN_ON: chosen_on} if seen or request.is_chosen_on_test else {}),
            "epoch": str(epoch),
            **_made_with(),
        },
    )


def _named(results: Mapping[str, float], request: TrainRequest, seen: int) -> Mapping[str, float]:
    """Results of the test split, or of images learned from, do not pass for those of validation."""
    if not seen and not request.is_chosen_on_test:
        return results
    mean = _TEST_MAP if request.is_chosen_on_test else _SEEN_MAP
    return {(mean if name == VAL_MAP else name): value for name, value in results.items()}


def _made_with() -> dict[str, str]:
    """The program and what it stands on."""
    facts = program_facts()
    known = {name: text for name, text in facts.items() if name in ("program", "commit")}
    python = platform.python_version()
    return {**known, "torch": torch.__version__, "python": python}


def _description(request: TrainRequest, model: ModelConfig, images: str, seen: int) -> str:
    what = _what_learned(request, model, images)
    if request.is_chosen_on_test:
        what += " Epoch, thresholds and calibration were chosen on the test split."
    elif seen:
        what += " Epoch, thresholds and calibration were chosen on images that it learned from."
    return what


def _what_learned(request: TrainRequest, model: ModelConfig, images: str) -> str:
    if not isinstance(request.config, HeadTrainConfig):
        return f"Trained on {images}, the whole network."
    backbone = network_title(model.backbone)
    weights = "ImageNet weights" if request.start.model is None else "of another model"
    heads = HEAD_TITLES[model.head.kind]
    return f"{heads} on a frozen {backbone} ({weights}), trained on {images}."
