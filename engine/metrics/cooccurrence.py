"""Which categories come together, in truth and in predictions, and which are taken for others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.values import DEFAULT_THRESHOLD
from engine.metrics.checks import BoolColumns, FloatColumns, scored
from engine.metrics.decisions import Threshold, predicted_labels


@dataclass(frozen=True, slots=True)
class Confusion:
    """One category predicted wrongly where another one is.

    Attributes:
        present: index of the category that the images have.
        predicted: index of the category that they were wrongly given.
        count: in how many images.
        share: of the images that have the present category and not the predicted one.
    """

    present: int
    predicted: int
    count: int
    share: float


@dataclass(frozen=True, eq=False)
class CoOccurrence:
    """Counts of images by pairs of categories, four times (C, C); ignored entries do not count.

    Attributes:
        true_true: [a, b] images that have a and b.
        predicted_predicted: [a, b] images that were given a and b; symmetric like the first.
        predicted_given_true: [a, b] images that have a and were given b, rightly or not.
        wrong_given_true: [a, b] images that have a, were given b and do not have b.
        open_given_true: [a, b] images that have a and could be given b wrongly, since they do not
            have b.
    """

    true_true: NDArray[np.int64]
    predicted_predicted: NDArray[np.int64]
    predicted_given_true: NDArray[np.int64]
    wrong_given_true: NDArray[np.int64]
    open_given_true: NDArray[np.int64]

    def confusions(self, limit: int = 20, min_count: int = 2) -> tuple[Confusion, ...]:
        """The pairs that are confused most often, by count, then by share.

        Args:
            limit: at most so many.
            min_count: pairs with fewer images are left out.
        """
        pairs = [
            Confusion(
                present=int(a),
                predicted=int(b),
                count=int(self.wrong_given_true[a, b]),
                share=float(self.wrong_given_true[a, b] / self.open_given_true[a, b]),
            )
            for a, b in np.argwhere(self.wrong_given_true >= max(1, min_count))
        ]
        pairs.sort(key=lambda pair: (-pair.count, -pair.share))
        return tuple(pairs[:limit])

    def as_dict(self) -> dict[str, list[list[int]]]:
        """For JSON: rows of counts."""
        return {
            "true_true": self.true_true.tolist(),
            "predicted_predicted": self.predicted_predicted.tolist(),
            "predicted_given_true": self.predicted_given_true.tolist(),
            "wrong_given_true": self.wrong_given_true.tolist(),
            "open_given_true": self.open_given_true.tolist(),
        }


def co_occurrence(
    scores: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    threshold: Threshold = DEFAULT_THRESHOLD,
) -> CoOccurrence:
    """Count pairs of categories.

    Args:
        scores: (N, C).
        targets: (N, C).
        ignored: (N, C); these entries do not count. ``None`` ignores nothing.
        threshold: labels have at least this score; one for all or (C,).

    Raises:
        ConfigError: the arrays or thresholds do not belong together.
        DataError: a score is NaN.
    """
    data = scored(scores, targets, ignored)
    predicted = predicted_labels(data.scores, threshold) & data.counted
    absent = ~data.targets & data.counted
    return CoOccurrence(
        true_true=_pairs(data.positives, data.positives),
        predicted_predicted=_pairs(predicted, predicted),
        predicted_given_true=_pairs(data.positives, predicted),
        wrong_given_true=_pairs(data.positives, predicted & absent),
        open_given_true=_pairs(data.positives, absent),
    )


def _pairs(first: BoolColumns, second: BoolColumns) -> NDArray[np.int64]:
    """[a, b] rows where both are true; counts up to 2^53 are exact in float64, and fast."""
    counts = first.T.astype(np.float64) @ second.astype(np.float64)
    return counts.round().astype(np.int64)
