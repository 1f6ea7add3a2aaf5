"""Precision, recall and F1 of the labels that a threshold gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import ConfigError
from engine.metrics.checks import (
    BoolColumns,
    FloatColumns,
    Scored,
    defined_mean,
    harmonic_mean,
    plain,
    ratio,
)

Threshold = float | Sequence[float] | NDArray[np.floating]

TOP = 3


@dataclass(frozen=True, slots=True)
class LabelMetrics:
    """Six numbers for labels, each 0 to 1: ``CP CR CF1 OP OR OF1`` in the literature.

    Attributes:
        class_precision: CP, the mean of the categories' precision.
        class_recall: CR, the mean of the categories' recall.
        class_f1: CF1, the harmonic mean of CP and CR; not the mean of the categories' F1.
        overall_precision: OP, over all labels at once.
        overall_recall: OR, over all labels at once.
        overall_f1: OF1, the harmonic mean of OP and OR.
        macro_f1: the mean of the categories' F1, which other libraries mean by "macro F1".
    """

    class_precision: float
    class_recall: float
    class_f1: float
    overall_precision: float
    overall_recall: float
    overall_f1: float
    macro_f1: float

    def as_dict(self) -> dict[str, float | None]:
        """By the names of the literature, for JSON."""
        return {
            "CP": plain(self.class_precision),
            "CR": plain(self.class_recall),
            "CF1": plain(self.class_f1),
            "OP": plain(self.overall_precision),
            "OR": plain(self.overall_recall),
            "OF1": plain(self.overall_f1),
            "macro_F1": plain(self.macro_f1),
        }


@dataclass(frozen=True, eq=False)
class LabelCounts:
    """How often each category was predicted, rightly predicted and true: three times (C,)."""

    predicted: NDArray[np.int64]
    correct: NDArray[np.int64]
    positives: NDArray[np.int64]

    @property
    def precision(self) -> NDArray[np.float64]:
        """(C,); NaN for a category that was never predicted."""
        return ratio(self.correct, self.predicted, np.nan)

    @property
    def recall(self) -> NDArray[np.float64]:
        """(C,); NaN for a category without positives."""
        return ratio(self.correct, self.positives, np.nan)

    @property
    def f1(self) -> NDArray[np.float64]:
        """(C,); NaN for a category without positives."""
        f1 = ratio(2 * self.correct, self.predicted + self.positives, 0.0)
        return np.where(self.positives > 0, f1, np.nan)


def predicted_labels(
    scores: FloatColumns, threshold: Threshold, top: int | None = None
) -> BoolColumns:
    """(N, C) labels: the score reaches the threshold and is among the ``top`` of its image.

    Args:
        scores: (N, C).
        threshold: on the scale of the scores, one for all or (C,).
        top: the most labels of an image; ``None`` has no limit. Of equal scores the first
            category wins.

    Raises:
        ConfigError: the thresholds do not fit the categories.
    """
    limits = np.asarray(threshold, dtype=scores.dtype)
    if limits.ndim and limits.shape != (scores.shape[1],):
        raise ConfigError(
            f"There are {limits.size} thresholds for {scores.shape[1]} categories; give one for "
            "all, or one for each."
        )
    labels = scores >= limits
    if top is not None:
        labels &= best_of_each_image(scores, top)
    return labels


def best_of_each_image(scores: FloatColumns, top: int) -> BoolColumns:
    """(N, C); true for the ``top`` highest scores of each row, the first category before a tie."""
    best = np.zeros(scores.shape, dtype=np.bool_)
    rows = np.arange(len(scores))
    left = scores.astype(scores.dtype, copy=True)
    for _ in range(min(top, scores.shape[1])):
        columns = left.argmax(axis=1)
        best[rows, columns] = True
        left[rows, columns] = -np.inf
    return best


def count_labels(data: Scored, labels: BoolColumns, ignored_are_negative: bool) -> LabelCounts:
    """Count predicted, correct and true labels per category.

    Args:
        data: the truth.
        labels: (N, C), what was predicted.
        ignored_are_negative: a label on an ignored entry is wrong; otherwise it does not count.
    """
    predicted = labels if ignored_are_negative else labels & data.counted
    return LabelCounts(
        predicted=np.count_nonzero(predicted, axis=0).astype(np.int64),
        correct=np.count_nonzero(labels & data.positives, axis=0).astype(np.int64),
        positives=np.count_nonzero(data.positives, axis=0).astype(np.int64),
    )


def label_metrics(counts: LabelCounts, as_paper: bool) -> LabelMetrics:
    """The six numbers; categories without positives are left out of the means over categories.

    Args:
        counts: of one set of labels.
        as_paper: a category that was never predicted counts as predicted once, wrongly, as in the
            official evaluation: that adds 1 to the denominator of OP.
    """
    predicted = np.maximum(counts.predicted, 1) if as_paper else counts.predicted
    known = counts.positives > 0
    precision = ratio(counts.correct, predicted, 0.0)[known]
    class_precision, class_recall = defined_mean(precision), defined_mean(counts.recall)
    correct = counts.correct.sum(keepdims=True)
    overall_precision = float(ratio(correct, predicted.sum(keepdims=True), 0.0)[0])
    overall_recall = float(ratio(correct, counts.positives.sum(keepdims=True), np.nan)[0])
    return LabelMetrics(
        class_precision=class_precision,
        class_recall=class_recall,
        class_f1=harmonic_mean(class_precision, class_recall),
        overall_precision=overall_precision,
        overall_recall=overall_recall,
        overall_f1=harmonic_mean(overall_precision, overall_recall),
        macro_f1=defined_mean(counts.f1),
    )
