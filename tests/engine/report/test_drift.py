from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.records.evaluations import EvaluationRun
from engine.report.drift import drift


@pytest.fixture
def run() -> EvaluationRun:
    targets = np.array([[True, False], [False, True], [True, False]])
    logits = np.array([[2.0, -1.0], [-1.0, 3.0], [1.0, -2.0]], dtype=np.float32)
    return EvaluationRun(
        model={"name": "m"},
        dataset={"name": "d", "kind": "voc2007"},
        settings={},
        date="2026-01-01T00:00:00Z",
        categories=Categories(("cat", "dog")),
        ids=("a", "b", "c"),
        logits=logits,
        targets=targets,
        ignored=np.zeros_like(targets),
    )


def test_a_run_does_not_drift_from_itself(run):
    found = drift(run, run)
    assert (found.before, found.after) == (1.0, 1.0)
    assert (found.largest, found.mean, found.changed) == (0.0, 0.0, 0)


def test_images_are_compared_by_name_and_only_those_that_both_have(run):
    logits = np.array([[0.5, -2.0], [-1.5, -1.0]], dtype=np.float32)
    other = replace(
        run, ids=("c", "a"), logits=logits, targets=run.targets[[2, 0]], ignored=run.ignored[:2]
    )
    found = drift(run, other)
    assert (found.images, found.labels, found.changed) == (2, 4, 1)
    assert found.largest == 3.5
    assert found.mean == pytest.approx((3.5 + 0 + 0.5 + 0) / 4)


def test_a_worse_ranking_costs_precision(run):
    found = drift(run, replace(run, logits=-run.logits))
    assert found.before == 1.0 > found.after


@pytest.mark.parametrize(
    "change", [{"ids": ("x", "y", "z")}, {"categories": Categories(("a", "b"))}]
)
def test_runs_that_share_nothing_are_refused(run, change):
    with pytest.raises(DataError):
        drift(run, replace(run, **change))
