"""What got better and what got worse between two evaluation runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.metrics.ranking import average_precision
from engine.records.evaluations import EvaluationRun

ImageLabel = tuple[str, str]


@dataclass(frozen=True, eq=False)
class RunComparison:
    """Two runs on the images and categories that both have.

    Attributes:
        num_images: in both.
        categories: in both.
        before: (C,) average precision; NaN without positives.
        after: (C,) average precision.
        better: sample id and category of each label that was wrong and is right now, the largest
            change first.
        worse: the other way round.
    """

    num_images: int
    categories: Categories
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    better: tuple[ImageLabel, ...]
    worse: tuple[ImageLabel, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        pairs = zip(self.categories, self.before.tolist(), self.after.tolist(), strict=True)
        return {
            "num_images": self.num_images,
            "mAP": [float(np.nanmean(self.before)), float(np.nanmean(self.after))],
            "AP": {name: [old, new] for name, old, new in pairs if old == old},  # noqa: PLR0124
            "better": [list(label) for label in self.better],
            "worse": [list(label) for label in self.worse],
        }


def compare_runs(before: EvaluationRun, after: EvaluationRun) -> RunComparison:
    """Compare two runs, for example of two models on one data set.

    A label is right if the score is on the right side of one half. The true labels are those of
    the second run; where it ignores one, so does the comparison.

    Raises:
        DataError: they share no image or no category, or no category has a positive.
    """
    names = tuple(name for name in after.categories if name in before.categories)
    wanted = set(before.ids)
    ids = tuple(name for name in after.ids if name in wanted)
    if not names or not ids:
        raise DataError("The two runs share no image or no category; there is nothing to compare.")
    old, new = _logits(before, ids, names), _logits(after, ids, names)
    places = np.ix_(_places(after.ids, ids), _places(after.categories, names))
    targets, ignored = after.targets[places], after.ignored[places]
    before_ap = average_precision(old, targets, ignored)
    if np.isnan(before_ap).all():
        raise DataError("None of the shared images has any of the shared categories.")
    was_right, is_right = (old >= 0) == targets, (new >= 0) == targets
    change = np.abs(new - old)

    def labels(which: NDArray[np.bool_]) -> tuple[ImageLabel, ...]:
        rows, columns = np.nonzero(which & ~ignored)
        order = np.argsort(-change[rows, columns], kind="stable")
        return tuple((ids[rows[i]], names[columns[i]]) for i in order.tolist())

    return RunComparison(
        num_images=len(ids),
        categories=Categories(names),
        before=before_ap,
        after=average_precision(new, targets, ignored),
        better=labels(~was_right & is_right),
        worse=labels(was_right & ~is_right),
    )


def _logits(
    run: EvaluationRun, ids: tuple[str, ...], names: tuple[str, ...]
) -> NDArray[np.float32]:
    return run.logits[np.ix_(_places(run.ids, ids), _places(run.categories, names))]


def _places(have: tuple[str, ...] | Categories, want: tuple[str, ...]) -> list[int]:
    index = {name: place for place, name in enumerate(have)}
    return [index[name] for name in want]
