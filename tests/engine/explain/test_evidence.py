import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.api.config import PAPER_TEMPERATURES, HeadConfig
from engine.api.geometry import Box, content_box
from engine.api.label_parents import CategoryParents
from engine.explain import evidence
from engine.explain.evidence import MapKind
from engine.explain.explanation import explanation
from engine.explain.following import following
from engine.explain.regions import region_scores
from engine.models.heads import ResidualAttentionHeads
from tests.engine.some_scores import position_scores


@pytest.mark.parametrize("num_heads", [1, 2, 4, 6, 8])
@pytest.mark.parametrize("bias", [False, True])
def test_the_evidence_map_sums_to_the_logit(num_heads, bias):
    torch.manual_seed(num_heads)
    config = HeadConfig(PAPER_TEMPERATURES[num_heads], 0.4, bias=bias)
    heads = ResidualAttentionHeads(16, 5, config)
    if bias:
        heads.bias.data.uniform_(-3, 3)
    output = heads(3 * torch.randn(1, 16, 6, 7))
    scores = position_scores(
        output.position_scores[0].detach().numpy(), config.temperatures, config.lam
    )
    for category in range(5):
        total = evidence.evidence_map(scores, category).sum(dtype=np.float64)
        assert total == pytest.approx(output.logits[0, category].item(), abs=1e-4)
    np.testing.assert_allclose(
        evidence.logits(scores), output.logits[0].detach().numpy(), atol=1e-4
    )


def test_attention_of_each_head_sums_to_one():
    values = np.random.default_rng(0).normal(size=(3, 2, 4, 5)) * 5
    maps = evidence.attention(position_scores(values, (1.0, 4.0, math.inf)), 1)
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), 1.0, rtol=1e-5)
    assert np.count_nonzero(maps[2]) == 1


def test_huge_scores_do_not_overflow():
    values = np.full((1, 1, 2, 2), 1e4, dtype=np.float32)
    scores = position_scores(values, (7.0,))
    assert np.isfinite(evidence.attention(scores, 0)).all()
    assert evidence.local_probability(scores, 0) == pytest.approx(np.ones((2, 2)))


def test_a_uniform_photo_has_its_own_score_as_local_probability_everywhere():
    scores = position_scores(np.full((2, 1, 3, 3), 0.7), (1.0, math.inf), lam=0.5)
    expected = evidence.sigmoid(evidence.logits(scores))[0]
    np.testing.assert_allclose(evidence.local_probability(scores, 0), expected, rtol=1e-5)


def test_softmax_scores_add_up_and_a_uniform_photo_has_them_everywhere():
    values = np.array([0.7, -0.2, 1.5], np.float32)[None, :, None, None] * np.ones((1, 3, 2, 2))
    scores = replace(position_scores(values, (math.inf,), lam=0.2), activation="softmax")
    expected = evidence.activate(evidence.logits(scores), "softmax")
    assert expected.sum() == pytest.approx(1.0)
    for category in range(3):
        local = evidence.local_probability(scores, category)
        np.testing.assert_allclose(local, expected[category], rtol=1e-5)


def test_attention_as_a_map_is_one_where_it_is_uniform():
    scores = position_scores(np.zeros((1, 1, 3, 3)))
    np.testing.assert_allclose(evidence.map_of(scores, 0, MapKind.ATTENTION), 1.0, rtol=1e-6)


@pytest.mark.parametrize("kind", list(MapKind))
def test_every_kind_of_map_has_the_shape_of_the_grid(kind):
    scores = position_scores(np.random.default_rng(0).normal(size=(2, 3, 4, 5)), (1.0, 2.0))
    assert evidence.map_of(scores, 2, kind).shape == (4, 5)


def test_a_map_on_the_photo_agrees_with_torch():
    grid = np.random.default_rng(0).normal(size=(7, 9)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(grid)[None, None], (40, 77), mode="bilinear", align_corners=False
    )[0, 0].numpy()
    np.testing.assert_allclose(evidence.on_photo(grid, 77, 40), expected, atol=1e-5)


@pytest.mark.parametrize(("width", "height"), [(300, 100), (100, 300), (3000, 10), (64, 64)])
def test_a_hot_cell_lies_where_the_object_is_in_a_letterboxed_photo(width, height):
    side, cells, u, v = 448, 56, 0.8, 0.3  # the object's place in the photo, in fractions
    content = content_box(width, height, side, "letterbox")
    grid = np.zeros((cells, cells), dtype=np.float32)
    row = int((content.top + v * content.height) * cells)
    column = int((content.left + u * content.width) * cells)
    grid[row, column] = 1.0
    laid = evidence.on_photo(grid, width, height, content)
    peak_v, peak_u = np.unravel_index(laid.argmax(), laid.shape)
    cell_u = 1 / cells / content.width
    cell_v = 1 / cells / content.height
    assert (peak_u + 0.5) / width == pytest.approx(u, abs=cell_u)
    assert (peak_v + 0.5) / height == pytest.approx(v, abs=min(cell_v, 1.0))


def test_a_map_of_one_cell_covers_a_photo_of_one_pixel():
    assert evidence.on_photo(np.array([[3.0]], np.float32), 1, 1).tolist() == [[3.0]]


def parts(heads=None):
    """Two heads of max pooling: the second one does not know the first category."""
    values = np.random.default_rng(1).normal(size=(2, 2, 3, 3)).astype(np.float32)
    values[1, 0] = 3e-5  # a weight that was fitted to be none
    scores = position_scores(values, (math.inf, math.inf))
    return scores if heads is None else evidence.with_head(scores, heads=heads)


def test_a_head_that_does_not_know_a_category_has_no_part_in_its_attention():
    scores = parts()
    assert evidence.heads_knowing(scores, 0) == (0,)
    assert evidence.heads_knowing(scores, 1) == (0, 1)
    looks = evidence.map_of(scores, 0, evidence.MapKind.ATTENTION)
    np.testing.assert_allclose(looks, evidence.attention(scores, 0)[0] * 9)


def test_what_every_knowing_head_is_off_for_has_no_score_rather_than_one_half():
    left = parts(heads=(False, True))
    assert left.silenced == {0}
    found = evidence.activate(evidence.logits(left), "sigmoid")
    assert found[0] == 0.0 and found[1] > 0.0
    assert not evidence.local_probability(left, 0).any()
    assert not evidence.local_probabilities(left)[0].any()
    assert region_scores(left, Box.UNIT)[0] == 0.0
    why = explanation(left, 0, 0.5)
    assert why.is_silenced and not why.is_label
    assert [head.has_part for head in explanation(parts(), 0).heads] == [True, False]
    assert parts(heads=(True, False)).silenced == frozenset()


def test_nothing_follows_from_what_nothing_is_left_of():
    left = following(parts(heads=(False, True)), CategoryParents({0: (1,)}))
    assert not left.follows and left.silenced == {0}
    above = following(parts(heads=(False, True)), CategoryParents({1: (0,)}))
    assert above.follows == {0: 1} and not above.silenced
