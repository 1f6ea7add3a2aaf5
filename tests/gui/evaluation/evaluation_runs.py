"""Kept runs for tests of the window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.records.evaluations import EvaluationRun, EvaluationStore


def keep_altered(run: EvaluationRun) -> Path:
    """Keep a run in which one right label has become wrong."""
    right = (run.logits >= 0) == run.targets
    row, column = (int(place[0]) for place in right.nonzero())
    logits = run.logits.copy()
    logits[row, column] *= -1
    store = EvaluationStore()
    return store.save(replace(run, logits=logits), store.images(store.paths()[-1]))
