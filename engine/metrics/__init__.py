"""How good scores and maps are: pure NumPy. Light.

AP, precision, recall and F1 as in the paper, intervals, calibration, thresholds, pointing games.
Not here: running a model, and words about numbers (``report``).
Start at ``report.py`` and ``ranking.py``.
"""

from engine.api.calibration import LogitScaling
from engine.metrics.bootstrap import (
    BootstrapSettings,
    Interval,
    Intervals,
    bootstrap_intervals,
)
from engine.metrics.calibration import CalibrationReport, ReliabilityBin, calibration_report
from engine.metrics.cooccurrence import Confusion, CoOccurrence, co_occurrence
from engine.metrics.curves import PrCurve, precision_recall_curves
from engine.metrics.decisions import LabelMetrics
from engine.metrics.localisation import Frame, Located
from engine.metrics.pointing import LocalisationMeter, LocalisationReport
from engine.metrics.ranking import (
    ApKind,
    average_precision,
    average_precisions,
    mean_average_precision,
)
from engine.metrics.report import (
    CategoryReport,
    MetricReport,
    Protocol,
    consistent_metrics,
    paper_metrics,
)
from engine.metrics.scaling import fit_calibration, fit_scaling

__all__ = [
    "ApKind",
    "BootstrapSettings",
    "CalibrationReport",
    "CategoryReport",
    "CoOccurrence",
    "Confusion",
    "Frame",
    "Interval",
    "Intervals",
    "LabelMetrics",
    "LocalisationMeter",
    "LocalisationReport",
    "Located",
    "LogitScaling",
    "MetricReport",
    "PrCurve",
    "Protocol",
    "ReliabilityBin",
    "average_precision",
    "average_precisions",
    "bootstrap_intervals",
    "calibration_report",
    "co_occurrence",
    "consistent_metrics",
    "fit_calibration",
    "fit_scaling",
    "mean_average_precision",
    "paper_metrics",
    "precision_recall_curves",
]
