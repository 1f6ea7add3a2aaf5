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

#: Of so many epochs the samples are kept; they take the most memory of all.
_SAMPLES_KEPT = 60


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """One category in the table.

    Attributes:
        name: of the category.
        images: that have it, to learn from; ``None`` if unknown.
        before: average precision of the model that the training started from, 0 to 1.
        now: after the last epoch that was validated.
        best: after the best epoch.
    """

    name: str
    images: int | None
    before: float
    now: float
    best: float


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
        """The best finished epoch; none before the first."""
        validated = [e for e in self.epochs.values() if e.epoch and math.isfinite(e.val_map)]
        return max(validated, key=lambda report: report.val_map, default=None)

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
        return tuple(
            CategoryRow(name, counts.get(name), before[i], now[i], best[i])
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
    return report.category_ap
