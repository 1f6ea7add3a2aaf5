"""ImageNet classifiers as taggers of the vocabulary, on tiny networks with random weights."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from timm.data.imagenet_info import ImageNetInfo
from torch import nn

from engine import cli
from engine.api.config import PreprocessConfig
from engine.api.errors import ModelError
from engine.api.label_measures import UNMEASURED
from engine.api.vocabulary import Vocabulary, VocabularyCategory, everyday
from engine.checkpoints.safetensors_model import load_checkpoint
from engine.data.decoding.decode import decode
from engine.inference.graphs import find_graph
from engine.models import pretrained
from engine.models.classifier import Classifier
from engine.models.composite import CompositeBackbone
from engine.models.registry import build_backbone
from engine.models.vocabulary_tagger import vocabulary_groups, wrap_with_vocabulary
from engine.resources import resource_path

TINY = "timm:test_efficientnet"
SMALL = Vocabulary(
    (
        VocabularyCategory("animal"),
        VocabularyCategory("dog", ("n1", "n2"), ("animal",)),
        VocabularyCategory("pug", ("n3",), ("dog",), is_detail=True),
        VocabularyCategory("cat", ("n4",), ("animal",)),
        VocabularyCategory("party"),
    ),
    ("n1", "n2", "n3", "n4"),
)


def tiny_network(num_classes: int = 1000, name: str = TINY) -> nn.Module:
    torch.manual_seed(3)
    network = timm.create_model(name.removeprefix("timm:"), num_classes=num_classes)
    with torch.no_grad():
        last = pretrained.last_layer(network, name)
        last.weight.normal_(0.0, 3.0)
        last.bias.normal_()
    return network.eval()


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    found = tiny_network()
    monkeypatch.setattr(pretrained, "_downloaded", lambda _name, _what: found)
    return found


def test_a_category_takes_the_classes_of_all_its_kinds() -> None:
    groups = vocabulary_groups(SMALL, ["n4", "n3", "x", "n1"])
    assert groups.names == ("animal", "dog", "cat")
    assert groups.members.T.tolist() == [[1, 1, 0, 1], [0, 1, 0, 1], [1, 0, 0, 0]]
    assert groups.dropped == ()
    assert vocabulary_groups(SMALL, ["n3"], details=True).names == ("animal", "dog", "pug")
    assert vocabulary_groups(SMALL, ["n1", "n2"]).dropped == ("cat",)
    with pytest.raises(ModelError, match="knows nothing"):
        vocabulary_groups(SMALL, ["x"])


def test_the_logit_is_the_mean_and_the_peak_of_the_log_odds(network: nn.Module) -> None:
    classifier, record, dropped = wrap_with_vocabulary(TINY, everyday(), 0.3, 64)
    names = tuple(record.config.categories)
    assert dropped == ()
    assert record.config.backbone == f"{TINY}+groups{len(names)}"
    assert names == tuple(
        c.name for c in everyday().categories if not c.is_detail and everyday().all_members(c.name)
    )
    assert record.measures == (UNMEASURED,) * len(names)
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        features = network.forward_features(images)  # type: ignore[operator]
        scores = network.classifier(features.permute(0, 2, 3, 1)).double()  # type: ignore[operator]
        found = classifier(images)
    shares = scores.softmax(dim=-1).flatten(1, 2).numpy()
    for name in ("dog", "animal", "boat", names[-1]):
        members = np.isin(np.arange(1000), everyday().all_members(name))
        of_group, of_others = (
            shares[:, :, m].sum(axis=2).clip(1e-6, 1 - 1e-6) for m in (members, ~members)
        )
        log_odds = np.log(of_group / of_others)
        wanted = (log_odds.mean(axis=1) + 0.3 * log_odds.max(axis=1)) / 1.3
        np.testing.assert_allclose(found.logits[:, names.index(name)], wanted, rtol=1e-3, atol=1e-3)


def test_channels_are_brought_to_one_size_by_the_photos_that_ship(network: nn.Module) -> None:
    classifier, _, _ = wrap_with_vocabulary(TINY, everyday(), input_size=64)
    norm = classifier.heads.standardization
    assert norm is not None
    seen = []
    for path in sorted(resource_path("samples").glob("*.jpg")):
        pixels = torch.from_numpy(decode(path, 64, "squash", mode="exact").pixels)
        mean, std = (torch.tensor(v) for v in (_pixels(classifier).mean, _pixels(classifier).std))
        images = ((pixels / 255 - mean) / std).permute(2, 0, 1)[None]
        with torch.inference_mode():
            seen.append(norm(classifier.backbone(images)))
    found = torch.cat(seen)
    assert found.mean(dim=(0, 2, 3)).abs().max() < 1e-3
    deviations = found.std(dim=(0, 2, 3))
    assert deviations.max() < 1.1
    assert deviations[-len(classifier.config.categories) :].max() > 0.9


def test_kinds_are_known_and_details_are_categories_if_wanted(network: nn.Module) -> None:
    _, record, _ = wrap_with_vocabulary(TINY, everyday(), input_size=64, details=True)
    config = record.config
    names = list(config.categories)
    assert config.head.temperatures == (math.inf,)
    assert (config.head.lam, config.head.activation) == (0.3, "sigmoid")
    above = {names[place] for place in config.parents.ancestors(names.index("golden retriever"))}
    assert {"dog", "animal"} <= above


def test_classifiers_of_more_classes_are_known_by_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = tiny_network(11221)
    monkeypatch.setattr(pretrained, "_downloaded", lambda _name, _what: found)
    classifier, record, dropped = wrap_with_vocabulary(TINY, everyday(), input_size=64)
    synsets = ImageNetInfo("imagenet-21k-miil").label_names()
    names = tuple(record.config.categories)
    assert record.config.backbone == f"{TINY}+groups{len(names)}of11221"
    assert "dog" in names
    assert not set(dropped) & set(names)
    backbone = classifier.backbone
    assert isinstance(backbone, CompositeBackbone)
    assert backbone.groups is not None
    row = backbone.groups.members[names.index("dog")].bool().tolist()
    own = {everyday().classes[index] for index in everyday().all_members("dog")}
    assert {synset for synset, is_in in zip(synsets, row, strict=True) if is_in} == own & set(
        synsets
    )


@pytest.mark.parametrize(
    ("name", "classes", "message"),
    [
        (TINY, 10, "tells 10 categories apart, as no set of ImageNet"),
        ("timm:test_convnext", 1000, "something else than the mean"),
    ],
)
def test_other_classifiers_are_refused(
    name: str, classes: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tiny_network(classes, name)
    monkeypatch.setattr(pretrained, "_downloaded", lambda _name, _what: found)
    with pytest.raises(ModelError, match=message):
        wrap_with_vocabulary(name, everyday(), input_size=64)


def test_all_parts_of_a_composite_are_given_or_none(network: nn.Module) -> None:
    backbone = build_backbone(f"{TINY}+groups2", 64)
    assert isinstance(backbone, CompositeBackbone)
    assert backbone.groups is not None
    members = torch.eye(1000)[:, :2]
    pretrained.load_parts(backbone, network, members)
    last = pretrained.last_layer(network, TINY)
    assert torch.equal(backbone.groups.classifier.weight, last.weight)
    for given in [(None, None), (members, Path("nanodet.json"))]:
        with pytest.raises(ModelError, match="not all those, or more"):
            pretrained.load_parts(backbone, network, *given)


@pytest.mark.slow
@pytest.mark.usefixtures("graphs_made_once")
def test_the_command_makes_a_model_of_everyday_words(
    network: nn.Module,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path))
    command = ["models", "wrap", TINY, "--input-size", "64"]
    assert cli.run([*command, "--vocabulary", "everyday"]) == 0
    assert "'test_efficientnet-everyday' is ready" in capsys.readouterr().err
    record = load_checkpoint(tmp_path / "models" / "test_efficientnet-everyday.safetensors").record
    assert record.name == "test_efficientnet-everyday"
    assert record.config.parents
    assert find_graph(record.config) is not None
    assert cli.run([*command, "--details"]) == 2
    assert "--details is for --vocabulary" in capsys.readouterr().err


def test_what_a_smaller_classifier_lacks_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tiny_network(11221)
    monkeypatch.setattr(pretrained, "_downloaded", lambda _name, _what: found)
    monkeypatch.setattr("engine.cli.models_making.everyday", _with_one_more)
    monkeypatch.setattr("engine.cli.models_making.make_graph", lambda _path: "")
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path))
    options = ["--vocabulary", "everyday", "--input-size", "64"]
    assert cli.run(["models", "wrap", TINY, *options]) == 0
    assert "has no class for 1 categories: unicorn" in capsys.readouterr().err


def _pixels(classifier: Classifier) -> PreprocessConfig:
    return classifier.config.preprocess


def _with_one_more() -> Vocabulary:
    return Vocabulary(
        (
            VocabularyCategory("dog", ("n02099601",)),
            VocabularyCategory("unicorn", ("n00000000",)),
        ),
        ("n02099601", "n00000000"),
    )
