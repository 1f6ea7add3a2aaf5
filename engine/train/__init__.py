"""Training: long work as a generator of reports."""

from engine.train.heads import FeatureSet, head_logits, set_statistics, train_heads
from engine.train.reports import EpochReport, StepReport

__all__ = [
    "EpochReport",
    "FeatureSet",
    "StepReport",
    "head_logits",
    "set_statistics",
    "train_heads",
]
