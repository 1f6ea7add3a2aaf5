"""Numbers of the evaluation window and the images behind them; no window is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from csra_gui.evaluation.analysis import Analysis, analyse, label_table, with_threshold
from csra_gui.evaluation.cases import (
    Outcome,
    PairKind,
    outcome_cases,
    overall_cases,
    pair_cases,
    score_cases,
)
from csra_gui.session.decided_labels import decided_run
from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.library.columns import VERDICT_CODES, Columns
from engine.library.values import Verdict
from engine.records.evaluations import EvaluationRun, EvaluationStore, now
from engine.report.label_errors import label_errors
from tests.fakes import fake_model

HALF = np.full(3, 0.5)


def run_of(logits: list[list[float]], targets: list[list[int]]) -> EvaluationRun:
    truth = np.array(targets)
    return EvaluationRun(
        model={"name": "m"},
        dataset={"name": "d"},
        settings={},
        date=now(),
        categories=Categories(("cat", "dog", "cow")),
        ids=tuple("abcdefgh"[: len(logits)]),
        logits=np.array(logits, dtype=np.float32),
        targets=truth == 1,
        ignored=truth < 0,
    )


@pytest.fixture
def analysis(tmp_path: Path) -> Analysis:
    """Five images; the dog of the last one is ignored."""
    run = run_of(
        [[3, -1, 0], [1, 2, -4], [-2, 1, -1], [-5, 3, 2], [2, 4, -3]],
        [[1, 0, 1], [0, 1, 0], [1, 1, 0], [1, 0, 0], [0, -1, 0]],
    )
    *_, found = analyse(EvaluationStore(tmp_path).save(run))
    assert found is not None
    return found


def test_a_table_counts_every_label_once_and_no_ignored_one(analysis: Analysis) -> None:
    table = label_table(analysis, HALF)
    assert table.right.tolist() == [1, 2, 1]
    assert table.wrong.tolist() == [2, 1, 1]
    assert table.missed.tolist() == [2, 0, 0]
    assert table.absent.tolist() == [0, 1, 3]
    assert table.precision[0] == pytest.approx(1 / 3)
    assert table.recall[0] == pytest.approx(1 / 3)


def test_at_one_half_it_says_what_the_printed_numbers_say(analysis: Analysis) -> None:
    table = label_table(analysis, HALF)
    for place, category in enumerate(analysis.report.paper.categories):
        assert table.f1[place] == pytest.approx(category.f1)
        assert table.right[place] + table.missed[place] == category.positives


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_another_threshold_of_one_category_is_as_if_all_were_counted_anew(
    analysis: Analysis, threshold: float
) -> None:
    changed = with_threshold(analysis, label_table(analysis, HALF), 1, threshold)
    whole = label_table(analysis, np.array([0.5, threshold, 0.5]))
    for name in ("thresholds", "right", "wrong", "missed", "absent"):
        assert getattr(changed, name).tolist() == getattr(whole, name).tolist()


@pytest.mark.parametrize(
    ("outcome", "samples"),
    [
        (Outcome.RIGHT, "a"),
        (Outcome.WRONG, "eb"),
        (Outcome.MISSED, "dc"),
        (Outcome.ABSENT, ""),
        (Outcome.POSITIVE, "acd"),
        (Outcome.GIVEN, "aeb"),
    ],
)
def test_images_of_an_outcome_come_with_the_surest_first(
    analysis: Analysis, outcome: Outcome, samples: str
) -> None:
    cases = outcome_cases(analysis, HALF, 0, outcome)
    assert cases.samples == tuple(samples)
    assert cases.category == "cat"


def test_images_behind_a_mean_have_such_a_label_of_any_category(analysis: Analysis) -> None:
    assert overall_cases(analysis, HALF, Outcome.WRONG).samples == ("d", "e", "b")
    assert overall_cases(analysis, HALF, Outcome.MISSED).samples == ("d", "c")


def test_images_of_a_pair_are_those_that_the_matrix_counts(analysis: Analysis) -> None:
    pairs = analysis.report.co_occurrence
    counts = {
        PairKind.CONFUSED: pairs.wrong_given_true,
        PairKind.TRUE: pairs.true_true,
        PairKind.GIVEN: pairs.predicted_predicted,
    }
    for kind, matrix in counts.items():
        for row, column in np.ndindex(3, 3):
            found = pair_cases(analysis, HALF, kind, row, column)
            assert len(found.samples) == matrix[row, column], (kind, row, column)
    assert pair_cases(analysis, HALF, PairKind.CONFUSED, 0, 1).samples == ("d",)


def test_images_of_a_range_of_scores(analysis: Analysis) -> None:
    assert score_cases(analysis, 0, 0.7, 1.0, None).samples == ("a", "e", "b")
    assert score_cases(analysis, 0, 0.7, 1.0, True).samples == ("a",)
    assert score_cases(analysis, 1, 0.9, 1.0, None).samples == ("d",)
    spread = analysis.distribution
    assert spread.counts.sum() == analysis.counted.sum()
    assert spread.histogram[0].sum() == analysis.positives.sum()


def test_label_errors_are_those_that_the_model_contradicts_most(
    analysis: Analysis,
) -> None:
    found = label_errors(analysis.run, limit=2)
    assert [
        (label_error.sample, label_error.name, label_error.is_label) for label_error in found
    ] == [
        ("d", "cat", True),
        ("d", "dog", False),
    ]
    assert len(label_errors(analysis.run)) == 6


def test_a_large_run_shows_its_numbers_before_its_intervals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("csra_gui.evaluation.analysis._FEW_SCORES", 3)
    folder = EvaluationStore(tmp_path).save(
        run_of([[1, 2, -1], [-1, 1, 2]], [[1, 0, 0], [0, 1, 1]])
    )
    values = list(analyse(folder))
    first, last = [value for value in values if value is not None]
    assert (first.has_intervals, last.has_intervals) == (False, True)
    assert values.count(None) > 7  # moments at which the work can be given up
    assert last.report.intervals.resamples == 1000
    assert last.report.paper is first.report.paper


def columns(verdicts: list[list[int]], scores: list[list[float]]) -> Columns:
    number = len(verdicts)
    return Columns(
        image_ids=np.arange(number),
        names=tuple(f"{row}.jpg" for row in range(number)),
        folders=("/photos/one", "/photos/two"),
        folder_of=np.arange(number) % 2,
        mtimes_ns=np.zeros(number, dtype=np.int64),
        reviewed=np.zeros(number, dtype=bool),
        failed=np.zeros(number, dtype=bool),
        categories=Categories(("cat", "dog", "own")),
        model_categories=2,
        scores=np.array(scores, dtype=np.float16),
        verdicts=np.array(verdicts, dtype=np.uint8),
    )


def test_decisions_count_and_what_nobody_decided_on_is_ignored() -> None:
    accepted, rejected, added = (
        VERDICT_CODES[verdict] for verdict in (Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ADDED)
    )
    nan = float("nan")
    run, root = decided_run(
        columns(
            [[accepted, 0, 0], [rejected, 0, 0], [added, 0, added], [0, 0, 0], [accepted, 0, 0]],
            [[0.9, 0.1], [1.0, 0.2], [0.0, 0.3], [0.9, 0.9], [nan, nan]],
        ),
        fake_model("m", None, Categories(("cat", "dog"))),
    )
    assert root == Path("/photos")
    assert run.ids == ("one/0.jpg", "two/1.jpg", "one/2.jpg")
    assert list(run.categories) == ["cat"]
    assert run.targets[:, 0].tolist() == [True, False, True]
    assert not run.ignored.any()
    assert np.isfinite(run.logits).all()
    assert run.logits[0, 0] == pytest.approx(np.log(0.9 / 0.1), abs=0.01)


def test_only_what_is_complete_counts_as_absent_where_nothing_was_said() -> None:
    imported, rejected = VERDICT_CODES[Verdict.IMPORTED], VERDICT_CODES[Verdict.REJECTED]
    table = columns(
        [[0, 0, 0], [imported, 0, 0], [0, imported, 0], [rejected, 0, 0]],
        [[0.9, 0.1], [0.8, 0.2], [0.1, 0.3], [0.2, 0.2]],
    )
    model = fake_model("m", None, Categories(("cat", "dog")))
    unknown, _ = decided_run(table, model)
    assert len(unknown.ids) == 3
    assert unknown.ignored.tolist() == [[False, True], [True, False], [False, True]]
    run, _ = decided_run(table, model, ("cat",))
    assert len(run.ids) == 4
    assert run.targets.tolist() == [[False, False], [True, False], [False, True], [False, False]]
    assert run.ignored.tolist() == [[False, True], [False, True], [False, False], [False, True]]


def test_without_decisions_there_is_nothing_to_measure() -> None:
    model = fake_model("m", None, Categories(("cat", "dog")))
    with pytest.raises(DataError, match="not accepted"):
        decided_run(columns([[0, 0, 1]], [[0.9, 0.1]]), model)
