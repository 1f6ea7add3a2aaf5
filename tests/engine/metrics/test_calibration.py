import json
from functools import partial

import numpy as np
import pytest

from engine.api.calibration import LogitScaling
from engine.api.errors import ConfigError, DataError
from engine.metrics.calibration import calibration_report, reliability_bins
from engine.metrics.ranking import average_precision
from engine.metrics.scaling import fit_calibration
from tests.engine.metrics.samples import sample

#: Around a prior that changes nothing.
fit_scaling = partial(fit_calibration, strength=1.0, centre=(1.0, 0.0))


def honest(seed, num_images, slope=1.0, offset=0.0):
    """Logits whose true scores are sigmoid(slope · logit + offset)."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2.0, size=(num_images, 2))
    chance = 1.0 / (1.0 + np.exp(-(slope * logits + offset)))
    return logits, generator.random(logits.shape) < chance


def test_calibration_errors_by_hand():
    scores = np.array([[0.1], [0.2], [0.6], [0.9]])
    targets = np.array([[False], [True], [True], [True]])
    report = calibration_report(scores, targets, num_bins=2)
    assert report.brier == pytest.approx((0.01 + 0.64 + 0.16 + 0.01) / 4)
    low, high = report.bins
    assert (low.count, low.mean_score, low.frequency) == (2, pytest.approx(0.15), 0.5)
    assert (high.count, high.mean_score, high.frequency) == (2, pytest.approx(0.75), 1.0)
    assert report.ece_equal_width == pytest.approx((0.35 + 0.25) / 2)
    assert report.ece_equal_mass == pytest.approx((0.35 + 0.25) / 2)


def test_bins_of_equal_mass_follow_the_scores_and_bins_of_equal_width_may_be_empty():
    scores = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 1.0])
    targets = np.zeros(6, dtype=bool)
    width = reliability_bins(scores, targets, 3)
    assert [one.count for one in width] == [5, 0, 1]
    assert np.isnan(width[1].mean_score)
    mass = reliability_bins(scores, targets, 3, equal_mass=True)
    assert [(one.low, one.high, one.count) for one in mass] == [
        (0.01, 0.02, 2),
        (0.03, 0.04, 2),
        (0.05, 1.0, 2),
    ]
    assert len(reliability_bins(scores[:2], targets[:2], 3, equal_mass=True)) == 2


def test_ignored_entries_do_not_count_in_calibration():
    scores, targets, ignored = sample(0, ignored_share=0.4)
    changed = np.where(ignored, 1.0 - scores, scores)
    assert calibration_report(changed, targets, ignored) == calibration_report(
        scores, targets, ignored
    )
    nothing = calibration_report(scores, np.zeros_like(targets), np.ones_like(targets))
    assert np.isnan(nothing.brier) and np.isnan(nothing.ece_equal_mass)
    json.dumps(nothing.as_dict(), allow_nan=False)


def test_scores_drawn_from_their_own_chance_are_nearly_perfect_and_logits_are_refused():
    logits, targets = honest(0, 20_000)
    scores = 1.0 / (1.0 + np.exp(-logits))
    report = calibration_report(scores, targets)
    assert report.ece_equal_width < 0.02 and max(report.ece_by_category) < 0.03
    assert calibration_report(scores**3, targets).ece_equal_mass > 0.1
    with pytest.raises(ConfigError, match="not on logits"):
        calibration_report(logits, targets)
    with pytest.raises(ConfigError, match="at least one bin"):
        calibration_report(scores, targets, num_bins=0)
    with pytest.raises(DataError, match="no images"):
        calibration_report(scores[:0], targets[:0])


def test_scaling_finds_the_slope_and_offset_that_the_data_were_made_with():
    logits, targets = honest(1, 40_000, slope=0.5, offset=-1.0)
    scaling = fit_scaling(logits, targets)
    assert scaling.slopes == pytest.approx((0.5, 0.5), abs=0.03)
    assert scaling.offsets == pytest.approx((-1.0, -1.0), abs=0.05)
    before = calibration_report(1.0 / (1.0 + np.exp(-logits)), targets)
    after = calibration_report(scaling.scores(logits), targets)
    assert after.ece_equal_width < 0.02 < before.ece_equal_width
    assert after.brier < before.brier


def test_the_fit_is_where_the_gradient_of_the_regularised_loss_is_zero():
    logits, targets = honest(2, 50)
    scaling = fit_scaling(logits, targets, strength=2.0)
    for c, (a, b) in enumerate(zip(scaling.slopes, scaling.offsets, strict=True)):
        error = 1.0 / (1.0 + np.exp(-(a * logits[:, c] + b))) - targets[:, c]
        assert error @ logits[:, c] + 2.0 * (a - 1.0) == pytest.approx(0.0, abs=1e-6)
        assert error.sum() + 2.0 * b == pytest.approx(0.0, abs=1e-6)


def test_perfect_separation_and_huge_logits_stay_finite():
    logits = np.array([[-1000.0], [-5.0], [5.0], [1000.0]])
    scaling = fit_scaling(logits, logits > 0)
    assert 0 < scaling.slopes[0] < 100 and abs(scaling.offsets[0]) < 100
    assert np.isfinite(scaling.scores(logits)).all()


def test_a_category_that_ranks_backwards_keeps_a_positive_slope_and_gets_its_frequency():
    logits, targets = honest(3, 5000, slope=-2.0)
    scaling = fit_scaling(logits, targets)
    assert min(scaling.slopes) > 0
    np.testing.assert_allclose(scaling.scores(logits).mean(0), targets.mean(0), atol=0.01)
    np.testing.assert_array_equal(
        average_precision(logits, targets),
        average_precision(logits * scaling.slopes + scaling.offsets, targets),
    )


def test_a_category_of_which_nothing_is_known_stays_as_it_is():
    logits, targets = honest(4, 30)
    ignored = np.zeros_like(targets)
    ignored[:, 1] = True
    scaling = fit_scaling(logits, targets & ~ignored, ignored)
    assert (scaling.slopes[1], scaling.offsets[1]) == (1.0, 0.0)
    assert json.loads(json.dumps(scaling.as_dict()))["slopes"][1] == 1.0


def test_senseless_scalings_are_refused():
    with pytest.raises(ConfigError, match="one offset for each slope"):
        LogitScaling((1.0,), (0.0, 0.0))
    with pytest.raises(ConfigError, match="positive"):
        LogitScaling((-1.0,), (0.0,))
    with pytest.raises(ConfigError, match="for 1 categories"):
        LogitScaling((1.0,), (0.0,)).scores(np.zeros((3, 2)))
    with pytest.raises(ConfigError, match="finite"):
        fit_scaling(np.array([[np.inf]]), np.array([[True]]))
    with pytest.raises(ConfigError, match="strength"):
        fit_scaling(np.zeros((1, 1)), np.array([[True]]), strength=0.0)
