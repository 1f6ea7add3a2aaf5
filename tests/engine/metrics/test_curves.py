import json

import numpy as np
import pytest

from engine.api.errors import ConfigError
from engine.metrics.curves import precision_recall_curves
from tests.engine.metrics.samples import sample
from tests.engine.metrics.slow_truth import points


@pytest.mark.parametrize("decimals", [None, 1])
def test_a_curve_has_one_point_for_each_distinct_score(decimals):
    scores, targets, ignored = sample(0, ignored_share=0.2, decimals=decimals)
    for c, curve in enumerate(precision_recall_curves(scores, targets, ignored)):
        counted = ~ignored[:, c]
        slow = points(scores[counted, c].tolist(), targets[counted, c].tolist())
        fast = np.stack([curve.thresholds, curve.recall, curve.precision], axis=1)
        np.testing.assert_allclose(fast, slow, atol=1e-12)
        assert curve.positives == targets[:, c].sum()


def test_categories_without_positives_have_no_curve():
    scores = np.array([[0.9, 0.1]])
    targets = np.array([[False, True]])
    curves = precision_recall_curves(scores, targets, names=("yeti", "cat"))
    assert [curve.name for curve in curves] == ["cat"]
    with pytest.raises(ConfigError, match="names"):
        precision_recall_curves(scores, targets, names=("cat",))


def test_thinning_keeps_ends_peaks_and_dips():
    scores, targets, _ = sample(2, num_images=5000, num_categories=1)
    (curve,) = precision_recall_curves(scores, targets)
    thin = curve.thinned(20)
    assert 20 <= len(thin.recall) <= 42
    assert (np.diff(thin.recall) >= 0).all() and (np.diff(thin.thresholds) < 0).all()
    for bucket in range(20):
        inside, thin_inside = (
            np.minimum(np.floor(one.recall * 20), 19) == bucket for one in (curve, thin)
        )
        assert thin.precision[thin_inside].max() == curve.precision[inside].max()
        assert thin.precision[thin_inside].min() == curve.precision[inside].min()
    assert thin.thresholds[0] == curve.thresholds[0]
    assert thin.thresholds[-1] == curve.thresholds[-1]
    assert curve.thinned(5000) is curve


def test_a_curve_becomes_json():
    (curve,) = precision_recall_curves(np.array([[0.75], [0.5]]), np.array([[True], [False]]))
    assert json.loads(json.dumps(curve.as_dict())) == {
        "category": "0",
        "positives": 1,
        "precision": [1.0, 0.5],
        "recall": [1.0, 1.0],
        "thresholds": [0.75, 0.5],
    }
