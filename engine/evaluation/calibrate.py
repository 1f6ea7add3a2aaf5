"""What a model's scores mean, learned from labelled images: thresholds and calibration."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.api.calibration import LogitScaling
from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.api.evaluation import EvaluationProgress
from engine.api.label_measures import LabelMeasure
from engine.api.values import FloatArray
from engine.data.datasets.labelled import LabelledImages
from engine.data.decoding.pool import DecodePool
from engine.evaluation.evaluator import Evaluator
from engine.metrics.calibration import calibration_report
from engine.metrics.checks import BoolColumns, FloatColumns, defined_mean
from engine.metrics.label_measures import label_measures
from engine.metrics.ranking import average_precision
from engine.metrics.scaling import fit_calibration
from engine.metrics.thresholds import Thresholds, best_f1_thresholds
from engine.records.model_record import FITTED, THRESHOLDS_SET, CheckpointRecord

_FOLDS = 5
#: Fewer images say nothing of how a calibration does on others.
LEAST_HELD_OUT = 2 * _FOLDS
_SEED = 0


@dataclass(frozen=True, eq=False)
class Fitted:
    """Thresholds and calibration for all categories of a model.

    Attributes:
        thresholds: for scores as the model gives them, with the best F1.
        calibration: of these scores.
        images: how many it was learned from.
        error_before: expected calibration error of the scores (15 bins of equal width), 0 to 1.
        error_after: the same of calibrated scores, each image by a calibration that was learned
            from other images (five folds); NaN with too few images.
        mean_average_precision: on these images; neither step changes it.
        measures: per category, by these images and thresholds; a little kind, since the thresholds
            were learned from them.
    """

    thresholds: Thresholds
    calibration: LogitScaling
    images: int
    error_before: float
    error_after: float
    mean_average_precision: float
    measures: tuple[LabelMeasure, ...]

    def put_into(self, record: CheckpointRecord, source: str) -> CheckpointRecord:
        """The record with what was learned.

        Args:
            record: of the same model.
            source: the images, for people, for example ``VOC2007 val``.
        """
        note = f"{source}, {self.images} images"
        before = {key: text for key, text in record.provenance.items() if key != THRESHOLDS_SET}
        return replace(
            record,
            thresholds=self.thresholds.values,
            calibration=self.calibration,
            measures=self._measures_beside(record.measures),
            provenance={**before, FITTED: note},
        )

    def _measures_beside(self, before: tuple[LabelMeasure, ...] | None) -> tuple[LabelMeasure, ...]:
        """What these images say, and of labels that none of them has what others said before."""
        if before is None:
            return self.measures
        pairs = zip(self.measures, before, strict=True)
        return tuple(now if now.positives else old for now, old in pairs)


def fit(logits: FloatColumns, targets: BoolColumns, ignored: BoolColumns | None = None) -> Fitted:
    """Learn from the logits of images that the model was not trained on.

    Args:
        logits: (N, C); of a softmax, those of the scores (``Evaluator`` gives these).
        targets: (N, C).
        ignored: (N, C); these entries do not count. A category that the images say nothing of is
            ignored everywhere, and gets what all others have in common.

    Raises:
        ConfigError: the arrays do not belong together.
        DataError: there are no images or no positives.
    """
    ignored = np.zeros(targets.shape, dtype=np.bool_) if ignored is None else ignored
    # Double precision: float32 has no scores between the best ones, where thresholds differ.
    scores = 0.5 * (1.0 + np.tanh(0.5 * logits.astype(np.float64)))
    after = _held_out_scores(logits, targets, ignored)
    precisions = average_precision(logits, targets, ignored)
    thresholds = best_f1_thresholds(scores, targets, ignored)
    return Fitted(
        thresholds=thresholds,
        calibration=fit_calibration(logits, targets, ignored),
        images=len(logits),
        error_before=calibration_report(scores, targets, ignored).ece_equal_width,
        error_after=float("nan")
        if after is None
        else calibration_report(after, targets, ignored).ece_equal_width,
        mean_average_precision=defined_mean(precisions),
        measures=label_measures(scores, targets, ignored, thresholds.values),
    )


def fit_to_images(
    evaluator: Evaluator, images: LabelledImages, categories: Categories, pool: DecodePool
) -> Generator[EvaluationProgress, None, Fitted]:
    """Run a model over labelled images and learn from what it says.

    Args:
        evaluator: of the model and ``images``.
        images: in the model's words (``LabelledImages.for_categories``); held out from training.
        categories: of the model, which may know more than the images have.
        pool: decodes.

    Raises:
        DataError: no image can be read, or none has any of the categories.
    """
    share = yield from evaluator.run(pool)
    if not len(share.rows):
        raise DataError(f"No image of {images.name} can be read.")
    places = [categories.index_of(name) for name in images.categories]
    shape = len(share.rows), len(categories)
    logits: FloatArray = np.zeros(shape, dtype=np.float32)
    targets, ignored = np.zeros(shape, dtype=np.bool_), np.ones(shape, dtype=np.bool_)
    logits[:, places] = share.logits
    targets[:, places] = images.targets[share.rows]
    ignored[:, places] = images.ignored[share.rows]
    return fit(logits, targets, ignored)


def _held_out_scores(
    logits: FloatColumns, targets: BoolColumns, ignored: BoolColumns
) -> NDArray[np.float32] | None:
    """Calibrated scores (N, C), each by the images of the other folds."""
    if len(logits) < LEAST_HELD_OUT:
        return None
    folds = np.random.default_rng(_SEED).permutation(len(logits)) % _FOLDS
    scores = np.zeros(logits.shape, dtype=np.float32)
    for fold in range(_FOLDS):
        here = folds == fold
        learned = fit_calibration(logits[~here], targets[~here], ignored[~here])
        scores[here] = learned.scores(logits[here])
    return scores
