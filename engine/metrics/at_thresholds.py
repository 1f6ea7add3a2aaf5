"""How right the labels are that a set of thresholds gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.metrics.checks import BoolColumns, FloatColumns, plain, require_images, scored
from engine.metrics.decisions import (
    LabelMetrics,
    count_labels,
    label_metrics,
    predicted_labels,
)
from engine.metrics.report import Protocol

#: From this logit on a score in single precision is 1.
_SURE = 25.0 * np.log(2.0)


@dataclass(frozen=True, eq=False)
class LabelsAtThresholds:
    """Precision, recall and F1 of the labels from some thresholds on.

    Attributes:
        thresholds: one per category, for scores in [0, 1].
        labels: the six means, in the arithmetic of the protocol.
        precision: (C,); NaN for a category that was never predicted.
        recall: (C,); NaN for a category without positives.
        f1: (C,); NaN for a category without positives.
        predicted: (C,), labels given.
    """

    thresholds: tuple[float, ...]
    labels: LabelMetrics
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    predicted: NDArray[np.int64]

    def as_dict(self, names: Sequence[str]) -> dict[str, object]:
        """For JSON.

        Args:
            names: of the categories.
        """
        return {
            **self.labels.as_dict(),
            "per_category": [
                {
                    "category": name,
                    "threshold": self.thresholds[c],
                    "precision": plain(self.precision[c]),
                    "recall": plain(self.recall[c]),
                    "F1": plain(self.f1[c]),
                    "predicted": int(self.predicted[c]),
                }
                for c, name in enumerate(names)
            ],
        }


def labels_at(
    logits: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None,
    thresholds: Sequence[float],
    protocol: Protocol,
) -> LabelsAtThresholds:
    """Measure the labels that thresholds give.

    Args:
        logits: (N, C), whose sigmoid is the score.
        targets: (N, C).
        ignored: (N, C); nobody can say. ``None`` ignores nothing.
        thresholds: (C,) in [0, 1]; a label has at least this score.
        protocol: whose arithmetic.

    Raises:
        ConfigError: the arrays and thresholds do not belong together.
        DataError: there are no images, or a logit is NaN.
    """
    data = scored(logits, targets, ignored)
    require_images(data)
    limits = logit_thresholds(np.array(thresholds, dtype=np.float64), data.scores)
    given = predicted_labels(data.scores, limits)
    counts = count_labels(data, given, protocol is Protocol.PAPER_WIDER)
    return LabelsAtThresholds(
        thresholds=tuple(float(value) for value in thresholds),
        labels=label_metrics(counts, as_paper=protocol.is_paper),
        precision=counts.precision,
        recall=counts.recall,
        f1=counts.f1,
        predicted=counts.predicted,
    )


def logit_thresholds(thresholds: NDArray[np.float64], like: FloatColumns) -> FloatColumns:
    """Thresholds for scores in [0, 1] as those for logits, in their precision.

    Exactly 0 for one half, which is where published numbers draw the line. The threshold 1 is met
    by what is 1 as a score in single precision.

    Args:
        thresholds: any shape.
        like: the logits.
    """
    with np.errstate(divide="ignore"):
        limits = np.log(thresholds) - np.log1p(-thresholds)
    return np.asarray(np.minimum(limits, _SURE), dtype=like.dtype)
