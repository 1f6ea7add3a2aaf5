import json

import numpy as np
import pytest

from engine.metrics.cooccurrence import Confusion, co_occurrence
from tests.engine.metrics.samples import sample


@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_counted_as_by_hand(seed):
    scores, targets, ignored = sample(seed, num_images=25, ignored_share=0.2)
    pairs = co_occurrence(scores, targets, ignored)
    expected = {name: np.zeros((4, 4), dtype=int) for name in pairs.as_dict()}
    for i in range(25):
        for a in range(4):
            for b in range(4):
                labelled = [scores[i, c] >= 0.5 and not ignored[i, c] for c in (a, b)]
                has_a, has_b, knows_b = targets[i, a], targets[i, b], not ignored[i, b]
                expected["true_true"][a, b] += has_a and has_b
                expected["predicted_predicted"][a, b] += labelled[0] and labelled[1]
                expected["predicted_given_true"][a, b] += has_a and labelled[1]
                expected["wrong_given_true"][a, b] += has_a and labelled[1] and not has_b
                expected["open_given_true"][a, b] += has_a and knows_b and not has_b
    assert {name: np.array(rows).tolist() for name, rows in expected.items()} == json.loads(
        json.dumps(pairs.as_dict())
    )
    assert pairs.wrong_given_true.any()


def test_confusions_come_most_frequent_first():
    scores = np.array([[0.9, 0.9, 0.1]] * 3 + [[0.1, 0.9, 0.9]] * 2 + [[0.1, 0.1, 0.9]])
    targets = np.array([[True, False, False]] * 3 + [[False, False, True]] * 3)
    pairs = co_occurrence(scores, targets)
    assert pairs.confusions() == (
        Confusion(present=0, predicted=1, count=3, share=1.0),
        Confusion(present=2, predicted=1, count=2, share=pytest.approx(2 / 3)),
    )
    assert len(pairs.confusions(limit=1)) == len(pairs.confusions(min_count=3)) == 1
