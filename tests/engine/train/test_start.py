"""Where a training starts, and what the messages about it promise."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch
import torchvision

from engine.api.categories import Categories
from engine.api.config import HeadConfig
from engine.api.errors import CheckpointError, ModelError
from engine.api.training import HEAD_FORMS, INPUT_SIZES, PRESET_STARTS, HeadForm, ModelStart
from engine.api.training_config import PRESETS
from engine.checkpoints.csra_import import BackboneOnlyError
from engine.checkpoints.loading import open_checkpoint
from engine.models.classifier import Classifier
from engine.records.catalogue import find_model, find_start, load_catalogue
from engine.records.models import ModelStore
from engine.train.start import new_pixels, starting_classifier, starting_point
from tests.engine.tiny_models import save_tiny_model

CATEGORIES = Categories(("cat", "dog"))


@pytest.fixture
def network() -> torchvision.models.ResNet:
    torch.manual_seed(3)
    network = torchvision.models.resnet18(weights=None)
    for name, tensor in network.state_dict().items():
        if name.endswith(("bias", "running_mean", "running_var")):
            tensor.uniform_(0.5, 1.5)
    return network


def assert_started_from(classifier: Classifier, network: torchvision.models.ResNet) -> None:
    """Each tensor, not just a name: a network with random weights has the same names."""
    own = classifier.backbone.network.state_dict()
    theirs = {n: t for n, t in network.state_dict().items() if not n.startswith("fc.")}
    assert own.keys() == theirs.keys()
    assert [n for n, tensor in own.items() if not torch.equal(tensor, theirs[n])] == []


@pytest.mark.slow
@pytest.mark.parametrize("named", ["model", "backbone"])
def test_a_training_starts_from_the_file_of_a_backbone(
    tmp_path: Path, network: torchvision.models.ResNet, named: str
) -> None:
    file = tmp_path / "mine.pth"
    torch.save({"state_dict": network.state_dict()}, file)
    with pytest.raises(BackboneOnlyError, match="New training in the menu Train"):
        open_checkpoint(file)
    start = ModelStart(backbone="resnet101", input_size=64, lam=0.3)
    begin = starting_point(dataclasses.replace(start, **{named: str(file)}), CATEGORIES, 0)
    config = begin.classifier.config
    assert (config.backbone, config.categories) == ("resnet18", CATEGORIES)
    assert (config.preprocess.input_size, config.head.lam) == (64, 0.3)
    assert begin.has_new_heads and begin.origin == "weights of 'mine.pth'"
    assert_started_from(begin.classifier, network)
    assert begin.classifier.eval()(torch.zeros(1, 3, 64, 64)).logits.shape == (1, 2)


@pytest.mark.parametrize("named", ["resnet18", "resnet18-imagenet"])
def test_a_downloaded_backbone_is_a_start_by_its_id_and_the_imagenet_weights_of_its_network(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    network: torchvision.models.ResNet,
    named: str,
) -> None:
    store = ModelStore(tmp_path / "models")
    for module in ("engine.records.catalogue", "engine.train.start"):
        monkeypatch.setattr(f"{module}.default_store", lambda: store)
    store.downloads.mkdir(parents=True)
    torch.save(network.state_dict(), store.downloads / "resnet18-imagenet.pth")
    classifier = starting_classifier(ModelStart(backbone=named, input_size=64), CATEGORIES, 0)
    assert_started_from(classifier, network)


def test_weights_that_cannot_be_had_can_be_downloaded_by_a_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def offline(*_: object) -> None:
        raise ModelError("They could not be downloaded.")

    monkeypatch.setattr("engine.train.start.load_imagenet_weights", offline)
    with pytest.raises(ModelError, match="from the list of models first") as told:
        starting_classifier(ModelStart(backbone="resnet18", input_size=64), CATEGORIES, 0)
    assert told.value.options == "csra models download resnet18-imagenet"


def test_every_preset_has_a_start_and_the_papers_have_its_networks_heads_and_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.train.start.load_imagenet_weights", lambda backbone, name: None)
    assert set(PRESET_STARTS) == {"quick", *PRESETS}
    found = {}
    for name in ("paper", "paper-coco", "paper-wider"):
        start = PRESET_STARTS[name]
        found[name] = (start.backbone, HEAD_FORMS[start.form], INPUT_SIZES[start.form])
    inf = math.inf
    assert found == {
        "paper": ("resnet101", HeadConfig((1,), 0.1), 448),
        "paper-coco": ("resnet101", HeadConfig((1, 2, 3, 4, 5, inf), 0.5), 448),
        "paper-wider": ("vit_b16", HeadConfig((1,), 0.3), 224),
    }
    start = ModelStart(backbone="resnet18", form="paper-coco", input_size=64)
    config = starting_classifier(start, CATEGORIES, 0).config
    assert config.head.num_heads == 6 and config.preprocess.mean == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("form", "mean"), [("paper", 0.0), ("paper-wider", 0.5)])
def test_a_vision_transformer_gets_the_pixels_of_the_official_code(
    form: HeadForm, mean: float
) -> None:
    assert new_pixels(ModelStart(form=form), "vit_b16").mean == (mean,) * 3


def test_a_file_that_is_neither_a_model_nor_a_backbone_is_no_start(tmp_path: Path) -> None:
    file = tmp_path / "other.pth"
    torch.save({"a.weight": torch.zeros(3, 3)}, file)
    with pytest.raises(CheckpointError):
        starting_classifier(ModelStart(str(file)), CATEGORIES, 0)


def test_heads_of_categories_that_a_model_lacks_begin_by_the_seed(tmp_path: Path) -> None:
    file = tmp_path / "tiny.safetensors"
    save_tiny_model(file)

    def heads(seed: int) -> torch.Tensor:
        classifier = starting_classifier(ModelStart(str(file)), Categories(("axe", "yak")), seed)
        return classifier.linear_heads.weight.detach().clone()

    torch.manual_seed(11)
    first = heads(0)
    torch.manual_seed(12)
    assert torch.equal(heads(0), first) and not torch.equal(heads(1), first)


def test_every_backbone_of_the_catalogue_says_how_to_start_from_it(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    backbones = [e for e in load_catalogue().values() if e.kind == "backbone"]
    assert backbones
    for entry in backbones:
        said = f"csra models download {entry.id}, then csra train --init {entry.id}"
        with pytest.raises(ModelError, match="once it is downloaded") as told:
            find_start(entry.id, store)
        assert told.value.options == said
        store.downloads.mkdir(parents=True, exist_ok=True)
        (store.downloads / entry.source.file_name).touch()
        assert find_start(entry.id, store) == store.downloads / entry.source.file_name
        with pytest.raises(ModelError, match="cannot tag photos") as told:
            find_model(entry.id, store)
        assert "download" not in str(told.value)


def test_models_that_are_not_here_are_no_start_even_if_they_were_downloaded(
    tmp_path: Path,
) -> None:
    store = ModelStore(tmp_path / "models")
    entry = next(e for e in load_catalogue().values() if e.kind == "official")
    store.downloads.mkdir(parents=True)
    (store.downloads / entry.source.file_name).touch()
    with pytest.raises(ModelError, match="not imported yet"):
        find_start(entry.id, store)
