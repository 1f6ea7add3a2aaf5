import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api.categories import Categories
from engine.api.config import HeadConfig
from engine.api.errors import ConfigError
from engine.api.geometry import Box, content_box
from engine.api.values import PositionScores
from engine.explain import evidence
from engine.explain.evidence import MapKind
from engine.explain.explanation import explanation
from engine.explain.regions import (
    cell_shares,
    labels_at,
    local_scores_at,
    region_labels,
    region_scores,
    region_shares,
    values_at,
)
from engine.models.heads import ResidualAttentionHeads
from tests.engine.some_scores import TEMPERATURES, some_scores

TILES = (Box(0, 0, 0.37, 0.61), Box(0.37, 0, 1, 0.61), Box(0, 0.61, 1, 1))
CATEGORIES = Categories(("cat", "dog", "tree", "boat"))


def test_another_head_is_what_the_network_would_say_with_it():
    torch.manual_seed(0)
    heads = ResidualAttentionHeads(8, 4, HeadConfig((1.0, 2.0), 0.3))
    features = torch.randn(1, 8, 5, 6)
    values = heads(features).position_scores[0].detach().numpy()
    scores = PositionScores(Path("x"), "m", values, (1.0, 2.0), 0.3, Box.UNIT, 9, 9)
    other = ResidualAttentionHeads(8, 4, HeadConfig((5.0, math.inf), 0.9))
    other.load_state_dict(heads.state_dict())
    expected = other(features).logits[0].detach().numpy()
    changed = evidence.with_head(scores, lam=0.9, temperatures=(5.0, math.inf))
    np.testing.assert_allclose(evidence.logits(changed), expected, atol=1e-4)


def test_the_logits_of_single_heads_add_up_to_the_logits():
    scores = some_scores()
    single = [evidence.with_head(scores, heads=[i == on for i in range(3)]) for on in range(3)]
    total = sum(evidence.logits(one).astype(float) for one in single)
    np.testing.assert_allclose(total, evidence.logits(scores), atol=1e-4)
    assert [one.temperatures for one in single] == [(1.0,), (3.0,), (math.inf,)]


def test_without_attention_the_logit_is_the_mean_score():
    plain = evidence.with_head(some_scores(), lam=0.0)
    expected = plain.values.mean(axis=(2, 3)).sum(axis=0)
    np.testing.assert_allclose(evidence.logits(plain), expected, atol=1e-5)


def test_a_head_changed_and_changed_back_is_the_same():
    scores = some_scores()
    back = evidence.with_head(
        evidence.with_head(scores, lam=2.0, temperatures=(9.0, 9.0, 9.0)),
        lam=scores.lam,
        temperatures=scores.temperatures,
    )
    np.testing.assert_array_equal(evidence.logits(back), evidence.logits(scores))


@pytest.mark.parametrize(
    "change", [{"lam": -1.0}, {"lam": math.nan}, {"temperatures": (0.0, 1, 1)}, {"heads": [0] * 3}]
)
def test_a_head_that_makes_no_sense_is_refused(change):
    with pytest.raises(ConfigError):
        evidence.with_head(some_scores(), **change)


@pytest.mark.parametrize("change", [{"temperatures": (1.0,)}, {"heads": [True]}])
def test_settings_for_another_number_of_heads_are_refused(change):
    with pytest.raises(ValueError, match="3 heads"):
        evidence.with_head(some_scores(), **change)


def test_maps_of_all_categories_are_the_maps_of_each():
    for activation in ("sigmoid", "softmax"):
        scores = some_scores(activation=activation)
        for c in range(4):
            np.testing.assert_allclose(
                evidence.evidence_maps(scores)[c], evidence.evidence_map(scores, c), atol=1e-6
            )
            np.testing.assert_allclose(
                evidence.local_probabilities(scores)[c],
                evidence.local_probability(scores, c),
                atol=1e-6,
            )


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("category", range(4))
def test_the_numbers_behind_a_label_add_up(category, activation):
    scores = some_scores(activation=activation)
    why = explanation(scores, category, 0.5)
    logits = evidence.logits(scores)
    assert why.logit == pytest.approx(logits[category], abs=1e-4)
    assert why.logit == pytest.approx(sum(h.base + why.lam * h.attention for h in why.heads))
    assert why.score == pytest.approx(evidence.activate(logits, activation)[category], abs=1e-5)
    assert [h.temperature for h in why.heads] == list(TEMPERATURES)
    assert why.heads[2].attention == pytest.approx(scores.values[2, category].max())
    assert why.is_label == (why.score >= 0.5)
    assert explanation(scores, category).is_label is None


def test_a_cell_counts_by_the_share_that_is_covered():
    shares = cell_shares(some_scores(), Box(1 / 12, 0, 0.5, 0.3))
    np.testing.assert_allclose(shares[0], [0.5, 1, 1, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(shares[1], [0.25, 0.5, 0.5, 0, 0, 0], atol=1e-6)
    assert not shares[2:].any()


@pytest.mark.parametrize("content", [Box.UNIT, content_box(300, 100, 96, "letterbox")])
def test_regions_that_tile_the_photo_add_up(content):
    scores = some_scores(content)
    whole_share = region_shares(scores, Box.UNIT)
    np.testing.assert_allclose(
        sum(region_shares(scores, tile) for tile in TILES), whole_share, atol=1e-5
    )
    if content == Box.UNIT:
        np.testing.assert_allclose(whole_share, 1.0, atol=1e-5)
    else:
        assert (whole_share < 0.9).all()


def test_all_evidence_of_an_object_comes_from_where_it_is():
    scores = some_scores()
    values = np.full_like(scores.values, -1.0)
    values[:, 1, 3, 4] = 5.0
    object_alone = replace(scores, values=values)
    there = Box(4 / 6, 3 / 5, 5 / 6, 4 / 5)
    assert region_shares(object_alone, there)[1] == pytest.approx(1.0)
    assert region_shares(object_alone, Box(0, 0, 4 / 6, 3 / 5))[1] == 0.0
    left_half = Box(4 / 6, 3 / 5, 4.5 / 6, 4 / 5)
    assert region_shares(object_alone, left_half)[1] == pytest.approx(0.5)


def test_a_category_without_positive_evidence_has_no_share():
    scores = replace(some_scores(), values=np.full((3, 4, 5, 6), -2.0, np.float32))
    assert region_shares(scores, Box.UNIT).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_the_whole_photo_as_a_region_says_what_the_photo_says(activation):
    scores = some_scores(activation=activation)
    expected = evidence.activate(evidence.logits(scores), activation)
    np.testing.assert_allclose(region_scores(scores, Box.UNIT), expected, atol=1e-5)


def test_a_region_of_whole_cells_says_what_a_photo_of_those_cells_would():
    scores = some_scores()
    part = replace(scores, values=scores.values[:, :, 1:4, 2:5])
    expected = evidence.sigmoid(evidence.logits(part))
    found = region_scores(scores, Box(2 / 6, 1 / 5, 5 / 6, 4 / 5))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_cell_that_is_half_covered_counts_half():
    scores = evidence.with_head(some_scores(), temperatures=(1.0, 3.0, 0.5))
    doubled = replace(scores, values=scores.values[:, :, 1:4, [2, 2, 3]])  # 2 : 1
    expected = evidence.sigmoid(evidence.logits(doubled))
    found = region_scores(scores, Box(2 / 6, 1 / 5, 3.5 / 6, 4 / 5))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_region_inside_one_cell_or_without_an_area_says_what_that_cell_says():
    scores = some_scores()
    expected = evidence.local_probabilities(scores)[:, 2, 3]
    for box in (Box(0.52, 0.42, 0.53, 0.43), Box(0.55, 0.5, 0.55, 0.5)):
        np.testing.assert_allclose(region_scores(scores, box), expected, atol=1e-5)


def test_a_rectangle_may_be_dragged_in_any_direction_and_beyond_the_photo():
    scores = some_scores()
    forward = region_shares(scores, Box(0.5, 0.4, 1.0, 1.0))
    backward = region_shares(scores, Box(1.7, 2.0, 0.5, 0.4))
    np.testing.assert_allclose(forward, backward)


def test_labels_of_a_region_are_ranked():
    labels = region_labels(some_scores(), Box(0, 0, 0.5, 0.5), CATEGORIES, 0.0)
    assert {label.category for label in labels} == set(CATEGORIES)
    assert [x.score for x in labels] == sorted((x.score for x in labels), reverse=True)


@pytest.mark.parametrize("content", [Box.UNIT, content_box(100, 60, 96, "letterbox")])
@pytest.mark.parametrize("smooth", [True, False])
def test_the_values_at_a_point_are_those_of_the_maps_drawn_there(content, smooth):
    scores = some_scores(content)
    lay = evidence.on_photo if smooth else evidence.cells_on_photo
    for x, y in ((0, 0), (37, 20), (99, 59), (50, 30)):
        found = values_at(scores, 2, ((x + 0.5) / 100, (y + 0.5) / 60), smooth=smooth)
        for kind in MapKind:
            drawn = lay(evidence.map_of(scores, 2, kind), 100, 60, content)[y, x]
            assert getattr(found, kind.value) == pytest.approx(drawn, abs=1e-4)


def test_the_point_under_the_cursor_lies_in_its_cell_even_beyond_the_edge():
    at = values_at(some_scores(), 0, (1.0, 1.0))
    assert (at.row, at.column) == (4, 5)
    beyond = values_at(some_scores(), 0, (7.0, -3.0))
    assert (beyond.row, beyond.column) == (0, 5)


def test_the_labels_of_a_spot_are_its_local_probabilities():
    scores = some_scores()
    point = (3.5 / 6, 2.5 / 5)  # a cell's centre: nothing is mixed in
    expected = evidence.local_probabilities(scores)[:, 2, 3]
    np.testing.assert_allclose(local_scores_at(scores, point), expected, atol=1e-5)
    best = labels_at(scores, point, CATEGORIES, 0.0)[0]
    assert best.category == CATEGORIES[int(expected.argmax())]


def test_signed_scales_are_shared_by_the_categories_that_are_compared():
    scores = some_scores()
    scores.values[:, 0] *= 0.01
    weak, strong, both = (evidence.evidence_limit(scores, c) for c in ([0], [1], [0, 1]))
    assert 0 < weak < 0.1 * both
    assert both == pytest.approx(strong, rel=0.5)
    assert evidence.evidence_limit(scores) == evidence.evidence_limit(scores, range(4))
    empty = replace(scores, values=np.zeros_like(scores.values))
    assert evidence.evidence_limit(empty) > 0
    assert evidence.evidence_limit(scores, []) > 0


def test_one_cell_with_nearly_all_the_evidence_does_not_set_the_scale():
    values = np.random.default_rng(0).normal(size=(1, 1, 14, 14)).astype(np.float32)
    values[0, 0, 3, 3] = 50.0
    spike = replace(some_scores(), values=values, temperatures=(math.inf,))
    assert 0 < evidence.evidence_limit(spike) < 0.1 * evidence.evidence_map(spike, 0).max()
