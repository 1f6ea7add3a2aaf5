"""Everything that is said of one evaluation run, computed from its scores alone."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.values import FloatArray
from engine.explain.evidence import sigmoid
from engine.metrics.bootstrap import BootstrapSettings, Intervals, bootstrap_intervals
from engine.metrics.calibration import CalibrationReport, calibration_report
from engine.metrics.checks import finished
from engine.metrics.cooccurrence import CoOccurrence, co_occurrence
from engine.metrics.curves import PrCurve, precision_recall_curves
from engine.metrics.pointing import LocalisationMeter, LocalisationReport
from engine.metrics.report import MetricReport, Protocol, consistent_metrics, paper_metrics
from engine.metrics.thresholds import Thresholds, best_f1_thresholds
from engine.records.evaluations import EvaluationRun

_LOGIT_THRESHOLD = 0.0  # a score of one half


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """The numbers of a run.

    Attributes:
        run: what they are computed from.
        scores: (N, C) in [0, 1].
        paper: as the paper computes them; compare these with published ones.
        consistent: without the official evaluation's quirks.
        intervals: bootstrap intervals.
        calibration: how far scores are from frequencies.
        thresholds: best for F1 on these very images.
        co_occurrence: which labels come together, truly and predicted.
        curves: precision and recall of each category that has positives.
        localisation: what the maps are worth as pointers; ``None`` without boxes.
    """

    run: EvaluationRun
    scores: FloatArray
    paper: MetricReport
    consistent: MetricReport
    intervals: Intervals
    calibration: CalibrationReport
    thresholds: Thresholds
    co_occurrence: CoOccurrence
    curves: tuple[PrCurve, ...]
    localisation: LocalisationReport | None

    def as_dict(self) -> dict[str, object]:
        """For JSON: the paper's numbers by name, the rest nested."""
        run = self.run
        paper = self.paper.as_dict()
        return {
            "model": dict(run.model),
            "dataset": dict(run.dataset),
            "settings": dict(run.settings),
            "date": run.date,
            "run": run.id,
            **paper,
            "intervals": self.intervals.as_dict(),
            "pointing_game": None if self.localisation is None else self.localisation.as_dict(),
            "consistent": self.consistent.as_dict(),
            "calibration": self.calibration.as_dict(),
            "f1_thresholds": self.thresholds.as_dict(),
            "unreadable": [{"id": name, "reason": reason} for name, reason in run.failed],
            "problems": list(run.problems),
        }


def report(run: EvaluationRun, bootstrap: BootstrapSettings | None = None) -> EvaluationReport:
    """Compute everything; no model is needed.

    Logits are ranked, not scores: rounded scores near 0 and 1 would tie.

    Args:
        run: what was found.
        bootstrap: how to resample.

    Raises:
        DataError: there are no images, no positives, or a logit is NaN.
    """
    return finished(report_steps(run, bootstrap))


def report_steps(
    run: EvaluationRun, bootstrap: BootstrapSettings | None = None
) -> Generator[None, None, EvaluationReport]:
    """``report`` in steps, after each of which it can be given up."""
    names = list(run.categories)
    logits, targets, ignored = run.logits, run.targets, run.ignored
    scores = sigmoid(logits)
    protocol = protocol_of(run.dataset.get("kind", ""), ignored)
    meter = None
    if run.localisation is not None:
        meter = LocalisationMeter(len(names))
        meter.restore(run.localisation)
    paper = paper_metrics(
        logits, targets, ignored, protocol=protocol, threshold=_LOGIT_THRESHOLD, names=names
    )
    yield
    consistent = consistent_metrics(
        logits, targets, ignored, threshold=_LOGIT_THRESHOLD, names=names
    )
    yield
    calibration = calibration_report(scores, targets, ignored)
    yield
    thresholds = best_f1_thresholds(scores, targets, ignored)
    yield
    pairs = co_occurrence(scores, targets, ignored)
    yield
    curves = precision_recall_curves(scores, targets, ignored, names)
    intervals = yield from bootstrap_intervals(
        logits,
        targets,
        ignored,
        threshold=_LOGIT_THRESHOLD,
        settings=bootstrap or BootstrapSettings(),
    )
    return EvaluationReport(
        run=run,
        scores=scores,
        paper=paper,
        consistent=consistent,
        intervals=intervals,
        calibration=calibration,
        thresholds=thresholds,
        co_occurrence=pairs,
        curves=curves,
        localisation=None if meter is None else meter.report(),
    )


def protocol_of(kind: str, ignored: NDArray[np.bool_]) -> Protocol:
    """Whose arithmetic belongs to a kind of data set.

    Args:
        kind: its name in the registry.
        ignored: (N, C); another data set that ignores something follows VOC's.
    """
    if kind == "wider":
        return Protocol.PAPER_WIDER
    if kind.startswith("voc") or ignored.any():
        return Protocol.PAPER_VOC
    return Protocol.PAPER_COCO
