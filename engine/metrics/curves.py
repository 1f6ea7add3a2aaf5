"""Precision and recall at every threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import ConfigError
from engine.metrics.checks import BoolColumns, FloatColumns, plain, ratio, scored


@dataclass(frozen=True, eq=False)
class RankedCounts:
    """What each threshold that makes a difference would label.

    Attributes:
        thresholds: (K,), the distinct scores, falling.
        predicted: (K,), how many entries reach each threshold.
        correct: (K,), how many of those are positives.
        positives: in all.
    """

    thresholds: NDArray[np.float64]
    predicted: NDArray[np.int64]
    correct: NDArray[np.int64]
    positives: int

    @classmethod
    def of(cls, scores: NDArray[np.floating], targets: NDArray[np.bool_]) -> RankedCounts:
        """Count from the (N,) scores and targets of one category, without ignored entries."""
        order = np.argsort(-scores, kind="stable")
        falling = scores[order].astype(np.float64)
        last_of_ties = np.flatnonzero(np.append(falling[1:] != falling[:-1], len(falling) > 0))
        correct = np.cumsum(targets[order], dtype=np.int64)
        return cls(
            thresholds=falling[last_of_ties],
            predicted=(last_of_ties + 1).astype(np.int64),
            correct=correct[last_of_ties],
            positives=int(correct[-1]) if len(correct) else 0,
        )

    @property
    def precision(self) -> NDArray[np.float64]:
        """(K,), the share of the labels that are right."""
        return self.correct / self.predicted

    @property
    def recall(self) -> NDArray[np.float64]:
        """(K,), the share of the positives that are found; NaN without positives."""
        return ratio(self.correct, np.array(self.positives), np.nan)


@dataclass(frozen=True, eq=False)
class PrCurve:
    """Precision against recall of one category; its K points go from strict to lenient.

    Attributes:
        name: of the category.
        precision: (K,).
        recall: (K,), rising to 1.
        thresholds: (K,), falling; a score that reaches it is a label.
        positives: how many there are.
    """

    name: str
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    positives: int

    def thinned(self, buckets: int = 100) -> PrCurve:
        """The same curve with fewer points, for plots: none of its peaks and dips is lost.

        Args:
            buckets: parts of equal length on the recall axis; of each, the points with the lowest
                and highest precision stay, and so do the first and last of all.
        """
        if len(self.recall) <= 2 * buckets:
            return self
        bucket = np.minimum((self.recall * buckets).astype(np.intp), buckets - 1)
        by_precision = np.lexsort((self.precision, bucket))
        starts = np.flatnonzero(np.diff(bucket[by_precision], prepend=-1))
        ends = np.append(starts[1:], len(bucket)) - 1
        kept = np.unique(
            np.concatenate([by_precision[starts], by_precision[ends], [0, len(bucket) - 1]])
        )
        return PrCurve(
            name=self.name,
            precision=self.precision[kept],
            recall=self.recall[kept],
            thresholds=self.thresholds[kept],
            positives=self.positives,
        )

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "category": self.name,
            "positives": self.positives,
            "precision": self.precision.tolist(),
            "recall": [plain(value) for value in self.recall],
            "thresholds": self.thresholds.tolist(),
        }


def precision_recall_curves(
    scores: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    names: Sequence[str] | None = None,
) -> tuple[PrCurve, ...]:
    """The curve of each category that has positives; equal scores are one point.

    Args:
        scores: (N, C).
        targets: (N, C).
        ignored: (N, C); these entries do not count. ``None`` ignores nothing.
        names: of the categories; ``None`` numbers them.

    Raises:
        ConfigError: the arrays or names do not belong together.
        DataError: a score is NaN.
    """
    data = scored(scores, targets, ignored)
    if names is None:
        names = [str(category) for category in range(data.scores.shape[1])]
    if len(names) != data.scores.shape[1]:
        raise ConfigError(f"There are {len(names)} names for {data.scores.shape[1]} categories.")
    curves = []
    for category in np.flatnonzero(data.ranks):
        counted = ~data.ignored[:, category]
        ranked = RankedCounts.of(data.scores[counted, category], data.targets[counted, category])
        curves.append(
            PrCurve(
                name=names[int(category)],
                precision=ranked.precision,
                recall=ranked.recall,
                thresholds=ranked.thresholds,
                positives=ranked.positives,
            )
        )
    return tuple(curves)
