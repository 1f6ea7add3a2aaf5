"""A parent is never scored below its child."""

import numpy as np
import pytest

from engine.api.errors import ConfigError
from engine.api.label_parents import NO_PARENTS, CategoryParents

NAMES = ("animal", "tree", "dog", "golden retriever", "pet")
ABOVE = {"golden retriever": ("dog",), "dog": ("mammal", "pet"), "mammal": ("animal",)}
PARENTS = CategoryParents.among(NAMES, lambda name: ABOVE.get(name, ()))


def test_a_parent_that_is_no_category_is_passed_over_for_its_own():
    assert PARENTS.of == {2: (0, 4), 3: (2,)}
    assert PARENTS.ancestors(3) == (2, 0, 4)
    assert PARENTS.ancestors(1) == ()


def test_no_parent_is_below_any_of_its_children_and_nothing_else_changes():
    scores = np.random.default_rng(0).random((200, 5)).astype(np.float32)
    before = scores.copy()
    found = PARENTS.implied(scores)
    np.testing.assert_array_equal(scores, before)
    np.testing.assert_array_equal(found[:, [1, 3]], scores[:, [1, 3]])
    np.testing.assert_array_equal(found[:, 2], scores[:, [2, 3]].max(axis=1))
    for place in (0, 4):
        np.testing.assert_array_equal(found[:, place], scores[:, [place, 2, 3]].max(axis=1))
    np.testing.assert_array_equal(PARENTS.implied(found), found)
    np.testing.assert_array_equal(PARENTS.implied(scores[7]), found[7])


def test_the_order_of_the_categories_does_not_matter():
    chain = CategoryParents({3: (0,), 0: (2,), 2: (1,)})
    assert chain.implied(np.array([0.1, 0.0, 0.2, 0.9])).tolist() == [0.9, 0.9, 0.9, 0.9]


def test_what_is_not_known_stays_unknown_and_raises_nothing():
    scores = np.array([[0.1, 0.2, np.nan, 0.9, np.nan]], dtype=np.float16)
    found = PARENTS.implied(scores)
    assert found.dtype == np.float16
    assert np.isnan(found[0, [2, 4]]).all()
    assert found[0, 0] == np.float16(0.1)


def test_each_lifted_category_is_told_from_which_kind_it_has_its_score():
    for scores in np.random.default_rng(1).random((200, 5)).astype(np.float32):
        found, lifted = PARENTS.followed(scores), PARENTS.implied(scores)
        places = [found.get(place, place) for place in range(5)]
        np.testing.assert_array_equal(scores[places], lifted)
        assert set(found) == set(np.flatnonzero(lifted > scores))
        assert found.keys().isdisjoint(found.values())  # through a lifted dog to the retriever


def test_what_is_higher_than_its_kinds_or_as_high_stands_for_itself():
    assert PARENTS.followed(np.array([0.9, 0.1, 0.8, 0.8, 0.7])) == {4: 2}
    assert PARENTS.followed(np.array([0.1, 0.9, np.nan, 0.1, 0.1])) == {}
    assert NO_PARENTS.followed(np.zeros(2)) == {}
    with pytest.raises(ConfigError, match="more than the 3"):
        PARENTS.followed(np.zeros(3))


def test_a_category_that_says_no_more_than_a_kind_is_outdone():
    lifted = PARENTS.implied(np.array([0.9, 0.1, 0.2, 0.8, 0.1]))
    assert PARENTS.outdone(lifted) == {2, 4}  # the animal has a score of its own


def test_without_parents_the_scores_are_the_very_same_array():
    scores = np.zeros((2, 3), dtype=np.float32)
    assert NO_PARENTS.implied(scores) is scores
    assert not NO_PARENTS


@pytest.mark.parametrize("of", [{0: (0,)}, {0: (1,), 1: (2,), 2: (0,)}, {0: (-1,)}])
def test_what_would_be_a_kind_of_itself_is_refused(of):
    with pytest.raises(ConfigError):
        CategoryParents(of)


def test_a_circle_outside_the_model_is_refused():
    above = {"dog": ("mammal",), "mammal": ("beast",), "beast": ("mammal",)}
    with pytest.raises(ConfigError, match="kind of itself"):
        CategoryParents.among(NAMES, lambda name: above.get(name, ()))


def test_scores_of_another_model_are_refused():
    with pytest.raises(ConfigError, match="3 categories"):
        PARENTS.implied(np.zeros(3))


BREEDS = CategoryParents({1: (0,)}, {2: (1,), 3: (1,), 4: (3,)})
ANIMAL, DOG, HUSKY, SPANIEL, COCKER = range(5)


def test_a_detail_lifts_nothing_and_is_never_surer_than_its_parent():
    found = BREEDS.implied(np.array([0.1, 0.3, 0.9, 0.2, 0.1]))
    assert found.tolist() == [0.3, 0.3, 0.3, 0.0, 0.0]
    assert BREEDS.outdone(found) == {ANIMAL}  # the dog is named beside its breed
    assert BREEDS.ancestors(HUSKY) == () and BREEDS.highest == COCKER


def test_of_several_details_only_the_best_is_left_and_what_is_below_it():
    scores = np.random.default_rng(2).random((300, 5)).astype(np.float16)
    found = BREEDS.implied(scores)
    breeds = found[:, [HUSKY, SPANIEL]]
    assert ((breeds > 0).sum(axis=1) == 1).all()
    is_husky = scores[:, HUSKY] >= scores[:, SPANIEL]
    np.testing.assert_array_equal(breeds.argmax(axis=1) == 0, is_husky)
    np.testing.assert_array_equal(
        found[:, COCKER], np.where(is_husky, 0, scores[:, [DOG, SPANIEL, COCKER]].min(axis=1))
    )
    np.testing.assert_array_equal(BREEDS.implied(found), found)
    np.testing.assert_array_equal(BREEDS.implied(scores[3]), found[3])
    logits = BREEDS.implied(np.array([-1.0, 2.0, 0.5, 0.5, 1.0]), -13.8)
    assert logits.tolist() == [2.0, 2.0, 0.5, -13.8, -13.8]


def test_what_is_not_known_of_details_raises_nothing():
    unknown = np.full((2, 5), np.nan, dtype=np.float16)
    assert np.isnan(BREEDS.implied(unknown)).all()
    assert BREEDS.followed(unknown[0]) == {}
    assert BREEDS.followed(np.array([0.1, 0.3, 0.2, 0.9, 0.8])) == {ANIMAL: DOG}


def test_a_detail_that_lifts_or_is_its_own_is_refused():
    for of, details in (({1: (0,)}, {1: (0,)}), ({}, {0: (1,), 1: (0,)}), ({}, {0: (-1,)})):
        with pytest.raises(ConfigError):
            CategoryParents(of, details)
