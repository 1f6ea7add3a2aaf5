"""Kept runs for tests of the window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.records.run_notes import place_of, remember_place
from engine.records.runs import EvaluationRun, list_runs, runs_folder, save_run


def keep_altered(run: EvaluationRun) -> Path:
    """Keep a run in which one right label has become wrong."""
    right = (run.logits >= 0) == run.targets
    row, column = (int(place[0]) for place in right.nonzero())
    logits = run.logits.copy()
    logits[row, column] *= -1
    place = place_of(list_runs(runs_folder())[0])
    folder = save_run(replace(run, logits=logits), runs_folder())
    if place is not None:
        remember_place(folder, place)
    return folder
