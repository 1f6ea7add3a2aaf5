"""Heads of other kinds than residual attention, from the file to what is asked of the model."""

import contextlib
import dataclasses
import json

import numpy as np
import pytest
import torch
from PIL import Image

from engine.api.categories import Categories
from engine.api.config import HeadConfig, PredictConfig
from engine.api.errors import CheckpointError, ModelError
from engine.api.training import ModelStart, head_like
from engine.api.values import ModelImport
from engine.checkpoints.graph_export import TOLERANCE, difference, export_graph
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.onnx_export import export_onnx
from engine.checkpoints.safetensors_model import save_checkpoint
from engine.inference.graphs import graph_key
from engine.models.backbones import Backbone
from engine.models.registry import BACKBONES, BackboneSpec
from engine.records.model_record import model_id
from engine.records.safetensors_header import read_header
from engine.service.local import LocalEngine
from engine.train.start import from_checkpoint, starting_classifier
from tests.engine.tiny_models import rewrite, save_tiny_model, tiny_classifier, tiny_config
from tests.engine.tiny_models import tiny_record as record_of

DECODER = HeadConfig((1.0,), 0.0, False, standardize=True, kind="ml-decoder", queries=3, width=16)
GAP = HeadConfig((1.0,), 0.0, False, standardize=True, bias=True, kind="gap")


@pytest.fixture(scope="module")
def small():
    """A backbone of one convolution, as exporting takes seconds for each layer more."""
    half = (0.5, 0.5, 0.5)
    spec = BackboneSpec(
        "plain", lambda _size: Backbone(torch.nn.Conv2d(3, 16, 8, 8), 16), half, half, 64
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, spec.name, spec)
        yield spec.name


@pytest.fixture(scope="module")
def decoder(small, tmp_path_factory):
    """A model with such a head, and its file."""
    config = dataclasses.replace(tiny_config(DECODER), backbone=small)
    file = tmp_path_factory.mktemp("models") / "decoder.safetensors"
    save_checkpoint(file, tiny_classifier(config), record_of(config))
    return open_checkpoint(file), file


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "a.png"
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("head", [GAP, DECODER], ids=["gap", "ml-decoder"])
def test_a_file_keeps_the_kind_of_its_head(tmp_path, head):
    config = tiny_config(head)
    checkpoint = open_checkpoint(save_tiny_model(tmp_path / "m.safetensors", config))
    assert checkpoint.record.config == config
    images = torch.rand(2, 3, 64, 64)
    found = checkpoint.classifier(images).logits
    torch.testing.assert_close(found, tiny_classifier(config)(images).logits)


def test_files_of_residual_attention_say_nothing_new_and_keep_their_id(tmp_path):
    metadata = read_header(save_tiny_model(tmp_path / "m.safetensors")).metadata
    said = json.loads(metadata["model"])["head"]
    assert sorted(said) == [
        *("activation", "bias", "lam", "normalize", "standardize", "temperatures"),
    ]
    other = save_tiny_model(tmp_path / "d.safetensors", tiny_config(DECODER))
    changed = dict(read_header(other).metadata)
    body = json.loads(changed["model"])
    assert body["head"]["kind"] == "ml-decoder"
    body["head"]["queries"] = 4
    assert model_id({**changed, "model": json.dumps(body)}) != model_id(changed)


@pytest.mark.parametrize("wrong", [{"queries": 2.5}, {"width": 10**9}, {"kind": "mlp"}])
def test_a_file_that_describes_no_head_is_refused(tmp_path, wrong):
    file = save_tiny_model(tmp_path / "m.safetensors", tiny_config(DECODER))
    body = json.loads(read_header(file).metadata["model"])
    rewrite(file, model={"head": {**body["head"], **wrong}})
    with pytest.raises(CheckpointError):
        open_checkpoint(file)


def test_only_what_changes_the_network_makes_another_graph():
    keys = [graph_key(tiny_config(head)) for head in (DECODER, GAP)]
    keys.append(graph_key(tiny_config(dataclasses.replace(GAP, kind="csra"))))
    keys += [graph_key(tiny_config(dataclasses.replace(DECODER, queries=4)))]
    assert keys[1] == keys[2] and len(set(keys)) == 3


@pytest.mark.slow  # exporting takes seconds
def test_onnx_runtime_runs_the_decoder_as_pytorch_does(decoder):
    checkpoint, _ = decoder
    graph = export_graph(checkpoint)
    assert difference(checkpoint, graph) <= TOLERANCE


@pytest.mark.slow
def test_the_decoder_is_exported_and_comes_back_without_maps(decoder, photo, tmp_path):
    checkpoint, file = decoder
    target = tmp_path / "decoder.onnx"
    assert export_onnx(checkpoint, target) <= 1e-4
    with contextlib.closing(LocalEngine("cpu", num_workers=1)) as engine:
        back = engine.open_model(engine.import_model(ModelImport(target, name="back")))
        ours = engine.open_model(str(file))
        assert not back.says_where and not ours.says_where
        scores = [next(engine.predict(model.id, [photo])).scores for model in (back, ours)]
        np.testing.assert_allclose(*scores, atol=1e-4)


def test_a_model_without_maps_tags_and_says_what_but_not_where(decoder, photo, tmp_path):
    _, file = decoder
    with contextlib.closing(LocalEngine("cpu", backend="torch", num_workers=1)) as engine:
        model = engine.open_model(str(file))
        assert not model.says_where and not model.can_be_taught
        config = PredictConfig(features=tmp_path / "kept", descriptors="along")
        found = next(engine.predict(model.id, [photo], config))
        assert found.error is None and found.descriptor is not None
        where = engine.explain(model.id, photo)
        assert where.values.shape == (1, 5, 1, 1) and not where.says_where
        np.testing.assert_allclose(
            1 / (1 + np.exp(-where.values[0, :, 0, 0])), found.scores, atol=1e-5
        )


def test_a_training_starts_with_the_head_that_is_wanted(monkeypatch):
    monkeypatch.setattr("engine.train.start.load_imagenet_weights", lambda backbone, name: None)
    for kind in ("csra", "gap", "ml-decoder"):
        start = ModelStart(backbone="timm:test_efficientnet", input_size=64, head=kind)
        head = starting_classifier(start, Categories(("a", "b")), 0).config.head
        assert head.kind == kind and head.standardize
    start = dataclasses.replace(start, queries=2, width=32)
    made = starting_classifier(start, Categories(("a", "b", "c")), 0)
    assert made.heads.queries.shape == (2, 32)


def test_another_head_starts_anew_on_the_same_backbone(tmp_path):
    old = open_checkpoint(save_tiny_model(tmp_path / "m.safetensors"))
    head = head_like(old.record.config.head, "ml-decoder")
    new = from_checkpoint(old, Categories(("cat", "zebra")), 0, head)
    theirs = old.classifier
    for name in ("running_mean", "running_var"):
        values = getattr(new.heads.standardization, name)
        assert torch.equal(values, getattr(theirs.heads.standardization, name))
    weights = new.backbone.state_dict(), theirs.backbone.state_dict()
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_arithmetic_on_positions_is_refused_where_there_are_none(decoder):
    checkpoint, _ = decoder
    with pytest.raises(ModelError, match="no scores of positions"):
        _ = checkpoint.weights.heads
