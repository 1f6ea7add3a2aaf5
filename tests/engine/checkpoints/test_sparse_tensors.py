"""Tensors that are nearly all zeros lie in a file without them, and come back to the last bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from engine.api.categories import Categories
from engine.api.errors import CheckpointError
from engine.checkpoints.safetensors_model import (
    load_checkpoint,
    save_checkpoint,
    write_with_record,
)
from engine.inference.weights import digest_of, read_weights
from engine.models.classifier import Classifier
from engine.records.model_record import CheckpointRecord
from engine.records.safetensors_header import read_header
from engine.records.sparse_tensors import KEY, MASK, VALUES, as_declared, packed, unpacked
from tests.engine.tiny_models import tiny_config

HEADS = "heads.weight"
Harm = Callable[[dict[str, np.ndarray], dict[str, str]], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Classifier, CheckpointRecord]:
    """A file in which the heads are nearly all zeros."""
    categories = Categories(tuple(f"thing {number}" for number in range(400)))
    config = replace(tiny_config(), categories=categories)
    torch.manual_seed(0)
    classifier = Classifier(config).eval()
    with torch.no_grad():
        kept = torch.rand_like(classifier.heads.weight) < 0.1
        classifier.heads.weight.mul_(kept)
    record = CheckpointRecord(config, "tiny")
    path = tmp_path_factory.mktemp("sparse") / "tiny.safetensors"
    save_checkpoint(path, classifier, record, half=True)
    return path, classifier, record


def test_a_model_comes_back_from_a_smaller_file(
    made: tuple[Path, Classifier, CheckpointRecord],
) -> None:
    path, classifier, _ = made
    header = read_header(path)
    assert {HEADS + VALUES, HEADS + MASK} <= header.shapes.keys()
    stored = sum(np.prod(s) for name, s in header.shapes.items() if name.startswith(HEADS))
    assert stored < 0.3 * classifier.heads.weight.numel()
    whole = classifier.heads.weight.detach().numpy()
    for found in (
        load_checkpoint(path).classifier.heads.weight.numpy(),
        read_weights(path).tensors[HEADS],
    ):
        assert np.array_equal(found != 0, whole != 0)
        assert np.allclose(found, whole, rtol=2e-3, atol=1e-6)
    assert as_declared("x", header).shapes[HEADS] == whole.shape
    assert load_checkpoint(path).id == read_weights(path).id


def test_another_record_leaves_the_weights_as_they_are(
    made: tuple[Path, Classifier, CheckpointRecord], tmp_path: Path
) -> None:
    path, _, record = made
    again = tmp_path / "again.safetensors"
    write_with_record(path, again, record)
    assert read_header(again).metadata == read_header(path).metadata
    weights, same = read_weights(path).tensors, read_weights(again).tensors
    assert weights.keys() == same.keys()
    assert all(np.array_equal(same[name], values) for name, values in weights.items())


@pytest.mark.parametrize("count", [1, 7, 8, 9, 4096])
def test_every_place_comes_back(count: int) -> None:
    rng = np.random.default_rng(count)
    whole = np.where(rng.random(count) < 0.3, rng.normal(size=count), 0.0).astype(np.float16)
    metadata = {KEY: json.dumps({"x": [count, 1]})}
    values, mask = packed(whole)
    found = unpacked("file", {"x" + VALUES: values, "x" + MASK: mask}, metadata)
    assert found.keys() == {"x"}
    assert np.array_equal(found["x"], whole[:, None])


def _without_values(t: dict[str, np.ndarray], m: dict[str, str]) -> None:
    del t[HEADS + VALUES]


def _fewer_values(t: dict[str, np.ndarray], m: dict[str, str]) -> None:
    t[HEADS + VALUES] = t[HEADS + VALUES][1:]


def _longer_mask(t: dict[str, np.ndarray], m: dict[str, str]) -> None:
    t[HEADS + MASK] = np.append(t[HEADS + MASK], np.uint8(0))


def _huge_shape(t: dict[str, np.ndarray], m: dict[str, str]) -> None:
    m[KEY] = json.dumps({HEADS: [2**40, 2**20]})


def _negative_shape(t: dict[str, np.ndarray], m: dict[str, str]) -> None:
    m[KEY] = json.dumps({HEADS: [-1, -8]})


def _no_table(t: dict[str, np.ndarray], m: dict[str, str]) -> None:
    m[KEY] = "[1"


def _twice(t: dict[str, np.ndarray], m: dict[str, str]) -> None:
    t[HEADS] = np.zeros(3, np.float32)


@pytest.mark.parametrize(
    "harm",
    [
        _without_values,
        _fewer_values,
        _longer_mask,
        _huge_shape,
        _negative_shape,
        _no_table,
        _twice,
    ],
)
def test_parts_that_do_not_belong_together_are_refused_in_a_sentence(
    made: tuple[Path, Classifier, CheckpointRecord], tmp_path: Path, harm: Harm
) -> None:
    path, _, _ = made
    tensors = dict(safetensors.numpy.load_file(path))
    metadata = dict(read_header(path).metadata)
    harm(tensors, metadata)
    metadata["weights_sha256"] = digest_of(tensors)
    broken = tmp_path / "broken.safetensors"
    safetensors.numpy.save_file(tensors, broken, metadata=metadata)
    for read in (load_checkpoint, read_weights):
        with pytest.raises(CheckpointError, match="damaged"):
            read(broken)
