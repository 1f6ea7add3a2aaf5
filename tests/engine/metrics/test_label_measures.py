"""What is said of each label of a model, from labelled images."""

import numpy as np
import pytest

from engine.api.errors import ConfigError
from engine.api.label_measures import (
    UNMEASURED,
    Estimate,
    LabelMeasure,
    LabelStatus,
    statuses,
)
from engine.metrics.bootstrap import BootstrapSettings
from engine.metrics.label_measures import label_measures, wilson
from engine.metrics.ranking import average_precision

FEW = BootstrapSettings(resamples=50)


def images_with(counts, num_images=120):
    """Scores (N, C) and targets with so many positives per category."""
    rng = np.random.default_rng(3)
    targets = np.zeros((num_images, len(counts)), dtype=np.bool_)
    for place, count in enumerate(counts):
        targets[rng.choice(num_images, count, replace=False), place] = True
    scores = np.clip(rng.normal(np.where(targets, 0.7, 0.3), 0.2), 0, 1)
    return scores, targets


def test_the_status_follows_from_the_images_that_have_the_label():
    scores, targets = images_with((20, 19, 5, 4, 0))
    measures = label_measures(scores, targets, None, 0.5, FEW)
    assert [m.positives for m in measures] == [20, 19, 5, 4, 0]
    assert [m.status for m in measures] == [
        LabelStatus.MEASURED,
        LabelStatus.LIMITED,
        LabelStatus.LIMITED,
        LabelStatus.UNMEASURED,
        LabelStatus.UNMEASURED,
    ]
    assert statuses(measures) == {"measured": 1, "limited": 2, "unmeasured": 2}
    assert measures[4] == UNMEASURED
    assert measures[3].average_precision is None


def test_a_label_that_no_image_is_known_to_lack_has_no_average_precision():
    scores, targets = images_with((30, 40))
    ignored = np.zeros_like(targets)
    ignored[:, 1] = ~targets[:, 1]
    first, second = label_measures(scores, targets, ignored, 0.5, FEW)
    assert first.average_precision is not None
    assert (second.average_precision, second.positives) == (None, 40)
    assert second.recall is not None


def test_figures_are_those_of_the_labels_at_their_thresholds():
    scores, targets = images_with((30, 40))
    ignored = np.zeros_like(targets)
    ignored[:20] = True
    thresholds = np.array([0.4, 0.6])
    measures = label_measures(scores, targets, ignored, thresholds, FEW)
    for place, measure in enumerate(measures):
        given = (scores[20:, place] >= thresholds[place]).astype(bool)
        truth = targets[20:, place]
        assert measure.positives == truth.sum()
        assert measure.precision.value == pytest.approx((given & truth).sum() / given.sum())
        assert measure.recall.value == pytest.approx((given & truth).sum() / truth.sum())
        own = average_precision(scores[20:, place : place + 1], truth[:, None])[0]
        assert measure.average_precision.value == pytest.approx(own)
        assert measure.average_precision.low < own < measure.average_precision.high


def test_intervals_of_shares_are_wilsons_also_at_the_ends():
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for hits, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = wilson(hits, of)
        assert (found.low, found.high) == (
            pytest.approx(low, abs=5e-5),
            pytest.approx(high, abs=5e-5),
        )
    assert wilson(7, 7).high == 1.0
    assert wilson(0, 0) is None


def test_a_label_that_is_never_given_has_no_precision():
    scores, targets = images_with((25,))
    (measure,) = label_measures(scores, targets, None, 2.0, FEW)
    assert measure.precision is None
    assert measure.recall.value == 0.0


@pytest.mark.parametrize("numbers", [(0.5, 0.6, 0.7), (1.2, 0.1, 1.2), (float("nan"), 0, 1)])
def test_a_share_outside_its_interval_is_refused(numbers):
    with pytest.raises(ConfigError):
        Estimate(*numbers)


def test_measures_survive_json():
    measure = LabelMeasure(31, Estimate(0.91234567, 0.85, 0.95), None, Estimate(0.5, 0.4, 0.6))
    assert LabelMeasure.from_dict(measure.as_dict()) == LabelMeasure(
        31, Estimate(0.9123, 0.85, 0.95), None, Estimate(0.5, 0.4, 0.6)
    )
    for wrong in ({"positives": True}, {"positives": -1}, {"positives": 3, "recall": [1]}):
        with pytest.raises((TypeError, ValueError)):
            LabelMeasure.from_dict(wrong)
