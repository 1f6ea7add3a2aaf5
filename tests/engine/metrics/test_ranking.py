import numpy as np
import pytest

from engine.api.errors import ConfigError, DataError
from engine.metrics.ranking import (
    ApKind,
    average_precision,
    average_precisions,
    mean_average_precision,
)
from tests.engine.metrics.samples import sample
from tests.engine.metrics.slow_truth import (
    area_ap,
    eleven_point_ap,
    interpolated_ap,
    plain_ap,
)

SLOW = {
    ApKind.NON_INTERPOLATED: plain_ap,
    ApKind.TIES_COLLAPSED: area_ap,
    ApKind.INTERPOLATED: interpolated_ap,
    ApKind.ELEVEN_POINT: eleven_point_ap,
}


@pytest.mark.parametrize("kind", list(ApKind))
@pytest.mark.parametrize("seed", range(5))
def test_each_definition_agrees_with_its_slow_form(kind, seed):
    scores, targets, ignored = sample(seed, ignored_share=0.2)
    fast = average_precisions(scores, targets, ignored, (kind,))[kind]
    for c, value in enumerate(fast):
        counted = ~ignored[:, c]
        slow = SLOW[kind](scores[counted, c].tolist(), targets[counted, c].tolist())
        assert value == pytest.approx(slow, abs=1e-12)


@pytest.mark.parametrize("kind", [ApKind.NON_INTERPOLATED, ApKind.TIES_COLLAPSED])
@pytest.mark.parametrize("seed", range(5))
def test_with_ties_the_definitions_still_agree_with_their_slow_forms(kind, seed):
    scores, targets, _ = sample(seed, decimals=1)
    fast = average_precisions(scores, targets, None, (kind,))[kind]
    slow = [SLOW[kind](s.tolist(), t.tolist()) for s, t in zip(scores.T, targets.T, strict=True)]
    np.testing.assert_allclose(fast, slow, atol=1e-12)


def test_four_definitions_by_hand():
    scores = np.array([[0.9], [0.8], [0.7], [0.6], [0.5]])
    targets = np.array([[False], [True], [True], [False], [True]])
    result = {k: v[0] for k, v in average_precisions(scores, targets).items()}
    assert result[ApKind.NON_INTERPOLATED] == pytest.approx((1 / 2 + 2 / 3 + 3 / 5) / 3)
    assert result[ApKind.TIES_COLLAPSED] == pytest.approx((1 / 2 + 2 / 3 + 3 / 5) / 3)
    assert result[ApKind.INTERPOLATED] == pytest.approx((2 / 3 + 2 / 3 + 3 / 5) / 3)
    # Recall 1/3 and 2/3 reach 0 … 0.6, recall 1 the other four.
    assert result[ApKind.ELEVEN_POINT] == pytest.approx((7 * 2 / 3 + 4 * 3 / 5) / 11)


@pytest.mark.parametrize("positives_first", [True, False])
def test_all_scores_equal_means_array_order_or_the_share_of_positives(positives_first):
    targets = np.array([True] * 2 + [False] * 8)[:: 1 if positives_first else -1, None]
    result = average_precisions(np.full((10, 1), 0.5), targets)
    by_order = 1.0 if positives_first else (1 / 9 + 2 / 10) / 2
    assert result[ApKind.NON_INTERPOLATED][0] == pytest.approx(by_order)
    assert result[ApKind.TIES_COLLAPSED][0] == pytest.approx(0.2)


@pytest.mark.parametrize("seed", range(5))
def test_collapsed_ties_do_not_depend_on_the_order_of_the_images(seed):
    scores, targets, _ = sample(seed, decimals=1)
    order = np.random.default_rng(seed).permutation(len(scores))
    kind = (ApKind.TIES_COLLAPSED,)
    one = average_precisions(scores, targets, None, kind)[kind[0]]
    other = average_precisions(scores[order], targets[order], None, kind)[kind[0]]
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("seed", range(5))
def test_a_rising_function_of_the_scores_changes_nothing(seed):
    scores, targets, ignored = sample(seed, ignored_share=0.1)
    for kind, values in average_precisions(scores, targets, ignored).items():
        changed = average_precisions(np.log(scores) * 7 - 3, targets, ignored)[kind]
        np.testing.assert_array_equal(values, changed)


@pytest.mark.parametrize("seed", range(5))
def test_interpolation_never_lowers_average_precision(seed):
    result = average_precisions(*sample(seed))
    raw, smooth = result[ApKind.NON_INTERPOLATED], result[ApKind.INTERPOLATED]
    assert (smooth >= raw).all() and (smooth > raw).any()


def test_ignored_entries_change_nothing_whatever_their_score():
    scores, targets, ignored = sample(1, ignored_share=0.3)
    changed = np.where(ignored, 1.0 - scores, scores)
    np.testing.assert_array_equal(
        average_precision(scores, targets, ignored), average_precision(changed, targets, ignored)
    )


def test_without_positives_average_precision_is_undefined_and_left_out():
    scores = np.array([[0.9, 0.1], [0.1, 0.2]])
    targets = np.array([[True, False], [False, False]])
    for values in average_precisions(scores, targets).values():
        assert np.isnan(values).tolist() == [False, True]
    assert mean_average_precision(scores, targets) == 1.0
    assert np.isnan(mean_average_precision(scores, np.zeros_like(targets)))
    assert np.isnan(average_precision(np.zeros((0, 2)), np.zeros((0, 2), dtype=bool))).all()


def test_where_unknown_labels_leave_no_negatives_average_precision_says_nothing():
    scores = np.array([[0.9, 0.9, 0.9], [0.1, 0.8, 0.8], [0.2, 0.7, 0.7]])
    targets = np.array([[True, True, False], [True, True, True], [False, False, False]])
    ignored = np.array([[False, False, False], [False, False, False], [False, True, True]])
    for values in average_precisions(scores, targets, ignored).values():
        assert np.isnan(values).tolist() == [False, True, False]
    assert mean_average_precision(scores, targets, ignored) == pytest.approx((5 / 6 + 1 / 2) / 2)
    everywhere = np.ones((3, 1), dtype=bool)  # nobody doubts it: as the official evaluation
    assert average_precision(scores[:, :1], everywhere).tolist() == [1.0]


def test_a_score_that_is_not_a_number_is_refused():
    scores = np.array([[0.5, np.nan], [0.1, 0.2]])
    with pytest.raises(DataError, match="1 images are not numbers"):
        average_precision(scores, np.ones((2, 2), dtype=bool))


@pytest.mark.parametrize(
    ("scores", "targets", "ignored", "message"),
    [
        (np.zeros(3), np.zeros(3, bool), None, r"\(images, categories\)"),
        (np.zeros((3, 2)), np.zeros((2, 3), bool), None, "targets have the shape"),
        (np.zeros((3, 2)), np.zeros((3, 2), bool), np.zeros((3, 1), bool), "ignored entries"),
        (np.zeros((3, 2)), np.zeros((3, 2), int), None, "not booleans"),
        (np.zeros((3, 2), int), np.zeros((3, 2), bool), None, "not floating-point"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(scores, targets, ignored, message):
    with pytest.raises(ConfigError, match=message):
        average_precision(scores, targets, ignored)
