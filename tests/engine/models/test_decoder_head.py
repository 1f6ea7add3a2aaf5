import dataclasses
import math

import numpy as np
import pytest
import torch

from engine.api.config import HeadConfig
from engine.api.errors import ConfigError
from engine.models.classifier import Classifier
from engine.models.decoder_head import MLDecoderHead
from engine.models.head_registry import HEADS, build_heads
from tests.engine.tiny_models import tiny_config

DECODER = HeadConfig((1.0,), 0.0, False, standardize=True, kind="ml-decoder", queries=3, width=16)


def softmax(values):
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def normed(values, norm):
    values = values - values.mean(axis=-1, keepdims=True)
    values = values / np.sqrt((values**2).mean(axis=-1, keepdims=True) + norm.eps)
    return values * array(norm.weight) + array(norm.bias)


def array(tensor):
    return tensor.detach().double().numpy()


def linear(values, layer):
    return values @ array(layer.weight).T + array(layer.bias)


def in_numpy(head, features):
    """The paper's formulas for one image (D, h, w), part by part and category by category."""
    seen = np.maximum(linear(features.reshape(len(features), -1).T, head.embedding), 0)
    queries = normed(array(head.queries), head.query_norm)
    q, k, v = (
        linear(x, layer)
        for x, layer in ((queries, head.query), (seen, head.key), (seen, head.value))
    )
    size = q.shape[1] // 8
    parts = [slice(i * size, (i + 1) * size) for i in range(8)]
    heads = [softmax(q[:, p] @ k[:, p].T / math.sqrt(size)) @ v[:, p] for p in parts]
    first = normed(
        queries + linear(np.concatenate(heads, axis=1), head.attended), head.attended_norm
    )
    inner = np.maximum(linear(first, head.inner), 0)
    second = normed(first + linear(inner, head.outer), head.outer_norm)
    group = head.weight.shape[2]
    return np.array(
        [
            second[c // group] @ array(head.weight)[c // group, :, c % group] + array(head.bias)[c]
            for c in range(head.num_classes)
        ]
    )


def test_the_decoder_is_that_of_the_formulas():
    torch.manual_seed(0)
    head = MLDecoderHead(6, 8, dataclasses.replace(DECODER, standardize=False)).eval()
    assert head.weight.shape == (3, 16, 3)  # eight categories in three groups
    for norm in (head.query_norm, head.attended_norm, head.outer_norm):
        torch.nn.init.uniform_(norm.weight)
        torch.nn.init.uniform_(norm.bias)
    features = torch.randn(2, 6, 3, 4)
    found = head(features)
    expected = [in_numpy(head, array(one)) for one in features]
    np.testing.assert_allclose(found.logits.detach(), expected, rtol=1e-4, atol=1e-5)
    assert found.position_scores.shape == (2, 1, 8, 1, 1)
    assert torch.equal(found.position_scores.flatten(1), found.logits)


def test_queries_are_one_per_category_or_as_many_as_published():
    plain = dataclasses.replace(DECODER, queries=0, width=0)
    assert MLDecoderHead(6, 20, plain).queries.shape == (20, 768)
    assert MLDecoderHead(6, 201, plain).weight.shape == (100, 768, 3)


@pytest.mark.parametrize("kind", HEADS)
def test_every_head_learns_to_tell_two_kinds_of_features(kind):
    config = DECODER if kind == "ml-decoder" else HeadConfig((1.0,), 0.0, False, True, True)
    config = dataclasses.replace(config, kind=kind)
    torch.manual_seed(0)
    heads = build_heads(6, 2, config)
    assert isinstance(heads, HEADS[kind]) and heads.standardization is not None
    features = torch.randn(40, 6, 4, 4)
    targets = torch.zeros(40, 2)
    targets[:20, 0] = targets[10:30, 1] = 1.0
    features[:, :2] += 2 * targets[:, :, None, None]
    heads.begin_small(torch.tensor([0.5, -0.5]), torch.Generator().manual_seed(0))
    start = heads.eval()(features).logits.detach()
    assert float((start - torch.tensor([0.5, -0.5])).abs().max()) < 1.5
    optimizer = torch.optim.Adam(heads.parameters(), lr=0.01)
    for _ in range(60):
        logits = heads.train()(features).logits
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(((heads(features).logits > 0) == (targets > 0)).float().mean()) > 0.95


def test_average_pooling_is_a_linear_layer_on_the_mean_of_the_features():
    heads = build_heads(6, 3, HeadConfig((1.0,), 0.0, False, bias=True, kind="gap"))
    torch.nn.init.uniform_(heads.bias)
    features = torch.randn(2, 6, 4, 5)
    expected = features.mean(dim=(2, 3)) @ heads.weight[0].T + heads.bias
    found = heads(features)
    torch.testing.assert_close(found.logits, expected)
    torch.testing.assert_close(found.position_scores.mean(dim=(3, 4))[:, 0], expected)


def test_only_heads_of_positions_say_where_and_can_be_folded():
    for kind, head in (("gap", HeadConfig((1.0,), 0.0, kind="gap")), ("ml-decoder", DECODER)):
        config = tiny_config(head)
        assert config.says_where is (kind == "gap")
        assert config.head.is_linear is (kind == "gap")
    with pytest.raises(Exception, match="no scores of positions"):
        _ = Classifier(tiny_config(DECODER)).linear_heads


@pytest.mark.parametrize(
    "make",
    [
        lambda: HeadConfig(kind="mlp"),
        lambda: HeadConfig((1.0,), 0.2, kind="gap"),
        lambda: HeadConfig((2.0,), 0.0, kind="gap"),
        lambda: HeadConfig((1.0,), 0.0, queries=3),
        lambda: dataclasses.replace(DECODER, lam=0.1),
        lambda: dataclasses.replace(DECODER, normalize=True),
        lambda: dataclasses.replace(DECODER, width=12),
        lambda: dataclasses.replace(DECODER, queries=-1),
    ],
)
def test_heads_that_make_no_sense_are_refused(make):
    with pytest.raises(ConfigError):
        make()
