"""Backbones with more channels, on tiny networks with random weights."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.api.categories import Categories
from engine.api.config import HeadConfig, ModelConfig, PreprocessConfig
from engine.api.errors import CheckpointError, ModelError
from engine.checkpoints.csra_import import check_official
from engine.checkpoints.safetensors_model import in_memory, load_checkpoint, save_checkpoint
from engine.checkpoints.weights import classifier_shapes, shapes_of
from engine.inference.int8 import Int8Maker
from engine.models.classifier import Classifier
from engine.models.composite import CompositeBackbone, GroupLogOdds, load_groups
from engine.models.pretrained import imagenet_classifier
from engine.models.registry import backbone_spec, build_backbone
from engine.models.resizing import resized
from engine.pytorch.torch_backend import TorchBackend
from engine.records.model_record import CheckpointRecord
from engine.train.start import from_checkpoint
from tests.engine.graphs import graph_of
from tests.engine.tiny_models import FULL_HEAD, TINY_BACKBONE, TINY_CATEGORIES

GROUPS, CLASSES = 7, 50
BOTH = f"{TINY_BACKBONE}+groups{GROUPS}of{CLASSES}+nanodet"


def classifier_of(name: str = BOTH, **pixels: object) -> Classifier:
    torch.manual_seed(0)
    preprocess = dataclasses.replace(backbone_spec(name).preprocess(64), **pixels)  # type: ignore[arg-type]
    classifier = Classifier(ModelConfig(name, TINY_CATEGORIES, FULL_HEAD, preprocess))
    return classifier.eval().requires_grad_(requires_grad=False)


def composite_of(classifier: Classifier) -> CompositeBackbone:
    assert isinstance(classifier.backbone, CompositeBackbone)
    return classifier.backbone


def groups_of(classifier: Classifier) -> GroupLogOdds:
    found = composite_of(classifier).groups
    assert found is not None
    return found


def some_images(side: int = 64) -> Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def some_members() -> Tensor:
    members = torch.rand(CLASSES, GROUPS, generator=torch.Generator().manual_seed(1)) < 0.2
    members[:, 0], members[:, 1] = True, False  # all there is, and nothing
    return members


@pytest.mark.parametrize("size", [1.0, 30.0, 3000.0])
def test_log_odds_are_exact_however_sure_the_classifier_is(size: float) -> None:
    groups = GroupLogOdds(16, CLASSES, GROUPS)
    generator = torch.Generator().manual_seed(2)
    weight = torch.randn(CLASSES, 16, generator=generator) * size / 4
    bias, members = torch.randn(CLASSES, generator=generator), some_members()
    features = torch.randn(2, 16, 3, 4, generator=generator)
    with torch.no_grad():
        groups.classifier.weight.copy_(weight)
        groups.classifier.bias.copy_(bias)
        groups.members.copy_(members.T)
        found = groups(features).numpy()
    scores = np.einsum("kd,bdhw->bkhw", weight.double(), features.double())
    scores += bias.double().numpy()[:, None, None]
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    of_group, of_others = (
        np.einsum("kg,bkhw->bghw", m.double(), shares).clip(1e-6, 1 - 1e-6)
        for m in (members, ~members)
    )
    # Float32 rounds the scores themselves, and they may be thousands here.
    atol = 1e-3 * max(1.0, size / 100)
    np.testing.assert_allclose(found, np.log(of_group / of_others), rtol=1e-3, atol=atol)
    assert found[:, 0].min() > 13.8
    assert found[:, 1].max() < -13.8


def test_channels_are_the_backbones_then_groups_then_nanodets() -> None:
    classifier = classifier_of()
    backbone = composite_of(classifier)
    plain = build_backbone(TINY_BACKBONE, 64).eval()
    own = {k: v for k, v in backbone.state_dict().items() if k.startswith("network.")}
    plain.load_state_dict(own)  # the same names as without the others
    assert backbone.feature_dim == plain.feature_dim + GROUPS + 80
    with torch.inference_mode():
        found = backbone(some_images())
        features = plain(some_images())
        wanted = [features, groups_of(classifier)(features), backbone.detector(some_images())]  # type: ignore[misc]
    assert found.shape == (2, backbone.feature_dim, 2, 2)
    torch.testing.assert_close(found, torch.cat(wanted, dim=1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["+groups3", "+groups3of20", "+nanodet", "+groups3+nanodet"])
def test_each_part_can_be_left_out(name: str) -> None:
    backbone = build_backbone(TINY_BACKBONE + name, 64)
    more = 3 * ("groups" in name) + 80 * ("nanodet" in name)
    assert backbone(some_images()).shape[1] == backbone.feature_dim
    assert backbone.feature_dim == build_backbone(TINY_BACKBONE, 64).feature_dim + more


def test_nanodet_sees_the_same_photo_however_the_pixels_are_normalised() -> None:
    pixels = torch.rand(1, 3, 64, 64)
    seen = []
    for mean, std in [((0.5,) * 3, (0.5,) * 3), ((0.1, 0.2, 0.3), (0.4, 0.6, 0.9))]:
        classifier = classifier_of(mean=mean, std=std)
        shift, scale = (torch.tensor(values).view(1, 3, 1, 1) for values in (mean, std))
        seen.append(classifier.backbone((pixels - shift) / scale)[:, -80:])
    torch.testing.assert_close(*seen, rtol=1e-3, atol=1e-3)


def test_groups_are_given_and_misfits_refused() -> None:
    classifier = classifier_of()
    weight, bias, members = torch.rand(CLASSES, 256), torch.rand(CLASSES), some_members()
    weight = weight[:, : groups_of(classifier).classifier.in_features]
    load_groups(classifier.backbone, weight, bias, members)
    assert torch.equal(groups_of(classifier).members, members.T.float())
    assert torch.equal(groups_of(classifier).classifier.weight, weight)
    load_groups(classifier.backbone, weight, None, members)
    assert not groups_of(classifier).classifier.bias.any()
    for wrong in [
        (weight[1:], bias[1:], members),
        (weight, bias[1:], members),
        (weight, bias, members[:, 1:]),
        (weight, bias, members * 0.5),
    ]:
        with pytest.raises(ModelError, match=r"do not fit|0 or 1"):
            load_groups(classifier.backbone, *wrong)
    with pytest.raises(ModelError, match="no groups"):
        load_groups(build_backbone(TINY_BACKBONE, 64), weight, bias, members)


def test_sizes_that_nanodet_has_no_grid_for_are_refused_with_one_that_it_has() -> None:
    with pytest.raises(ModelError, match=r"cannot take 80 pixels.*for example 64"):
        build_backbone(BOTH, 80)
    assert build_backbone(f"{TINY_BACKBONE}+groups3", 80)(some_images(80)).shape[2:] == (3, 3)
    with pytest.raises(ModelError, match="cannot take 80 pixels"):
        build_backbone(BOTH, 64)(some_images(80))
    with pytest.raises(ModelError, match="multiple of 32"):
        resized(classifier_of(), 80)
    with pytest.raises(ModelError, match=r"'timm:test_vit3' cannot be joined.*positions a side"):
        build_backbone("timm:test_vit3+nanodet", 64)(some_images())


def test_another_size_has_the_same_weights() -> None:
    classifier = classifier_of()
    other = resized(classifier, 96)
    assert other.config.preprocess.input_size == 96
    assert other(some_images(96)).position_scores.shape[-2:] == (3, 3)
    for name, value in classifier.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


def test_a_half_precision_file_keeps_members_to_the_bit(tmp_path: Path) -> None:
    classifier = classifier_of(f"{TINY_BACKBONE}+groups70")
    members = torch.rand(1000, 70) < 0.1
    dim = groups_of(classifier).classifier.in_features
    load_groups(classifier.backbone, torch.randn(1000, dim) / 16, None, members)
    path = tmp_path / "half.safetensors"
    save_checkpoint(path, classifier, CheckpointRecord(classifier.config, "m"), half=True)
    found = load_checkpoint(path).classifier
    assert torch.equal(groups_of(found).members, members.T.float())
    with torch.inference_mode():
        scores = found(some_images()).position_scores
        wanted = classifier(some_images()).position_scores
    torch.testing.assert_close(scores, wanted, rtol=1e-2, atol=1e-2)


def test_the_shapes_of_a_file_are_known_without_making_the_network() -> None:
    classifier = classifier_of()
    assert classifier_shapes(classifier.config) == shapes_of(classifier.state_dict())


def test_half_precision_is_for_the_networks_and_not_for_shares() -> None:
    classifier = classifier_of()
    exact = classifier.backbone(some_images())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = classifier.backbone(some_images())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, rtol=0.05, atol=0.05 * float(exact.abs().max()))
    features = exact[:, : groups_of(classifier).classifier.in_features]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = groups_of(classifier)(features)
    assert torch.equal(inside, groups_of(classifier)(features))
    backend = TorchBackend(classifier, torch.device("cpu"), torch.bfloat16)
    seen = backend.run(np.full((1, 64, 64, 3), 90, dtype=np.uint8), features=True)
    assert seen.features is not None
    assert seen.features.shape[1] == classifier.backbone.feature_dim


def test_all_but_the_members_learns() -> None:
    classifier = classifier_of().train().requires_grad_()
    before = groups_of(classifier).members.clone()
    optimizer = torch.optim.SGD(classifier.parameters(), lr=0.1)
    classifier(some_images()).logits.square().sum().backward()
    optimizer.step()
    parts = {name.split(".")[1] for name, p in classifier.named_parameters() if p.grad is not None}
    assert {"network", "groups", "detector"} <= parts
    assert all(torch.isfinite(p).all() for p in classifier.parameters())
    assert torch.equal(groups_of(classifier).members, before)


def test_a_copy_sees_with_its_own_weights() -> None:
    classifier = classifier_of()
    before = classifier.backbone(some_images())
    other = copy.deepcopy(classifier)
    with torch.no_grad():
        for parameter in other.backbone.network.parameters():
            parameter.zero_()
    assert not torch.equal(other.backbone(some_images()), before)
    assert torch.equal(classifier.backbone(some_images()), before)


def test_a_training_with_other_categories_starts_from_all_parts() -> None:
    classifier = classifier_of()
    members = some_members()
    dim = groups_of(classifier).classifier.in_features
    load_groups(classifier.backbone, torch.randn(CLASSES, dim), None, members)
    old = in_memory(classifier, CheckpointRecord(classifier.config, "m"))
    new = from_checkpoint(old, Categories(("x", "y")))
    assert torch.equal(groups_of(new).members, members.T.float())
    assert torch.equal(new.eval().backbone(some_images()), classifier.backbone(some_images()))


def test_what_cannot_be_is_said() -> None:
    config = dataclasses.replace(
        classifier_of().config,
        backbone="resnet18+groups3",
        head=HeadConfig((1.0,), 0.1),
        preprocess=PreprocessConfig(64),
    )
    with pytest.raises(CheckpointError, match=r"knows no the backbone resnet18\+groups3"):
        check_official("m", config)
    with pytest.raises(ModelError, match="no ImageNet weights: it is joined"):
        imagenet_classifier("resnet18+groups3")


@pytest.mark.slow
def test_shares_are_never_computed_in_int8() -> None:
    classifier = classifier_of()
    checkpoint = in_memory(classifier, CheckpointRecord(classifier.config, "m"))
    maker = Int8Maker(checkpoint.weights, graph_of(checkpoint))
    kinds = [node.op_type for node in maker._model.graph.node]
    # Of the shares, and of attention at two temperatures.
    assert kinds.count("Exp") + kinds.count("Softmax") == 3
    sizes = {t.name: tuple(t.dims) for t in maker._model.graph.initializer}
    shapes = [sizes[step.input[1]] for step in maker._steps]
    assert len(shapes) > 34  # NanoDet's, and the backbone's
    assert not [shape for shape in shapes if CLASSES in shape]
    own = {step.input[1].removeprefix("backbone.detector.") for step in maker._steps}
    assert not {"stem.0.weight", "stages.0.entry.0.weight"} & own  # the first two of each network
    assert {"stages.0.exit.0.weight", "heads.0.2.weight"} <= own
    products = [n.input[1] for n in maker._model.graph.node if n.op_type in ("MatMul", "Gemm")]
    assert len([name for name in products if CLASSES in sizes[name]]) == 2
