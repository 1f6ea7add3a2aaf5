"""Networks without weights: ONNX Runtime says what PyTorch says, whatever the model."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.api.config import HeadConfig, ModelConfig
from engine.api.errors import CheckpointError
from engine.checkpoints.catalogue_forms import catalogue_forms, entry_forms, with_random_weights
from engine.checkpoints.graph_export import TOLERANCE, difference, export_graph
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import Checkpoint, in_memory
from engine.inference.details import keep_details
from engine.inference.graphs import Graph, find_graph, graph_key, keep_graph
from engine.inference.onnx_backend import OnnxBackend
from engine.inference.weights import read_weights
from engine.models.classifier import Classifier
from engine.models.registry import backbone_spec
from engine.models.resizing import resized
from engine.pytorch.torch_backend import TorchBackend
from engine.records.catalogue import load_catalogue
from engine.records.model_record import CheckpointRecord, from_metadata
from engine.records.models import ModelStore, shipped_models
from engine.records.safetensors_header import read_header
from engine.resources import resource_path
from tests.engine.graphs import graph_of
from tests.engine.tiny_models import FULL_HEAD, TINY_CATEGORIES, save_tiny_model, tiny_config

PAPER = HeadConfig((1.0, 2.0, math.inf), 0.5)
RICH = HeadConfig((1.0, math.inf), 0.3, normalize=True, standardize=True, bias=True)


def checkpoint_for(name: str, size: int, head: HeadConfig, seed: int = 0) -> Checkpoint:
    torch.manual_seed(seed)
    config = ModelConfig(name, TINY_CATEGORIES, head, backbone_spec(name).preprocess(size))
    classifier = Classifier(config).eval().requires_grad_(requires_grad=False)
    heads = classifier.heads
    if heads.standardization is not None and heads.bias is not None:
        heads.standardization.running_mean.uniform_(-1, 1)
        heads.standardization.running_var.uniform_(0.1, 3)
        heads.bias.uniform_(-1, 1)
    return in_memory(classifier, CheckpointRecord(config, "m"))


@pytest.fixture(scope="module")
def tiny() -> tuple[Checkpoint, Graph]:
    checkpoint = checkpoint_for("timm:test_efficientnet", 64, FULL_HEAD)
    return checkpoint, graph_of(checkpoint)


@pytest.mark.slow
def test_other_weights_of_the_same_form_need_no_other_graph(
    tiny: tuple[Checkpoint, Graph],
) -> None:
    other = checkpoint_for("timm:test_efficientnet", 64, FULL_HEAD, seed=7)
    assert difference(other, tiny[1]) <= TOLERANCE
    assert graph_key(other.record.config) == graph_key(tiny[0].record.config)


def test_a_graph_holds_no_weights(tiny: tuple[Checkpoint, Graph]) -> None:
    checkpoint, graph = tiny
    size = sum(values.nbytes for values in checkpoint.weights.tensors.values())
    assert len(graph.to_bytes()) < size / 10
    assert graph.to_bytes() == graph.to_bytes()


def test_weights_of_another_form_are_refused(tiny: tuple[Checkpoint, Graph]) -> None:
    other = checkpoint_for("timm:test_efficientnet", 64, PAPER)
    with pytest.raises(CheckpointError, match="does not fit"):
        OnnxBackend(other.weights, tiny[1])


@pytest.mark.parametrize(
    "change",
    [
        {"backbone": "resnet18"},
        {"head": dataclasses.replace(PAPER, lam=0.1)},
        {"preprocess": dataclasses.replace(tiny_config().preprocess, input_size=96)},
        {"preprocess": dataclasses.replace(tiny_config().preprocess, mean=(0.25, 0.5, 0.5))},
    ],
)
def test_another_form_has_another_graph(change: dict[str, Any]) -> None:
    config = dataclasses.replace(tiny_config(), head=PAPER)
    assert graph_key(dataclasses.replace(config, **change)) != graph_key(config)


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"not a graph at all" * 40])
def test_a_damaged_graph_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: tuple[Checkpoint, Graph], data: bytes
) -> None:
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path))
    config = tiny[0].record.config
    path = keep_graph(config, tiny[1])
    assert find_graph(config) == tiny[1]
    path.write_bytes(data)
    assert find_graph(config) is None


@pytest.mark.parametrize("path", shipped_models().values(), ids=lambda path: path.stem)
def test_models_that_ship_have_a_graph_that_says_the_same(path: Path) -> None:
    checkpoint = open_checkpoint(path)
    graph = find_graph(checkpoint.record.config)
    assert graph is not None, "run python docs/make_graphs.py"
    assert difference(checkpoint, graph) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "head", "own", "others"),
    [
        ("timm:test_efficientnet", FULL_HEAD, 64, (32, 96, 160)),
        ("timm:test_convnext", FULL_HEAD, 64, (96, 224)),
        ("timm:test_vit3", FULL_HEAD, 64, ()),
        ("timm:test_efficientnet+groups7of50+nanodet", FULL_HEAD, 64, (32, 96)),
        ("timm:test_efficientnet", PAPER, 80, ()),  # between sizes that are halved five times
    ],
)
def test_a_convolutional_network_takes_other_sizes(
    name: str, head: HeadConfig, own: int, others: tuple[int, ...]
) -> None:
    checkpoint = checkpoint_for(name, own, head)
    graph = graph_of(checkpoint)
    assert graph.step == (32 if others else 0)
    backend = OnnxBackend(checkpoint.weights, graph)
    for size in others:
        pixels = np.random.default_rng(size).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
        theirs = backend.run(pixels)
        ours = TorchBackend(resized(checkpoint.classifier, size), torch.device("cpu")).run(pixels)
        np.testing.assert_allclose(theirs.logits, ours.logits, atol=1e-3, rtol=1e-3)
        np.testing.assert_allclose(
            theirs.position_scores, ours.position_scores, atol=1e-3, rtol=1e-3
        )


@pytest.mark.parametrize("form", catalogue_forms(), ids=lambda form: form.backbone)
def test_models_that_can_be_downloaded_have_a_graph(form: ModelConfig) -> None:
    assert resource_path("graphs", f"{graph_key(form)}.zip").is_file(), "docs/make_graphs.py"


def test_every_entry_that_says_its_form_has_one() -> None:
    without = [entry.id for entry in load_catalogue().values() if not entry_forms(entry)]
    assert [name for name in without if not name.endswith("imagenet")] == [
        "coco-vit-l16-star",  # a person says its λ
        "resnet-cut",
    ]


def test_graphs_that_ship_belong_to_a_model_and_are_small(tmp_path: Path) -> None:
    made = keep_details(ModelStore(tmp_path))
    paths = (*shipped_models().values(), made)
    shipped = [from_metadata(read_header(path).metadata).config for path in paths]
    keys = {graph_key(form) for form in (*catalogue_forms(), *shipped)}
    files = list(resource_path("graphs").glob("*"))
    assert {file.stem for file in files} == keys
    assert sum(file.stat().st_size for file in files) < 1 << 20


@pytest.mark.slow
@pytest.mark.parametrize("form", catalogue_forms(), ids=lambda form: form.backbone)
def test_graphs_of_models_to_download_say_what_pytorch_says(form: ModelConfig) -> None:
    graph = find_graph(form)
    assert graph is not None
    assert difference(with_random_weights(form, "m"), graph) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("head", [PAPER, RICH])
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet18", 64),
        ("resnet101", 96),
        ("vit_b16", 64),
        ("timm:test_vit3", 64),
        ("timm:test_convnext", 64),
        ("timm:swin_tiny_patch4_window7_224", 224),
        ("timm:tf_efficientnet_lite2", 96),
    ],
)
def test_every_kind_of_backbone_says_the_same_of_any_batch(
    name: str, size: int, head: HeadConfig
) -> None:
    checkpoint = checkpoint_for(name, size, head)
    assert difference(checkpoint, export_graph(checkpoint)) <= TOLERANCE


def test_a_file_of_ours_is_opened_the_same_by_both(tmp_path: Path) -> None:
    path = save_tiny_model(tmp_path / "m.safetensors")
    light, checkpoint = read_weights(path), open_checkpoint(path)
    assert (light.id, light.record) == (checkpoint.id, checkpoint.record)
    assert light.backbone_digest == checkpoint.weights.backbone_digest
    assert light.tensors.keys() == checkpoint.weights.tensors.keys()
