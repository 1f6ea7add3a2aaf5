"""Where a training starts, and what the messages about it promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import torchvision

from engine.api.categories import Categories
from engine.api.errors import CheckpointError, ModelError
from engine.api.training import ModelStart
from engine.checkpoints.csra_import import BackboneOnlyError
from engine.checkpoints.loading import open_checkpoint
from engine.records.catalogue import find_model, find_start, load_catalogue
from engine.records.models import ModelStore
from engine.train.start import starting_classifier

CATEGORIES = Categories(("cat", "dog"))


@pytest.fixture
def network() -> torchvision.models.ResNet:
    torch.manual_seed(3)
    return torchvision.models.resnet18(weights=None)


@pytest.mark.parametrize("wraps", [lambda state: state, lambda state: {"state_dict": state}])
@pytest.mark.parametrize("has_classifier", [True, False])
def test_a_training_starts_from_the_file_of_a_backbone(
    tmp_path: Path, network: torchvision.models.ResNet, wraps: object, has_classifier: bool
) -> None:
    state = network.state_dict()
    if not has_classifier:
        state = {name: value for name, value in state.items() if not name.startswith("fc.")}
    file = tmp_path / "mine.pth"
    torch.save(wraps(state), file)  # type: ignore[operator]
    with pytest.raises(BackboneOnlyError, match="csra train --init"):
        open_checkpoint(file)
    start = ModelStart(str(file), backbone="resnet101", input_size=64, lam=0.3)
    classifier = starting_classifier(start, CATEGORIES, 0)
    config = classifier.config
    assert (config.backbone, config.categories) == ("resnet18", CATEGORIES)
    assert (config.preprocess.input_size, config.head.lam) == (64, 0.3)
    weights = classifier.backbone.network.layer4[1].conv2.weight
    torch.testing.assert_close(weights, network.layer4[1].conv2.weight)
    assert classifier.eval()(torch.zeros(1, 3, 64, 64)).logits.shape == (1, 2)


def test_a_file_that_is_neither_a_model_nor_a_backbone_is_no_start(tmp_path: Path) -> None:
    file = tmp_path / "other.pth"
    torch.save({"a.weight": torch.zeros(3, 3)}, file)
    with pytest.raises(CheckpointError):
        starting_classifier(ModelStart(str(file)), CATEGORIES, 0)


def test_every_backbone_of_the_catalogue_says_how_to_start_from_it(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    backbones = [e for e in load_catalogue().values() if e.kind == "backbone"]
    assert backbones
    for entry in backbones:
        said = f"csra models download {entry.id}, then csra train --init {entry.id}"
        with pytest.raises(ModelError, match=re.escape(said)):
            find_start(entry.id, store)
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
