"""Everything that is said of one evaluation run, computed from its scores alone."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from engine.api.values import FloatArray
from engine.explain.evidence import sigmoid
from engine.metrics.at_thresholds import LabelsAtThresholds, labels_at
from engine.metrics.bootstrap import BootstrapSettings, Intervals, bootstrap_intervals
from engine.metrics.calibration import CalibrationReport, calibration_report
from engine.metrics.checks import finished
from engine.metrics.cooccurrence import CoOccurrence, co_occurrence
from engine.metrics.curves import PrCurve, precision_recall_curves
from engine.metrics.pointing import LocalisationMeter, LocalisationReport
from engine.metrics.report import MetricReport, Protocol, consistent_metrics, paper_metrics
from engine.metrics.thresholds import Thresholds, best_f1_thresholds
from engine.records.evaluations import EvaluationRun
from engine.report.protocol import protocol_of
from engine.texts import display_text

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
        protocol_reason: why the paper's numbers follow that arithmetic, half a sentence.
        at_best: labels at ``thresholds``: in-sample, and so too good to be reported.
        at_stored: labels at the thresholds in the model's file; ``None`` if it has none.
        calibrated: how far scores are from frequencies with the calibration in the model's file;
            ``None`` if it has none.
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
    protocol_reason: str
    at_best: LabelsAtThresholds
    at_stored: LabelsAtThresholds | None
    calibrated: CalibrationReport | None
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
            "protocol_reason": self.protocol_reason,
            "intervals": self.intervals.as_dict(),
            "pointing_game": None if self.localisation is None else self.localisation.as_dict(),
            "consistent": self.consistent.as_dict(),
            "calibration": self.calibration.as_dict(),
            "stored_calibration": self._stored_calibration(),
            "f1_thresholds": {
                **self.thresholds.as_dict(),
                "in_sample": True,
                **self.at_best.as_dict(run.categories),
            },
            "stored_thresholds": self._stored_thresholds(),
            "unreadable": [{"id": name, "reason": reason} for name, reason in run.failed],
            "problems": list(run.problems),
        }

    def _stored_thresholds(self) -> dict[str, object] | None:
        stored = self.run.stored
        if stored is None or self.at_stored is None:
            return None
        return {
            "learned_from": stored.thresholds_from,
            "in_sample": stored.is_in_sample,
            **self.at_stored.as_dict(self.run.categories),
        }

    def _stored_calibration(self) -> dict[str, object] | None:
        stored = self.run.stored
        if stored is None or self.calibrated is None:
            return None
        return {
            "learned_from": stored.calibration_from,
            "in_sample": stored.is_in_sample,
            **self.calibrated.as_dict(),
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
    choice = protocol_of(run.dataset, ignored)
    protocol = choice.protocol
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
    at_best = labels_at(logits, targets, ignored, thresholds.values, protocol)
    yield
    at_stored, calibrated = _with_stored(run, protocol)
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
        protocol_reason=choice.reason,
        at_best=at_best,
        at_stored=at_stored,
        calibrated=calibrated,
        co_occurrence=pairs,
        curves=curves,
        localisation=None if meter is None else meter.report(),
    )


def _with_stored(
    run: EvaluationRun, protocol: Protocol
) -> tuple[LabelsAtThresholds | None, CalibrationReport | None]:
    """What the thresholds and the calibration in the model's file make of the scores."""
    labels = calibrated = None
    if run.stored is not None and run.stored.thresholds is not None:
        labels = labels_at(run.logits, run.targets, run.ignored, run.stored.thresholds, protocol)
    if run.stored is not None and run.stored.calibration is not None:
        scores = run.stored.calibration.scores(run.logits)
        calibrated = calibration_report(scores, run.targets, run.ignored)
    return labels, calibrated


def learned_from(origin: str, *, is_in_sample: bool) -> str:
    """Where stored thresholds or a stored calibration come from, in brackets after a blank.

    Args:
        origin: the images, as the model's file says; empty if nobody knows.
        is_in_sample: whether images that are measured were among them.
    """
    if not origin:
        return " (from which images is not known)"
    sample = "; in-sample: the same images" if is_in_sample else ""
    return f" (from {display_text(origin)}{sample})"
