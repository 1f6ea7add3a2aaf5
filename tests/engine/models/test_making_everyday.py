"""How the parts of the model "Everyday" are added up, and from which score on its labels appear."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest

from engine.api.vocabulary import everyday
from tests.paths import ROOT


@pytest.fixture(autouse=True)
def making(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "everyday"))
    yield
    for name in ("alarms", "by_eye", "confused", "fuse", "photos", "seen", "learn"):
        sys.modules.pop(name, None)


def test_a_label_appears_while_four_of_five_are_right() -> None:
    from alarms import cut
    from photos import Verdicts

    logits = np.arange(100, 0, -1.0)
    verdicts = Verdicts(tuple(range(8)), (1, 1, 1, 0, 1, 0.5, 0, 0))
    threshold, right, named = cut(logits, verdicts, is_confused=False)
    assert (right, named) == (4, 5)
    assert logits[5] < threshold <= logits[4]


@pytest.mark.parametrize(("is_confused", "alarms"), [(False, 0), (True, 6)])
def test_where_nothing_is_right_hardly_any_photo_is_named(is_confused: bool, alarms: int) -> None:
    from alarms import cut
    from photos import Verdicts

    logits = np.arange(100, 0, -1.0)
    verdicts = Verdicts(tuple(range(12)), (0.0,) * 12)
    threshold, right, named = cut(logits, verdicts, is_confused=is_confused)
    assert (right, named) == (0, alarms)
    assert (logits >= threshold).sum() == alarms


def test_what_was_not_looked_at_is_not_named() -> None:
    from alarms import cut
    from photos import Verdicts

    logits = np.arange(100, 0, -1.0)
    threshold, _, named = cut(logits, None, is_confused=True)
    assert named == 0 and not (logits >= threshold).any()
    unseen_best = Verdicts((1, 2, 3, 4), (1.0,) * 4)
    threshold, right, named = cut(logits, unseen_best, is_confused=False)
    assert named == 5 and right == 4 and threshold <= logits[4]


def test_many_photos_decide_the_weights_and_few_leave_them_to_the_prior() -> None:
    from fuse import Prior, fit

    chance = np.random.default_rng(0)
    parts = chance.normal(size=(4000, 3))
    odds = 2.0 * parts[:, 0] + 0.0 * parts[:, 1] - 1.0
    yes = chance.random(4000) < 1 / (1 + np.exp(-odds))
    prior = Prior(np.array([0.8, 0.4, 1.2]), 0.0)
    has = np.array([True, True, False])
    many = fit(parts, has, yes, np.ones(4000), prior)
    assert abs(many.weights[0] - 2.0) < 0.2 and many.weights[1] < 0.1 and many.weights[2] == 0.0
    assert abs(many.offset + 1.0) < 0.15
    few = fit(parts[:3], has, yes[:3], np.ones(3), prior)
    assert abs(few.weights[0] - 0.8) < 0.3 and abs(few.weights[1] - 0.4) < 0.1


def test_what_a_group_is_mistaken_for_is_nothing_of_its_kind() -> None:
    from confused import confusions
    from photos import Verdicts

    scores = {"rocket": np.arange(100, 0, -1.0), "owl": np.arange(100, 0, -1.0)}
    planes = np.zeros(100, dtype=bool)
    planes[:15] = True
    has = {"aeroplane": planes, "bird": planes, "person": planes}
    found = confusions(scores, has, {}, everyday())
    assert found == {"rocket": [(0.75, "bird"), (0.75, "aeroplane")], "owl": [(0.75, "aeroplane")]}
    right = {"rocket": Verdicts(tuple(range(5)), (1.0,) * 5)}
    assert "rocket" not in confusions(scores, has, right, everyday())
    planes[10:15] = False  # half of the best: as much beside it as mistaken for it
    assert confusions(scores, has, {}, everyday()) == {}


def test_heads_by_eye_need_verdicts_and_count_what_nobody_saw_little() -> None:
    from by_eye import seen_enough, truth_by_eye
    from photos import ABSENT, PRESENT, UNKNOWN, Verdicts

    enough = Verdicts(tuple(range(12)), (1.0,) * 8 + (0.0,) * 3 + (0.5,))
    verdicts = {
        "cliff": enough,
        "lake": Verdicts(tuple(range(11)), (1.0,) * 11),
        "valley": Verdicts(tuple(range(10)), (1.0,) * 7 + (0.0,) * 3),
    }
    assert seen_enough(verdicts, ["cliff", "lake", "valley", "volcano"]) == ["cliff"]
    known, weight = truth_by_eye(verdicts, ["cliff"], 14)
    assert known[:, 0].tolist() == [PRESENT] * 8 + [ABSENT] * 3 + [UNKNOWN] + [ABSENT] * 2
    assert weight[:, 0].tolist() == pytest.approx([1.0] * 11 + [0.0] + [0.1] * 2)


def test_a_head_by_eye_is_kept_where_it_puts_right_ones_ahead() -> None:
    from by_eye import gains

    known = np.array([[1, 1], [1, 1], [0, 0], [0, 0], [0, 0]], dtype=np.int8)
    weight = np.ones((5, 2), dtype=np.float32)
    weight[4] = 0.1  # nobody looked: what it scores is no matter
    before = np.array([[1.0, 9], [2, 8], [5, 1], [4, 2], [9, 0]])
    after = np.array([[8.0, 8], [9, 9], [5, 1], [4, 2], [99, 0]])
    assert gains(known, weight, before, after).tolist() == [True, False]
