import json
import math

import numpy as np
import pytest

from engine.api.errors import ConfigError
from engine.metrics import paired
from engine.metrics.bootstrap import BootstrapSettings
from engine.metrics.checks import finished
from engine.metrics.paired import (
    holm,
    paired_differences,
    seed_spread,
    student_quantile,
    welch_interval,
)
from tests.engine.metrics.samples import sample
from tests.engine.metrics.slow_truth import plain_ap


def differences(before, after, targets, ignored=None, **settings):
    resample = BootstrapSettings(**settings)
    return finished(paired_differences(before, after, targets, ignored, resample))


def shaken(scores, seed=9, by=0.1):
    return scores + np.random.default_rng(seed).normal(size=scores.shape) * by


def two_models(seed, gap, num_images=400, shares=(0.02, 0.05, 0.1, 0.3)):
    """Two models that err on the same images, the second better by a gap; and the truth."""
    rng = np.random.default_rng(seed)
    targets = rng.random((num_images, len(shares))) < shares
    hard = rng.normal(size=targets.shape)
    before = hard + 0.7 * rng.normal(size=targets.shape) + 2.0 * targets
    after = hard + 0.7 * rng.normal(size=targets.shape) + (2.0 + gap) * targets
    return before, after, targets


def mean_ap(scores, targets, ignored):
    """By loops, over the categories that have positives here."""
    precisions = []
    for category in range(scores.shape[1]):
        rows = np.flatnonzero(~ignored[:, category])
        precisions.append(plain_ap(scores[rows, category], targets[rows, category]))
    return precisions


def test_intervals_are_those_of_drawing_the_same_images_for_both_by_hand():
    before, targets, ignored = sample(3, ignored_share=0.1)
    after = shaken(before)
    found = differences([before], [after], targets, ignored, resamples=40, level=0.8, seed=5)
    generator = np.random.default_rng(5)
    rows = [np.sort(generator.integers(0, len(before), len(before))) for _ in range(40)]
    arrays = [(targets[r], ignored[r]) for r in rows]
    old = np.array([mean_ap(before[r], *a) for r, a in zip(rows, arrays, strict=True)])
    new = np.array([mean_ap(after[r], *a) for r, a in zip(rows, arrays, strict=True)])
    by = new - old
    wanted = np.quantile(by.mean(axis=1), [0.1, 0.9])
    assert (found.mean.low, found.mean.high) == pytest.approx(tuple(wanted), abs=1e-12)
    whole = np.subtract(mean_ap(after, targets, ignored), mean_ap(before, targets, ignored))
    assert found.mean.value == pytest.approx(whole.mean(), abs=1e-12)
    for category, interval in enumerate(found.by_category):
        ends = np.quantile(by[:, category], [0.1, 0.9])
        assert (interval.low, interval.high) == pytest.approx(tuple(ends), abs=1e-12)
        assert interval.value == pytest.approx(whole[category], abs=1e-12)
    numbers = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert numbers["correction"] == "Holm" and len(numbers["AP"]) == 4


def test_p_values_are_those_of_the_bootstrap_standard_error(monkeypatch):
    before, targets, ignored = sample(3)
    after = shaken(before)
    monkeypatch.setattr(paired, "FEWEST_POSITIVES", 1)
    found = differences([before], [after], targets, ignored, resamples=30, seed=1)
    generator = np.random.default_rng(1)
    rows = [np.sort(generator.integers(0, len(before), len(before))) for _ in range(30)]
    none = np.zeros_like(targets)
    by = np.array(
        [
            np.subtract(mean_ap(after[r], targets[r], none), mean_ap(before[r], targets[r], none))
            for r in rows
        ]
    )
    for category, interval in enumerate(found.by_category):
        z = abs(interval.value) / by[:, category].std(ddof=1)
        assert found.p_values[category] == pytest.approx(math.erfc(z / math.sqrt(2)), abs=1e-9)


def test_pairing_sees_what_two_separate_intervals_do_not():
    before, after, targets = two_models(0, gap=0.5, num_images=800)
    found = differences([before], [after], targets, resamples=200)
    assert found.is_told and found.mean.low > 0
    assert found.differs[3] and found.adjusted[3] >= found.p_values[3]


def test_a_model_does_not_differ_from_itself():
    scores, targets, ignored = sample(1, num_images=200)
    found = differences([scores], [scores], targets, ignored, resamples=50)
    assert (found.mean.low, found.mean.value, found.mean.high) == (0.0, 0.0, 0.0)
    assert not found.is_told and not found.differs.any()
    assert (found.adjusted == 1.0).all()


def test_categories_with_few_positives_are_not_tested():
    before, after, targets = two_models(0, gap=0.5, num_images=300)
    targets[:, 0] = False
    targets[:3, 0] = True
    found = differences([before], [after], targets, resamples=20)
    assert np.isnan(found.adjusted[0]) and not found.differs[0]
    assert not np.isnan(found.by_category[0].low)
    targets[:, 0] = False
    assert np.isnan(differences([before], [after], targets, resamples=20).by_category[0].value)


def test_several_runs_of_a_side_are_averaged():
    scores, targets, ignored = sample(2)
    seeds = [shaken(scores, seed) for seed in range(3)]
    after = shaken(scores, 7, 0.3)
    together = differences(seeds, [after], targets, ignored, resamples=30)
    single = [differences([one], [after], targets, ignored, resamples=30) for one in seeds]
    mean = np.mean([one.mean.value for one in single])
    assert together.mean.value == pytest.approx(mean, abs=1e-12)
    with pytest.raises(ConfigError, match="both sides"):
        differences([], [after], targets)


def test_holm_is_the_step_down_method():
    # Worked by hand: 4 · 0.01, 3 · 0.02, then never below what came before.
    found = holm(np.array([0.02, 0.01, 0.03, np.nan, 0.9]))
    np.testing.assert_allclose(found, [0.06, 0.04, 0.06, np.nan, 0.9], atol=1e-15)
    assert holm(np.array([0.6, 0.7]))[0] == 1.0


@pytest.mark.parametrize(
    ("probability", "freedom", "value"),
    # From printed tables of Student's t.
    [
        (0.975, 1, 12.7062),
        (0.975, 2, 4.30265),
        (0.975, 4, 2.77645),
        (0.95, 10, 1.81246),
        (0.995, 30, 2.75000),
        (0.975, 1e6, 1.959966),
    ],
)
def test_quantiles_of_students_distribution(probability, freedom, value):
    assert student_quantile(probability, freedom) == pytest.approx(value, rel=3e-6)


def test_seeds_have_a_mean_a_deviation_and_an_interval_of_their_own():
    before, after = seed_spread([0.70, 0.72, 0.74]), seed_spread([0.75, 0.77, 0.79])
    assert (before.mean, before.count) == (pytest.approx(0.72), 3)
    assert before.deviation == pytest.approx(0.02)
    # Equal spreads: 4 degrees of freedom, standard error 0.02 · √(2/3).
    interval = welch_interval(before, after)
    half = 2.776445 * 0.02 * math.sqrt(2 / 3)
    assert (interval.low, interval.high) == pytest.approx((0.05 - half, 0.05 + half), abs=1e-6)
    alone = seed_spread([0.7])
    assert math.isnan(alone.deviation) and math.isnan(welch_interval(alone, after).low)


@pytest.mark.slow
def test_the_interval_holds_the_truth_as_often_as_it_says():
    trials, gap = 400, 0.25
    worlds = [two_models(10_000 + i, gap) for i in range(2000)]
    none = np.zeros_like(worlds[0][2])
    truth = np.mean(
        [
            np.subtract(paired.average_precision(b, t, none), paired.average_precision(a, t, none))
            for a, b, t in worlds
            if t.any(axis=0).all()
        ],
        axis=0,
    )
    held, wrong, tested = 0, 0, 0
    for trial in range(trials):
        before, after, targets = two_models(trial, gap)
        found = differences([before], [after], targets, resamples=300, seed=trial)
        held += found.mean.low <= truth.mean() <= found.mean.high
        before, after, targets = two_models(trial, 0.0)
        same = differences([before], [after], targets, resamples=300, seed=trial)
        wrong += bool(same.differs.any())
        tested += not np.isnan(same.adjusted).all()
    assert tested == trials
    # 95 % promised; three standard errors of 400 trials are 3.3 points.
    assert 0.917 <= held / trials <= 0.983
    # At most 5 % of comparisons find a category where there is none.
    assert wrong / trials <= 0.083
