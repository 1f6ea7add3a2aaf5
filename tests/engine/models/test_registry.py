import math

import numpy as np
import pytest
import torch

from engine.api.categories import Categories
from engine.api.config import PAPER_TEMPERATURES, HeadConfig, ModelConfig
from engine.api.errors import ModelError
from engine.checkpoints.safetensors_model import load_checkpoint, save_checkpoint
from engine.explain import evidence
from engine.models.classifier import Classifier
from engine.models.registry import BACKBONES, backbone_spec, build_backbone
from engine.records.model_record import CheckpointRecord
from tests.engine.some_scores import position_scores

CATEGORIES = Categories(("a", "b", "c"))
# Whole families that lay out their features differently: convolutions, channels last, tokens with
# one or no class token, a size that cannot be chosen.
TIMM = [
    ("timm:test_efficientnet", 64),
    ("timm:test_convnext", 64),
    ("timm:test_vit", 96),
    ("timm:test_vit3", 64),
    ("timm:swin_tiny_patch4_window7_224", 64),
    ("timm:vit_small_patch14_dinov2", 56),
    ("timm:convit_tiny", 224),
    ("timm:tresnet_m", 64),
    ("timm:test_efficientnet+groups7of50+nanodet", 64),
]
ALL = [(name, 64) for name in BACKBONES] + TIMM
LARGE = ("vit_l16", "resnet152")
#: One of each way to lay out features, and of each source.
TYPICAL = (
    "resnet18",
    "timm:test_efficientnet",
    "timm:test_convnext",
    "timm:test_vit3",
    TIMM[-1][0],
)


def by_default(choice):
    """All backbones; those that the choice leaves out run at night."""
    return [
        pytest.param(name, size, marks=() if choice(name) else pytest.mark.slow)
        for name, size in ALL
    ]


def classifier_for(name, size, head=None):
    torch.manual_seed(0)
    config = ModelConfig(
        name,
        CATEGORIES,
        head or HeadConfig((1.0, math.inf), 0.3),
        backbone_spec(name).preprocess(size),
    )
    return Classifier(config)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), by_default(lambda name: name not in LARGE))
def test_every_backbone_goes_forward_and_backward_and_its_maps_sum_to_the_logit(name, size):
    classifier = classifier_for(name, size).train()
    images = torch.rand(2, 3, size, size)
    classifier(images).logits.sum().backward()
    missing = [n for n, p in classifier.heads.named_parameters() if p.grad is None]
    assert missing == []
    first = next(iter(classifier.backbone.parameters()))
    assert first.grad is not None and torch.isfinite(first.grad).all()

    with torch.inference_mode():
        output = classifier.eval()(images)
    scores = position_scores(output.position_scores[0].numpy(), (1.0, math.inf), 0.3)
    np.testing.assert_allclose(
        evidence.logits(scores), output.logits[0].numpy(), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(("name", "size"), by_default(lambda name: name in TYPICAL))
def test_every_backbone_survives_a_checkpoint(name, size, tmp_path):
    classifier = classifier_for(name, size).eval()
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, classifier, CheckpointRecord(classifier.config, "x"))
    loaded = load_checkpoint(path)
    images = torch.rand(1, 3, size, size)
    with torch.inference_mode():
        torch.testing.assert_close(
            loaded.classifier(images).logits, classifier(images).logits, rtol=0, atol=0
        )
    assert loaded.record.config == classifier.config


@pytest.mark.parametrize("temperatures", [*PAPER_TEMPERATURES.values(), (0.5, 3.5, 12.0)])
def test_the_papers_head_counts_and_any_list_of_ones_own(temperatures):
    classifier = classifier_for("timm:test_efficientnet", 64, HeadConfig(temperatures, 0.5)).eval()
    with torch.inference_mode():
        output = classifier(torch.rand(1, 3, 64, 64))
    scores = position_scores(output.position_scores[0].numpy(), temperatures, 0.5)
    np.testing.assert_allclose(evidence.logits(scores), output.logits[0].numpy(), atol=1e-4)


@pytest.mark.parametrize(("name", "cells"), [("resnet18", 14), ("vit_b16", 28)])
def test_at_448_pixels_the_grid_is_that_of_the_paper(name, cells):
    with torch.device("meta"):  # shapes alone
        backbone = build_backbone(name, 448).eval()
        features = backbone(torch.zeros(1, 3, 448, 448))
    assert features.shape == (1, backbone.feature_dim, cells, cells)


def test_pixels_travel_with_the_backbone():
    assert backbone_spec("resnet101").preprocess().mean == (0.0, 0.0, 0.0)
    assert backbone_spec("resnet101").preprocess().input_size == 448
    assert backbone_spec("vit_l16").preprocess().std == (0.5, 0.5, 0.5)
    assert backbone_spec("timm:resnet50").preprocess().mean == (0.485, 0.456, 0.406)


@pytest.mark.parametrize(
    "name",
    [
        "resnet20",
        "timm:",
        "timm:nothing",
        "timm:hf_hub:a/b",
        "timm:hf-hub:a",
        "../x",
        "",
        "x" * 999,
        "resnet20+groups3",
        "resnet18+groups0",
        "resnet18+nanodet+groups3",
        "timm:hf_hub:a/b+nanodet",
    ],
)
def test_names_that_are_no_backbones_are_refused(name):
    with pytest.raises(ModelError, match="There is no backbone"):
        build_backbone(name, 224)
