import json

import numpy as np
import pytest

from engine.api.errors import ConfigError, DataError
from engine.metrics.report import consistent_metrics
from engine.metrics.thresholds import ThresholdSettings, best_f1_thresholds
from tests.engine.metrics.samples import sample

UNSMOOTHED = ThresholdSettings(min_positives=1, pseudo_positives=0)


def f1_at(limit, scores, targets):
    labels = scores >= limit
    return 2 * (labels & targets).sum() / (labels.sum() + targets.sum())


@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.parametrize("seed", range(4))
def test_unsmoothed_thresholds_have_the_best_f1_of_all(seed, decimals):
    scores, targets, ignored = sample(seed, ignored_share=0.2, decimals=decimals)
    result = best_f1_thresholds(scores, targets, ignored, UNSMOOTHED)
    for c, limit in enumerate(result.values):
        counted = ~ignored[:, c]
        column, truth = scores[counted, c], targets[counted, c]
        best = max(f1_at(one, column, truth) for one in column)
        assert f1_at(limit, column, truth) == pytest.approx(best)
    counted = ~ignored
    common = [f1_at(one, scores[counted], targets[counted]) for one in scores[counted]]
    assert f1_at(result.common, scores[counted], targets[counted]) == pytest.approx(max(common))


def test_a_threshold_lies_in_the_middle_of_the_gap():
    scores = np.array([[0.9], [0.8], [0.4], [0.1]])
    targets = np.array([[True], [True], [False], [False]])
    assert best_f1_thresholds(scores, targets, settings=UNSMOOTHED).values == (pytest.approx(0.6),)


def test_between_neighbours_in_float32_the_higher_score_is_the_threshold():
    lower = np.float32(0.75)
    higher = np.nextafter(lower, np.float32(1))
    scores = np.array([[higher], [lower]], dtype=np.float32)
    (limit,) = best_f1_thresholds(scores, np.array([[True], [False]]), settings=UNSMOOTHED).values
    assert (scores >= np.float32(limit)).ravel().tolist() == [True, False]


def test_rare_categories_fall_back_to_the_common_threshold():
    scores, targets, _ = sample(0, num_images=200)
    targets[:, 1] = False
    targets[:3, 1] = True
    targets[:, 2] = False
    result = best_f1_thresholds(scores, targets, settings=ThresholdSettings(min_positives=10))
    assert result.is_fallback == (False, True, True, False)
    assert result.values[1] == result.values[2] == result.common != result.values[0]
    positives = int(targets[:, 0].sum())
    for fewest in (positives, positives + 1):
        settings = ThresholdSettings(min_positives=fewest)
        is_fallback = best_f1_thresholds(scores, targets, settings=settings).is_fallback[0]
        assert is_fallback is (fewest > positives)


def test_smoothing_pulls_towards_the_common_threshold_the_more_the_fewer_positives():
    scores, targets, _ = sample(1, num_images=400)
    scores[:, 0] = scores[:, 0] ** 4

    def distance(pseudo):
        settings = ThresholdSettings(min_positives=1, pseudo_positives=pseudo)
        result = best_f1_thresholds(scores, targets, settings=settings)
        return abs(result.values[0] - result.common)

    assert distance(0) > 0.05
    assert distance(100_000) < 0.02


@pytest.mark.parametrize("decimals", [None, 1])
def test_pseudo_positives_behave_like_those_of_all_categories(decimals):
    scores, targets, _ = sample(6, num_images=40, decimals=decimals)
    settings = ThresholdSettings(min_positives=1, pseudo_positives=8.0)
    result = best_f1_thresholds(scores, targets, settings=settings)
    share = 8.0 / targets.sum()
    for c, limit in enumerate(result.values):

        def smoothed_f1(one, c=c):
            own, everything = scores[:, c] >= one, scores >= one
            correct = (own & targets[:, c]).sum() + share * (everything & targets).sum()
            labels = own.sum() + share * everything.sum()
            return 2 * correct / (labels + targets[:, c].sum() + 8.0)

        best = max(scores[:, c], key=smoothed_f1)
        assert (scores[:, c] >= limit).tolist() == (scores[:, c] >= best).tolist()


def test_tuned_thresholds_beat_one_half_on_scores_that_are_too_low():
    scores, targets, _ = sample(2, num_images=2000)
    low = scores**3
    half, others = slice(0, 1000), slice(1000, 2000)
    limits = best_f1_thresholds(low[half], targets[half]).values
    tuned = consistent_metrics(low[others], targets[others], threshold=limits)
    plain = consistent_metrics(low[others], targets[others])
    assert tuned.labels.macro_f1 > plain.labels.macro_f1 + 0.05


def test_senseless_settings_and_data_without_positives_are_refused():
    scores, targets = np.array([[0.9]]), np.array([[False]])
    with pytest.raises(DataError, match="nothing to learn"):
        best_f1_thresholds(scores, targets)
    with pytest.raises(DataError, match="no images"):
        best_f1_thresholds(scores[:0], targets[:0])
    with pytest.raises(ConfigError, match="at least one positive"):
        ThresholdSettings(min_positives=0)
    with pytest.raises(ConfigError, match="negative"):
        ThresholdSettings(pseudo_positives=-1)


def test_thresholds_become_json():
    result = best_f1_thresholds(*sample(5))
    assert json.loads(json.dumps(result.as_dict()))["is_reached"] == [True] * 4
