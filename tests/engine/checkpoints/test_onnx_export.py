import importlib
import json
import math
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from engine.api.categories import Categories
from engine.api.config import HeadConfig, ModelConfig
from engine.api.errors import CheckpointError
from engine.api.values import ModelImport
from engine.checkpoints import onnx_export
from engine.checkpoints.onnx_export import export_onnx, fold_heads
from engine.checkpoints.safetensors_model import in_memory
from engine.explain.evidence import logits as pooled
from engine.models.backbones import Backbone
from engine.models.classifier import Classifier
from engine.models.registry import BACKBONES, BackboneSpec, backbone_spec
from engine.records.model_record import CheckpointRecord
from engine.service.local import LocalEngine
from tests.engine.tiny_models import TINY_CATEGORIES, tiny_classifier, tiny_config, tiny_record

onnxruntime = pytest.importorskip("onnxruntime")

PAPER = HeadConfig((1.0, 2.0, 4.0, math.inf), 0.5)
RICH = HeadConfig((1.0, math.inf), 0.3, normalize=True, standardize=True, bias=True)


ANY_LETTERS = Categories(("кот", "犬", "árvore", "båt", "person"))


def checkpoint_for(name, size, head=PAPER, categories=TINY_CATEGORIES):
    torch.manual_seed(0)
    config = ModelConfig(name, categories, head, backbone_spec(name).preprocess(size))
    classifier = Classifier(config).eval().requires_grad_(requires_grad=False)
    if classifier.heads.standardization is not None:
        classifier.heads.standardization.running_mean.uniform_(-1, 1)
        classifier.heads.standardization.running_var.uniform_(0.1, 3)
        classifier.heads.bias.uniform_(-1, 1)
    return in_memory(classifier, CheckpointRecord(config, "m"))


@pytest.fixture(scope="module")
def plain():
    """The name of a backbone of one convolution: the exporter takes seconds for each layer more."""
    half = (0.5, 0.5, 0.5)
    spec = BackboneSpec(
        "plain", lambda _size: Backbone(torch.nn.Conv2d(3, 16, 8, 8), 16), half, half, 64
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, spec.name, spec)
        yield spec.name


@pytest.fixture(scope="module")
def exported(plain, tmp_path_factory):
    """A model, the only file in its folder, and how much the two differ: exporting takes long."""
    checkpoint = checkpoint_for(plain, 64, RICH, ANY_LETTERS)
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    return checkpoint, path, export_onnx(checkpoint, path)


@pytest.mark.slow
def test_onnx_gives_the_same_logits_and_position_scores_for_any_batch(exported):
    assert_same(*exported)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("resnet18", PAPER),
        ("timm:test_efficientnet", RICH),
        ("timm:test_vit3", PAPER),
        ("timm:test_convnext", RICH),
        ("timm:test_efficientnet+groups7of50+nanodet", RICH),
    ],
)
def test_every_kind_of_backbone_gives_the_same_as_onnx(name, head, tmp_path):
    checkpoint, path = checkpoint_for(name, 64, head), tmp_path / "model.onnx"
    assert_same(checkpoint, path, export_onnx(checkpoint, path))


def assert_same(checkpoint, path, difference):
    assert difference <= 1e-4
    assert list(path.parent.iterdir()) == [path]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = torch.rand(5, 3, 64, 64)
    logits, scores = session.run(["logits", "position_scores"], {"images": images.numpy()})
    with torch.inference_mode():
        ours = checkpoint.classifier(images)
    np.testing.assert_allclose(logits, ours.logits.numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(scores, ours.position_scores.numpy(), rtol=1e-4, atol=1e-4)


def test_the_norms_are_folded_and_the_file_says_what_it_is_in_any_letters(exported):
    onnx = pytest.importorskip("onnx")
    proto = onnx.load(exported[1])
    operators = {node.op_type for node in proto.graph.node}
    assert not operators & {"ReduceL2", "LpNormalization", "BatchNormalization"}
    told = json.loads({p.key: p.value for p in proto.metadata_props}["model"])
    assert told["categories"] == list(ANY_LETTERS)
    assert told["preprocess"]["input_size"] == 64


@pytest.mark.parametrize("head", [PAPER, RICH, tiny_config().head])
def test_folded_heads_score_positions_as_the_heads_do(head):
    checkpoint = checkpoint_for("timm:test_efficientnet", 64, head)
    heads = checkpoint.classifier.heads
    weight, bias = fold_heads(heads)
    features = torch.randn(2, weight.shape[1], 3, 4)
    expected = heads.position_scores(features).flatten(1, 2)
    folded = torch.nn.functional.conv2d(features, weight, bias)
    torch.testing.assert_close(folded, expected, rtol=1e-4, atol=1e-4)


def test_a_file_that_computes_something_else_is_not_kept(exported, tmp_path, monkeypatch):
    checkpoint = checkpoint_for(exported[0].record.config.backbone, 64, RICH, ANY_LETTERS)
    checkpoint.classifier.heads.bias.mul_(1.1)
    monkeypatch.setattr(
        onnx_export, "_write", lambda _f, _s, _c, path: shutil.copy(exported[1], path)
    )
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    with pytest.raises(CheckpointError, match="differ by"):
        export_onnx(checkpoint, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_onnx_runtime_cannot_run_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "_write", lambda _f, _s, _c, path: path.write_bytes(b"x"))
    with pytest.raises(CheckpointError, match="ONNX Runtime cannot run"):
        export_onnx(checkpoint_for("timm:test_efficientnet", 64), tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


def test_where_a_package_is_missing_it_says_how_to_install_it(tmp_path, monkeypatch):
    real = importlib.import_module

    def missing(name):
        if name == "onnxscript":
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(onnx_export.importlib, "import_module", missing)
    with pytest.raises(CheckpointError, match=r"onnxscript.*pip install onnx"):
        export_onnx(in_memory(tiny_classifier(), tiny_record()), tmp_path / "x.onnx")


def test_a_folder_that_is_not_there_is_an_error_in_plain_words(tmp_path):
    with pytest.raises(CheckpointError, match="could not be saved"):
        export_onnx(checkpoint_for("timm:test_efficientnet", 64), tmp_path / "no" / "x.onnx")


def test_what_was_exported_comes_back_in_whole_with_its_maps(exported, tmp_path):
    checkpoint, path, _ = exported
    engine = LocalEngine("cpu", num_workers=1)
    try:
        info = engine.open_model(engine.import_model(ModelImport(path, "back")))
        photo = tmp_path / "photo.png"
        pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photo)
        found = engine.explain(info.id, photo)
    finally:
        engine.close()
    assert (info.name, tuple(info.categories)) == ("back", tuple(ANY_LETTERS))
    assert (info.temperatures, info.lam, info.says_where) == (RICH.temperatures, RICH.lam, True)
    scaled = (pixels / 255 - 0.5) / 0.5
    with torch.inference_mode():
        ours = checkpoint.classifier(torch.tensor(scaled.transpose(2, 0, 1)[None]).float())
    assert found.values == pytest.approx(ours.position_scores[0].numpy(), abs=1e-3)
    assert pooled(found) == pytest.approx(ours.logits[0].numpy(), abs=1e-3)


def test_a_file_that_only_says_it_is_ours_is_refused(exported, tmp_path):
    _, path, _ = exported
    model = importlib.import_module("onnx").load(path)
    for entry in model.metadata_props:
        if entry.key == "model":
            entry.value = entry.value.replace('"lam": 0.3', '"lam": 3.0')
    changed = tmp_path / "changed.onnx"
    changed.write_bytes(model.SerializeToString())
    engine = LocalEngine("cpu", num_workers=1)
    try:
        with pytest.raises(CheckpointError, match="do not add up"):
            engine.import_model(ModelImport(changed))
    finally:
        engine.close()
