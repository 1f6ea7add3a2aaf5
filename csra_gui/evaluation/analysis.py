"""A kept run with all its numbers, and what they are at other thresholds: plain values, no Qt."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api.values import FloatArray
from engine.metrics.at_thresholds import logit_thresholds
from engine.metrics.bootstrap import BootstrapSettings, bootstrap_intervals
from engine.metrics.localisation import Frame
from engine.records.evaluations import EvaluationRun, EvaluationStore
from engine.report.numbers import EvaluationReport, report_steps

Thresholds = NDArray[np.float64]

_QUICK = BootstrapSettings(2)
#: Up to so many scores, intervals are there before anybody could miss them.
_FEW_SCORES = 200_000


SCORE_BINS = 20
RELIABILITY_BINS = 10


@dataclass(frozen=True, eq=False)
class Distribution:
    """How the scores of each category are spread, in bins of equal width from 0 to 1.

    Attributes:
        histogram: (2, C, SCORE_BINS) images that have the category, and that have it not.
        promised: (C, RELIABILITY_BINS) sums of scores.
        held: (C, RELIABILITY_BINS) images that have the category.
        counts: (C, RELIABILITY_BINS) images.
    """

    histogram: NDArray[np.int64]
    promised: NDArray[np.float64]
    held: NDArray[np.int64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Analysis:
    """What is known of a run.

    Attributes:
        folder: where the run is kept.
        report: all numbers.
        distribution: of the scores.
        has_intervals: whether those in the report are the real ones; they take longest.
    """

    folder: Path
    report: EvaluationReport
    distribution: Distribution
    has_intervals: bool

    @property
    def run(self) -> EvaluationRun:
        """What the numbers are computed from."""
        return self.report.run

    @property
    def scores(self) -> FloatArray:
        """(N, C) in [0, 1]."""
        return self.report.scores

    @cached_property
    def counted(self) -> NDArray[np.bool_]:
        """(N, C): what somebody can say of."""
        return ~self.run.ignored

    @cached_property
    def positives(self) -> NDArray[np.bool_]:
        """(N, C): what counts and has the category."""
        return self.run.targets & self.counted

    @cached_property
    def negatives(self) -> NDArray[np.bool_]:
        """(N, C): what counts and has the category not."""
        return ~self.run.targets & self.counted

    @cached_property
    def pointing(self) -> NDArray[np.float64]:
        """(C,): share of hits in the pointing game; NaN where it was not played."""
        games = self.report.localisation
        if games is None:
            return np.full(len(self.run.categories), np.nan)
        return np.array(games.pointing[f"{Frame.PHOTO}, all"].by_category)

    def labels(self, thresholds: Thresholds) -> NDArray[np.bool_]:
        """(N, C): what reaches the thresholds, (C,) in [0, 1]."""
        labels: NDArray[np.bool_] = self.run.logits >= logit_thresholds(thresholds, self.run.logits)
        return labels

    def labels_of(self, category: int, threshold: float) -> NDArray[np.bool_]:
        """(N,): which images get the label at a threshold in [0, 1]."""
        limit = logit_thresholds(np.array(threshold), self.run.logits)
        labels: NDArray[np.bool_] = self.run.logits[:, category] >= limit
        return labels


@dataclass(frozen=True, eq=False)
class LabelTable:
    """How labels at some thresholds compare with the truth; five times (C,).

    Attributes:
        thresholds: in [0, 1].
        right: labels that were given rightly.
        wrong: given wrongly.
        missed: wrongly not given.
        absent: rightly not given.
    """

    thresholds: Thresholds
    right: NDArray[np.int64]
    wrong: NDArray[np.int64]
    missed: NDArray[np.int64]
    absent: NDArray[np.int64]

    @property
    def precision(self) -> NDArray[np.float64]:
        """(C,); NaN where no label was given."""
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> NDArray[np.float64]:
        """(C,); NaN without positives."""
        return _share(self.right, self.right + self.missed)

    @property
    def f1(self) -> NDArray[np.float64]:
        """(C,); NaN without positives."""
        has_any = self.right + self.missed > 0
        values = _share(2 * self.right, 2 * self.right + self.wrong + self.missed)
        return np.where(has_any, values, np.nan)


def label_table(analysis: Analysis, thresholds: Thresholds) -> LabelTable:
    """Count labels of all categories."""
    labels = analysis.labels(thresholds)

    def count(which: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.asarray(np.count_nonzero(which, axis=0), dtype=np.int64)

    return LabelTable(
        thresholds,
        count(labels & analysis.positives),
        count(labels & analysis.negatives),
        count(~labels & analysis.positives),
        count(~labels & analysis.negatives),
    )


def with_threshold(
    analysis: Analysis, table: LabelTable, category: int, threshold: float
) -> LabelTable:
    """The table with another threshold of one category; only that one is counted again."""
    labels = analysis.labels_of(category, threshold)
    positives, negatives = analysis.positives[:, category], analysis.negatives[:, category]

    def put(values: NDArray[np.int64], which: NDArray[np.bool_]) -> NDArray[np.int64]:
        changed = values.copy()
        changed[category] = np.count_nonzero(which)
        return changed

    thresholds = table.thresholds.copy()
    thresholds[category] = threshold
    return LabelTable(
        thresholds,
        put(table.right, labels & positives),
        put(table.wrong, labels & negatives),
        put(table.missed, ~labels & positives),
        put(table.absent, ~labels & negatives),
    )


def analyse(folder: Path) -> Generator[Analysis | None, None, None]:
    """Read a run and compute its numbers; the intervals, which take longest, come later.

    Between the values are many ``None``: moments at which it can be given up.

    Raises:
        DataError: there is no such run, it is damaged, or has nothing to measure.
    """
    run = EvaluationStore().load(folder)
    is_small = run.logits.size <= _FEW_SCORES
    numbers = yield from report_steps(run, None if is_small else _QUICK)
    first = Analysis(folder, numbers, distribution_of(run, numbers.scores), is_small)
    yield first
    if not is_small:
        intervals = yield from bootstrap_intervals(
            run.logits, run.targets, run.ignored, threshold=0.0
        )
        yield replace(first, report=replace(numbers, intervals=intervals), has_intervals=True)


def distribution_of(run: EvaluationRun, scores: FloatArray) -> Distribution:
    """Count scores in bins.

    Args:
        run: with the truth.
        scores: (N, C) in [0, 1].
    """
    number = len(run.categories)
    histogram = np.zeros((2, number, SCORE_BINS), dtype=np.int64)
    promised = np.zeros((number, RELIABILITY_BINS))
    held = np.zeros((number, RELIABILITY_BINS), dtype=np.int64)
    counts = np.zeros((number, RELIABILITY_BINS), dtype=np.int64)
    for category in range(number):
        counted = ~run.ignored[:, category]
        values = scores[counted, category].astype(np.float64)
        has_it = run.targets[counted, category]
        place = np.minimum((values * SCORE_BINS).astype(np.intp), SCORE_BINS - 1)
        for group, which in enumerate((has_it, ~has_it)):
            histogram[group, category] = np.bincount(place[which], minlength=SCORE_BINS)
        place = np.minimum((values * RELIABILITY_BINS).astype(np.intp), RELIABILITY_BINS - 1)
        promised[category] = np.bincount(place, values, RELIABILITY_BINS)
        held[category] = np.bincount(place[has_it], minlength=RELIABILITY_BINS)
        counts[category] = np.bincount(place, minlength=RELIABILITY_BINS)
    return Distribution(histogram, promised, held, counts)


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    result = np.full(part.shape, np.nan)
    np.divide(part, whole, out=result, where=whole > 0)
    return result
