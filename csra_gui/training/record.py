"""What a training has told so far, put together for showing; plain values, no Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.api.training_reports import (
    EpochReport,
    Preflight,
    PreparationReport,
    SampleReport,
    StepReport,
    TrainingEnded,
    TrainingStarted,
    TrainReport,
)
from engine.api.validation import mean_precision_interval

#: Of so many epochs the samples are kept; they take the most memory of all.
_SAMPLES_KEPT = 60


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """One category in the table.

    Attributes:
        name: of the category.
        images: that have it, to learn from; ``None`` if unknown.
        before: average precision of the model that the training started from, 0 to 1; NaN where
            there are too few validation images to judge by.
        now: after the last epoch that was validated.
        best: after the best epoch.
        margin: changes up to this may be chance.
    """

    name: str
    images: int | None
    before: float
    now: float
    best: float
    margin: float = 0.0


@dataclass
class TrainingRecord:
    """One training, report by report.

    Attributes:
        name: of the model.
        preparation: the last report of it.
        preflight: if it has come.
        started: if it has come.
        step: the last one.
        epochs: finished ones by number; 0 is the model before the first.
        samples: by epoch.
        ended: the last report, if it has come.
    """

    name: str = ""
    preparation: PreparationReport | None = None
    preflight: Preflight | None = None
    started: TrainingStarted | None = None
    step: StepReport | None = None
    epochs: dict[int, EpochReport] = field(default_factory=dict)
    samples: dict[int, SampleReport] = field(default_factory=dict)
    ended: TrainingEnded | None = None

    def add(self, report: TrainReport) -> None:
        """Take in what was told."""
        if isinstance(report, PreparationReport):
            self.preparation = report
        elif isinstance(report, Preflight):
            self.preflight = report
        elif isinstance(report, TrainingStarted):
            self.started = report
        elif isinstance(report, StepReport):
            self.step = report
        elif isinstance(report, EpochReport):
            self.epochs[report.epoch] = report
        elif isinstance(report, SampleReport):
            self.samples[report.epoch] = report
            while len(self.samples) > _SAMPLES_KEPT:  # the first one shows where it began
                self.samples.pop(sorted(self.samples)[1])
        elif isinstance(report, TrainingEnded):
            self.ended = report

    @property
    def best(self) -> EpochReport | None:
        """The epoch that is kept: the best, or the latest where none can be told from another."""
        validated = [e for e in self.epochs.values() if e.epoch and math.isfinite(e.val_map)]
        judged = [e for e in validated if e.is_judged]
        if not judged:
            return max(validated, key=lambda report: report.epoch, default=None)
        return max(judged, key=lambda report: report.val_map)

    @property
    def last(self) -> EpochReport | None:
        """The last epoch that was validated."""
        validated = [e for e in self.epochs.values() if e.epoch and e.category_ap]
        return max(validated, key=lambda report: report.epoch, default=None)

    @property
    def before(self) -> EpochReport | None:
        """The model that the training started from, if it was validated."""
        return self.epochs.get(0)

    def rows(self) -> tuple[CategoryRow, ...]:
        """The table of categories; none before it is known which there are."""
        names = self._names()
        counts = dict(self.preflight.images_per_category) if self.preflight else {}
        before, now, best = (_precisions(e, names) for e in (self.before, self.last, self.best))
        val_counts = () if self.last is None else self.last.val_counts
        positives = [yes for yes, _ in val_counts] or len(names) * [0]
        return tuple(
            CategoryRow(
                name,
                counts.get(name),
                before[i],
                now[i],
                best[i],
                _margin(before[i], now[i], positives[i]),
            )
            for i, name in enumerate(names)
        )

    def _names(self) -> tuple[str, ...]:
        if self.started is not None:
            return self.started.categories
        if self.preflight is not None:
            return tuple(name for name, _ in self.preflight.images_per_category)
        return ()


def _precisions(report: EpochReport | None, names: Sequence[str]) -> Sequence[float]:
    if report is None or len(report.category_ap) != len(names):
        return [math.nan] * len(names)
    return [
        precision if place in report.judged else math.nan
        for place, precision in enumerate(report.category_ap)
    ]


def _margin(before: float, now: float, positives: int) -> float:
    if not positives or math.isnan(before) or math.isnan(now):
        return 0.0
    return margin(*(mean_precision_interval([value], [positives]) for value in (before, now)))


def margin(one: tuple[float, float], other: tuple[float, float]) -> float:
    """By how much two numbers may differ by chance, by the intervals that they lie in."""
    return math.hypot(*((high - low) / 2 for low, high in (one, other)))
