import json

import numpy as np
import pytest

from engine.api.errors import ConfigError, DataError
from engine.metrics.bootstrap import (
    BootstrapSettings,
    bootstrap_intervals,
    weighted_average_precision,
)
from engine.metrics.checks import finished, scored
from engine.metrics.ranking import average_precision
from engine.metrics.report import consistent_metrics
from tests.engine.metrics.samples import sample


def intervals(*arrays, **options):
    return finished(bootstrap_intervals(*arrays, **options))


def draws(num_images, settings):
    """The images of each resample, in order, as the generator of that seed draws them."""
    generator = np.random.default_rng(settings.seed)
    return [
        np.sort(generator.integers(0, num_images, num_images)) for _ in range(settings.resamples)
    ]


@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.parametrize("seed", range(4))
def test_counting_copies_equals_resampling_the_arrays(seed, decimals):
    scores, targets, ignored = sample(seed, ignored_share=0.2, decimals=decimals)
    rows = draws(len(scores), BootstrapSettings(resamples=12, seed=seed))
    counts = np.stack([np.bincount(r, minlength=len(scores)) for r in rows], axis=1)
    data = scored(scores, targets, ignored)
    fast = finished(weighted_average_precision(data, counts.astype(np.int32)))
    slow = [average_precision(scores[r], targets[r], ignored[r]) for r in rows]
    np.testing.assert_allclose(fast, slow, atol=1e-12)


def test_intervals_are_the_quantiles_of_explicit_resamples():
    scores, targets, ignored = sample(5, ignored_share=0.1)
    settings = BootstrapSettings(resamples=40, level=0.8, seed=3)
    result = intervals(scores, targets, ignored, settings=settings)
    reports = [
        consistent_metrics(scores[r], targets[r], ignored[r]) for r in draws(len(scores), settings)
    ]
    rows = draws(len(scores), settings)
    means = [average_precision(scores[r], targets[r], ignored[r]).mean() for r in rows]
    for interval, values in (
        (result.mean_average_precision, means),
        (result.class_f1, [report.labels.class_f1 for report in reports]),
        (result.overall_f1, [report.labels.overall_f1 for report in reports]),
    ):
        low, high = np.quantile(values, [0.1, 0.9])
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-12)
    whole = consistent_metrics(scores, targets, ignored)
    assert result.mean_average_precision.value == pytest.approx(whole.mean_average_precision)
    assert result.class_f1.value == pytest.approx(whole.labels.class_f1)
    assert result.overall_f1.value == pytest.approx(whole.labels.overall_f1)


def test_the_seed_decides_and_the_size_of_the_blocks_does_not(monkeypatch):
    arrays = sample(1)
    settings = BootstrapSettings(resamples=30)
    one = intervals(*arrays, settings=settings)
    other_seed = intervals(*arrays, settings=BootstrapSettings(resamples=30, seed=1))
    assert other_seed.mean_average_precision != one.mean_average_precision
    monkeypatch.setattr("engine.metrics.bootstrap._BLOCK_ENTRIES", 400)
    assert intervals(*arrays, settings=settings) == one


def test_more_images_make_narrower_intervals():
    widths = []
    for num_images in (100, 1600):
        interval = intervals(
            *sample(7, num_images=num_images), settings=BootstrapSettings(resamples=200)
        ).mean_average_precision
        assert interval.low < interval.value < interval.high
        widths.append(interval.high - interval.low)
    assert 2 < widths[0] / widths[1] < 8


def test_a_category_without_positives_has_no_interval_and_spoils_none():
    scores, targets, _ = sample(4)
    targets[:, 2] = False
    result = intervals(scores, targets, settings=BootstrapSettings(resamples=20))
    assert np.isnan(result.average_precision[2].low)
    for interval in (result.mean_average_precision, result.class_f1, result.overall_f1):
        assert 0 < interval.low < interval.high
    numbers = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert numbers["AP"][2] == {"value": None, "low": None, "high": None, "level": 0.95}
    assert numbers["resamples"] == 20


def test_a_single_image_and_a_lone_positive_do_not_fail():
    one = intervals(np.array([[0.9]]), np.array([[True]]))
    assert (one.mean_average_precision.low, one.mean_average_precision.high) == (1.0, 1.0)
    targets = np.zeros((8, 1), dtype=bool)
    targets[3] = True
    lone = intervals(np.linspace(0.1, 0.9, 8)[:, None], targets)
    assert 0 < lone.mean_average_precision.low <= lone.mean_average_precision.high <= 1


def test_senseless_settings_and_empty_data_are_refused():
    with pytest.raises(ConfigError, match="2 resamples"):
        BootstrapSettings(resamples=1)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        BootstrapSettings(level=95)
    with pytest.raises(DataError, match="no images"):
        intervals(np.zeros((0, 1)), np.zeros((0, 1), bool))
