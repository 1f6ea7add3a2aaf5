"""What follows from a kind has the maps and numbers of the kind."""

from dataclasses import replace

import numpy as np

from engine.api.geometry import Box
from engine.api.label_parents import NO_PARENTS, CategoryParents
from engine.explain import evidence
from engine.explain.evidence import MapKind, map_of, with_head
from engine.explain.explanation import explanation
from engine.explain.following import best_category, following
from engine.explain.regions import labels_at, region_labels
from tests.engine.some_scores import position_scores, some_scores

NAMES = ("animal", "cat", "dog", "kitten")
PARENTS = CategoryParents({1: (0,), 2: (0,), 3: (1,)})
ANIMAL, CAT, DOG, KITTEN = range(4)


def scores_with(logit_of):
    """Position scores that pool to the given logits, each with a map of its own."""
    scores = some_scores()
    places, now = list(logit_of), evidence.logits(scores)[list(logit_of)]
    wanted = np.array(list(logit_of.values()), dtype=np.float32)
    values = scores.values.copy()
    share = len(values) * (1.0 + scores.lam)
    values[:, places] += ((wanted - now) / share)[:, None, None]
    return replace(scores, values=values)


def test_maps_logit_and_score_are_those_of_the_kind_and_still_add_up():
    own = scores_with({ANIMAL: -1.5, CAT: 5.0, DOG: -3.0, KITTEN: -2.0})
    shown = following(own, PARENTS)
    assert shown.follows == {ANIMAL: CAT}
    for kind in MapKind:
        np.testing.assert_array_equal(map_of(shown, ANIMAL, kind), map_of(own, CAT, kind))
        np.testing.assert_array_equal(map_of(shown, DOG, kind), map_of(own, DOG, kind))
    np.testing.assert_allclose(
        evidence.logits(shown), PARENTS.implied(evidence.logits(own)), atol=1e-4
    )
    why = explanation(shown, ANIMAL, 0.5)
    assert why.follows_from == CAT and why.is_label
    np.testing.assert_allclose(evidence.evidence_map(shown, ANIMAL).sum(), why.logit, atol=1e-4)
    assert explanation(shown, CAT).follows_from is None
    assert own.follows == {}


def test_the_kind_of_a_kind_is_named_not_what_lies_between():
    shown = following(scores_with({ANIMAL: -3, CAT: -2, DOG: 0, KITTEN: 4}), PARENTS)
    assert shown.follows == {ANIMAL: KITTEN, CAT: KITTEN}
    assert best_category(shown) == KITTEN


def test_the_map_of_a_detail_keeps_its_shape_and_adds_up_to_its_score():
    parents = CategoryParents({CAT: (ANIMAL,)}, {DOG: (CAT,), KITTEN: (CAT,)})
    own = scores_with({ANIMAL: -3.0, CAT: 1.0, DOG: 2.0, KITTEN: 4.0})
    shown = following(own, parents)
    assert shown.follows == {ANIMAL: CAT}
    for detail, logit in ((KITTEN, 1.0), (DOG, -13.8)):
        np.testing.assert_allclose(evidence.logits(shown)[detail], logit, atol=1e-4)
        np.testing.assert_allclose(evidence.evidence_map(shown, detail).sum(), logit, atol=1e-4)
        shift = shown.values[:, detail] - own.values[:, detail]
        np.testing.assert_allclose(shift, np.full_like(shift, shift.flat[0]), atol=1e-5)
    np.testing.assert_array_equal(shown.values[:, CAT], own.values[:, CAT])
    assert best_category(shown) == CAT


def test_nothing_is_copied_where_nothing_follows():
    own = scores_with({ANIMAL: 3, CAT: 2, DOG: 1, KITTEN: 0})
    assert following(own, PARENTS) is own and following(own, NO_PARENTS) is own
    assert best_category(own) == ANIMAL


def test_doing_it_again_keeps_what_is_known():
    shown = following(scores_with({ANIMAL: -3, CAT: 2, DOG: 0, KITTEN: 1}), PARENTS)
    again = following(shown, PARENTS)
    assert again.follows == {ANIMAL: CAT}
    np.testing.assert_array_equal(again.values, shown.values)


def test_another_head_may_let_another_kind_be_the_best():
    own = some_scores()
    values = np.full_like(own.values, -1.0)
    values[:, CAT, 0, 0] = 40.0  # one strong spot
    values[:, DOG] = 1.0  # everywhere a little
    values[:, KITTEN] = -5.0
    own = replace(own, values=values)
    followed = [following(with_head(own, lam=lam), PARENTS).follows for lam in (0.0, 5.0)]
    assert followed == [{ANIMAL: DOG}, {ANIMAL: CAT}]


def test_a_spot_lists_what_it_looks_like_not_what_follows_from_that():
    """The cat is on the left, a dog on the right; nothing there looks like an animal as such."""
    left_right = {ANIMAL: (-4, -4), CAT: (6, -5), DOG: (-2, 3), KITTEN: (-3, -1)}
    values = np.array([[[left_right[c]] for c in range(4)]])
    shown = following(position_scores(values), PARENTS)
    assert shown.follows == {ANIMAL: CAT}
    for x, expected in ((0.25, ["cat", "dog", "kitten"]), (0.75, ["dog", "kitten"])):
        box = Box(x - 0.25, 0.0, x + 0.25, 1.0)
        for found in (
            labels_at(shown, (x, 0.5), NAMES, 0.0, smooth=False, parents=PARENTS),
            region_labels(shown, box, NAMES, 0.0, parents=PARENTS),
        ):
            assert [label.category for label in found] == expected
    assert {label.category for label in labels_at(shown, (0.2, 0.5), NAMES, 0.0)} == set(NAMES)
