"""How good scores and maps are: pure NumPy."""

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

__all__ = [
    "ApKind",
    "CategoryReport",
    "MetricReport",
    "Protocol",
    "average_precision",
    "average_precisions",
    "consistent_metrics",
    "mean_average_precision",
    "paper_metrics",
]
