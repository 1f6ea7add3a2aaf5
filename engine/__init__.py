"""Multi-label recognition with class-specific residual attention; usable without a window.

Finds and opens images, runs, explains, measures and trains models; keeps the library.
Not here: Qt, and anything of the window.
Start at ``api`` (what a front end may ask) or at ``cli`` (the commands). Scripts and notebooks take
their names from this package (docs/API.md); importing it loads nothing, a name what it needs.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

# ONNX Runtime would tell its makers of every model and run, over the network, under a number that
# it keeps for this computer. It looks here once, before its first model, and so do processes that
# are started from this one. Nothing that this program does is told to anybody.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if TYPE_CHECKING:  # what ``__getattr__`` does, for those who read types
    from engine.api.categories import Categories
    from engine.api.config import (
        EvaluateConfig,
        HeadConfig,
        HeadTrainConfig,
        LossSettings,
        PredictConfig,
        PreprocessConfig,
    )
    from engine.api.engine import TaggingEngine
    from engine.api.errors import (
        CheckpointError,
        ConfigError,
        DataError,
        DivergedError,
        EngineError,
        EngineStoppedError,
        FileChangedError,
        ImageError,
        MissingFactsError,
        ModelError,
    )
    from engine.api.evaluation import (
        EvaluationDone,
        EvaluationProgress,
        EvaluationRequest,
        Unfinished,
    )
    from engine.api.facts import Fact
    from engine.api.geometry import Box
    from engine.api.label_measures import LabelMeasure, LabelStatus
    from engine.api.teaching import Hits, TaughtCategory, TeachProgress, TeachReport, TeachRequest
    from engine.api.training import DatasetSource, LabelSource, ModelStart, TrainRequest
    from engine.api.training_config import AugmentConfig, TrainConfig
    from engine.api.training_control import Wish
    from engine.api.training_reports import (
        Ending,
        EpochReport,
        PauseReport,
        Preflight,
        PreparationReport,
        SampleReport,
        StepReport,
        TrainingEnded,
        TrainingStarted,
    )
    from engine.api.validation import Comparison
    from engine.api.values import (
        Label,
        ModelImport,
        ModelInfo,
        PositionScores,
        Prediction,
        ThresholdsForModel,
        TrueBox,
    )
    from engine.data.datasets.labelled import LabelledImages, ObjectBox
    from engine.data.datasets.registry import load_dataset, recognise
    from engine.data.scan import ScanBatch, ScanProblem, scan
    from engine.evaluation.saved_scores import ScoredFile, ScoreRequest, score_saved
    from engine.explain.drawn_maps import DrawingSettings
    from engine.explain.evidence import (
        MapKind,
        attention,
        evidence_map,
        local_probability,
        logits,
        map_of,
        on_photo,
        score_map,
        with_head,
    )
    from engine.explain.explained_photo import ExplainedPhoto
    from engine.explain.explanation import Explanation, HeadTerms, explanation
    from engine.explain.following import following
    from engine.metrics.bootstrap import BootstrapSettings, Interval, Intervals
    from engine.metrics.decisions import LabelMetrics
    from engine.metrics.paired import PairedDifferences, SeedSpread
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
    from engine.metrics.thresholds import Thresholds, ThresholdSettings, best_f1_thresholds
    from engine.records.evaluations import (
        EvaluationRun,
        EvaluationStore,
        EvaluationSummary,
        LabelMark,
    )
    from engine.records.run_comparison import RunComparison, compare_runs
    from engine.report.label_errors import LabelError, label_errors
    from engine.report.numbers import EvaluationReport
    from engine.report.numbers import report as evaluation_report
    from engine.service.local import LocalEngine

#: Of the whole program; what is built takes it from here.
__version__ = "0.2.0"

__all__ = [
    "ApKind",
    "AugmentConfig",
    "BootstrapSettings",
    "Box",
    "Categories",
    "CategoryReport",
    "CheckpointError",
    "Comparison",
    "ConfigError",
    "DataError",
    "DatasetSource",
    "DivergedError",
    "DrawingSettings",
    "Ending",
    "EngineError",
    "EngineStoppedError",
    "EpochReport",
    "EvaluateConfig",
    "EvaluationDone",
    "EvaluationProgress",
    "EvaluationReport",
    "EvaluationRequest",
    "EvaluationRun",
    "EvaluationStore",
    "EvaluationSummary",
    "ExplainedPhoto",
    "Explanation",
    "Fact",
    "FileChangedError",
    "HeadConfig",
    "HeadTerms",
    "HeadTrainConfig",
    "Hits",
    "ImageError",
    "Interval",
    "Intervals",
    "Label",
    "LabelError",
    "LabelMark",
    "LabelMeasure",
    "LabelMetrics",
    "LabelSource",
    "LabelStatus",
    "LabelledImages",
    "LocalEngine",
    "LossSettings",
    "MapKind",
    "MetricReport",
    "MissingFactsError",
    "ModelError",
    "ModelImport",
    "ModelInfo",
    "ModelStart",
    "ObjectBox",
    "PairedDifferences",
    "PauseReport",
    "PositionScores",
    "PredictConfig",
    "Prediction",
    "Preflight",
    "PreparationReport",
    "PreprocessConfig",
    "Protocol",
    "RunComparison",
    "SampleReport",
    "ScanBatch",
    "ScanProblem",
    "ScoreRequest",
    "ScoredFile",
    "SeedSpread",
    "StepReport",
    "TaggingEngine",
    "TaughtCategory",
    "TeachProgress",
    "TeachReport",
    "TeachRequest",
    "ThresholdSettings",
    "Thresholds",
    "ThresholdsForModel",
    "TrainConfig",
    "TrainRequest",
    "TrainingEnded",
    "TrainingStarted",
    "TrueBox",
    "Unfinished",
    "Wish",
    "__version__",
    "attention",
    "average_precision",
    "average_precisions",
    "best_f1_thresholds",
    "compare_runs",
    "consistent_metrics",
    "evaluation_report",
    "evidence_map",
    "explanation",
    "following",
    "label_errors",
    "load_dataset",
    "local_probability",
    "logits",
    "map_of",
    "mean_average_precision",
    "on_photo",
    "paper_metrics",
    "recognise",
    "scan",
    "score_map",
    "score_saved",
    "with_head",
]

#: In which module public names are at home.
_HOMES = {
    "api.categories": "Categories",
    "api.config": (
        "EvaluateConfig HeadConfig HeadTrainConfig LossSettings PredictConfig PreprocessConfig"
    ),
    "api.engine": "TaggingEngine",
    "api.errors": (
        "CheckpointError ConfigError DataError DivergedError EngineError "
        "EngineStoppedError FileChangedError ImageError MissingFactsError ModelError"
    ),
    "api.evaluation": "EvaluationDone EvaluationProgress EvaluationRequest Unfinished",
    "api.facts": "Fact",
    "api.geometry": "Box",
    "api.label_measures": "LabelMeasure LabelStatus",
    "api.teaching": "Hits TaughtCategory TeachProgress TeachReport TeachRequest",
    "api.training": "DatasetSource LabelSource ModelStart TrainRequest",
    "api.training_config": "AugmentConfig TrainConfig",
    "api.training_control": "Wish",
    "api.training_reports": (
        "Ending EpochReport PauseReport Preflight PreparationReport SampleReport "
        "StepReport TrainingEnded TrainingStarted"
    ),
    "api.validation": "Comparison",
    "api.values": (
        "Label ModelImport ModelInfo PositionScores Prediction ThresholdsForModel TrueBox"
    ),
    "data.datasets.labelled": "LabelledImages ObjectBox",
    "data.datasets.registry": "load_dataset recognise",
    "data.scan": "ScanBatch ScanProblem scan",
    "evaluation.saved_scores": "ScoreRequest ScoredFile score_saved",
    "explain.drawn_maps": "DrawingSettings",
    "explain.evidence": (
        "MapKind attention evidence_map local_probability logits map_of on_photo "
        "score_map with_head"
    ),
    "explain.explained_photo": "ExplainedPhoto",
    "explain.explanation": "Explanation HeadTerms explanation",
    "explain.following": "following",
    "metrics.bootstrap": "BootstrapSettings Interval Intervals",
    "metrics.decisions": "LabelMetrics",
    "metrics.paired": "PairedDifferences SeedSpread",
    "metrics.ranking": "ApKind average_precision average_precisions mean_average_precision",
    "metrics.report": "CategoryReport MetricReport Protocol consistent_metrics paper_metrics",
    "metrics.thresholds": "ThresholdSettings Thresholds best_f1_thresholds",
    "records.evaluations": "EvaluationRun EvaluationStore EvaluationSummary LabelMark",
    "records.run_comparison": "RunComparison compare_runs",
    "report.label_errors": "LabelError label_errors",
    "report.numbers": "EvaluationReport",
    "service.local": "LocalEngine",
}
#: Public names that are others at home, where a room is called the same.
_RENAMED = {"evaluation_report": ("report.numbers", "report")}


def _public(name: str) -> object:
    """A public name, imported when it is first used."""
    for home, names in _HOMES.items():
        if name in names.split():
            return _imported(name, home, name)
    if name in _RENAMED:
        return _imported(name, *_RENAMED[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if not TYPE_CHECKING:  # or a name that is not there would be an object
    __getattr__ = _public


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _imported(name: str, home: str, name_at_home: str) -> object:
    value: object = getattr(importlib.import_module(f"{__name__}.{home}"), name_at_home)
    globals()[name] = value  # the next use finds it by itself
    return value
