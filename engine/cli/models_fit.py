"""``models fit``: learn a model's thresholds and calibration, and keep them in its file."""

from __future__ import annotations

import argparse
import math
from contextlib import closing
from pathlib import Path

from engine.api.config import EvaluateConfig
from engine.api.errors import ModelError
from engine.api.evaluation import EvaluationRequest
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import save_checkpoint, write_with_record
from engine.cli.common import EXIT_DONE, say, with_bar
from engine.data.datasets.category_mapping import read_mapping
from engine.data.datasets.labelled import LabelledImages
from engine.evaluation.calibrate import LEAST_HELD_OUT, Fitted, fit_to_images
from engine.records.catalogue import find_model
from engine.records.model_record import is_ours
from engine.records.models import shipped_models
from engine.service.local import LocalEngine
from engine.texts import display_path, display_text, percent


def fit(options: argparse.Namespace) -> int:
    """Do what ``models fit`` was asked for."""
    source = find_model(options.model)
    target = source if options.output is None else options.output
    _check_target(source, target)
    request = EvaluationRequest(
        options.dataset,
        options.data,
        options.split,
        options.model,
        EvaluateConfig(options.batch_size, decode=options.decode),
        mapping=read_mapping(options.mapping) if options.mapping else None,
        follow_links=options.follow_links,
    )
    with (
        closing(LocalEngine(options.device, backend=options.backend)) as engine,
        engine.evaluation(request) as work,
    ):
        for problem in work.images.problems:
            say(display_text(problem))
        categories = work.model.config.categories
        learning = fit_to_images(work.evaluator, work.images, categories, engine.pool)
        fitted = with_bar(learning, work.images.name)
    record = fitted.put_into(work.model.record, work.images.name)
    if is_ours(source):
        write_with_record(source, target, record)
    else:
        save_checkpoint(target, open_checkpoint(source).classifier, record)
    _tell(fitted, work.images, target)
    return EXIT_DONE


def _check_target(source: Path, target: Path) -> None:
    """Before anything takes time.

    Raises:
        ModelError: the model cannot be written where it is.
    """
    if target.resolve() in {path.resolve() for path in shipped_models().values()}:
        raise ModelError("A model that ships is not changed; name another file with --output.")
    if target == source and not is_ours(source):
        raise ModelError(
            f"{source.name!r} has no place for thresholds; name another file with --output."
        )
    if not target.absolute().parent.is_dir():
        raise ModelError(f"The folder of {target.name!r} does not exist.")


def told(fitted: Fitted, name: str) -> str:
    """What was learned, in sentences.

    Args:
        fitted: from the images.
        name: of the images, for people.
    """
    learned = (
        f"Learned from {fitted.images} images of {name} "
        f"(mAP {percent(fitted.mean_average_precision)})."
    )
    before = f"Calibration error {100 * fitted.error_before:.1f}"
    if math.isnan(fitted.error_after):
        return (
            f"{learned} {before} %. Whether it gets smaller on other photos takes {LEAST_HELD_OUT} "
            "images or more to say, and so few make poor thresholds: take more."
        )
    return f"{learned} {before} → {100 * fitted.error_after:.1f} % on held-out fifths."


def _tell(fitted: Fitted, images: LabelledImages, target: Path) -> None:
    rare = sum(fitted.thresholds.is_fallback)
    say(told(fitted, images.name))
    if rare:
        say(f"{rare} categories have too few images for a threshold of their own.")
    say(f"Saved to {display_path(target)}.")
