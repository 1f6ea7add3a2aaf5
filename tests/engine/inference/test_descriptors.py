"""Descriptors of photos, with a tiny but real model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.checkpoints.safetensors_model import in_memory
from engine.inference import descriptors
from engine.inference.descriptors import Describer, DescribingBackend
from engine.inference.weights import ModelWeights
from engine.pytorch.torch_backend import TorchBackend
from tests.engine.tiny_models import tiny_classifier, tiny_record


@pytest.fixture(scope="module")
def weights() -> ModelWeights:
    return in_memory(tiny_classifier(), tiny_record()).weights


def features_of(weights: ModelWeights, count: int = 6) -> np.ndarray:
    size = len(weights.heads.mean)
    drawn = np.random.default_rng(0).normal(size=(count, size, 3, 3))
    pooled = drawn * weights.heads.deviation[:, None, None] + weights.heads.mean[:, None, None]
    return pooled.astype(np.float16)


def cosines(values: np.ndarray) -> np.ndarray:
    wide = values.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    return wide @ wide.T


def test_angles_between_photos_stay_nearly_as_they_are(
    weights: ModelWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = features_of(weights)
    heads = weights.heads
    exact = (features.mean(axis=(2, 3), dtype=np.float32) - heads.mean) / heads.deviation
    for length, error in ((len(heads.mean), 0.01), (len(heads.mean) // 2, 0.35)):
        monkeypatch.setattr(descriptors, "LENGTH", length)
        made = [one.values for one in Describer(weights).describe(features) if one is not None]
        assert {one.shape for one in made} == {(length,)}
        np.testing.assert_allclose(cosines(np.stack(made)), cosines(exact), atol=error)


def test_what_a_model_was_taught_changes_no_descriptor(weights: ModelWeights) -> None:
    heads = {name: values + 1 for name, values in weights.tensors.items() if "weight" in name}
    taught = {name: heads[name] for name in heads if name.startswith("heads.")}
    assert taught
    same = replace(weights, id="taught", tensors={**weights.tensors, **taught})
    assert Describer(same).kind == Describer(weights).kind
    other = {name: values + 1 for name, values in heads.items() if name.startswith("backbone.")}
    trained = replace(weights, id="trained", tensors={**weights.tensors, **other})
    kinds = [Describer(one).kind for one in (weights, trained)]
    kinds.append(Describer(weights, is_int8=True).kind)
    assert len(set(kinds)) == 3


def test_features_that_say_nothing_have_no_descriptor(weights: ModelWeights) -> None:
    features = features_of(weights, 3)
    features[1, 0, 0, 0] = np.nan
    features[2, 0, 0, 0] = np.inf
    made = Describer(weights).describe(features)
    assert [one is None for one in made] == [False, True, True]


def test_a_backend_makes_them_beside_what_it_says_anyway(weights: ModelWeights) -> None:
    inner = TorchBackend(tiny_classifier(), torch.device("cpu"))
    pixels = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
    plain = inner.run(pixels, features=True)
    found = DescribingBackend(inner, Describer(weights)).run(pixels)
    np.testing.assert_array_equal(found.logits, plain.logits)
    assert found.features is None
    assert plain.features is not None
    wanted = Describer(weights).describe(plain.features)
    for one, other in zip(found.descriptors, wanted, strict=True):
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(one.values, other.values)
