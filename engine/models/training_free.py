"""The paper's form without training: any ImageNet classifier as a tagger that says where.

With y(p) the raw class scores at position p (the last layer applied at every position instead of
to their mean), the logit is mean y + λ · max y (the "four lines" of the paper, figure 1). That is
one head with max pooling and the classifier's own weights, neither normalised nor trained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch
from timm.data.imagenet_info import ImageNetInfo
from torch import Tensor, nn

from engine.api.categories import Categories
from engine.api.config import HeadConfig, ModelConfig, PreprocessConfig
from engine.api.errors import ModelError
from engine.api.network_names import NUM_CLASSES
from engine.models.classifier import Classifier
from engine.models.pretrained import (
    imagenet_classifier,
    last_layer,
    load_into_backbone,
    not_linear,
)
from engine.records.model_record import CheckpointRecord

Scores = Callable[[Tensor], Tensor]
_TOLERANCE = 1e-4
#: Different things of one name in ImageNet, by index.
_NAMESAKES = {
    134: "crane (bird)",
    517: "crane (machine)",
    638: "maillot (tights)",
    639: "maillot (tank suit)",
}


def wrap_imagenet_classifier(
    name: str, lam: float = 0.1, input_size: int | None = None
) -> tuple[Classifier, CheckpointRecord]:
    """A tagger of ImageNet's 1,000 categories, with maps and without training.

    Args:
        name: registry name: a ResNet of the paper, or ``timm:NAME``.
        lam: λ, ≥ 0; 0 gives the plain classifier.
        input_size: side of the square input in pixels; ``None`` is the size of its training.

    Raises:
        ModelError: there is no such network, its weights cannot be had, or its last layer is not
            applied to the mean of its features, so that it has no score at a position.
        ConfigError: a number makes no sense.
    """
    plain = imagenet_classifier(name)
    pixels = PreprocessConfig(
        input_size or plain.input_size, "squash", mean=plain.mean, std=plain.std
    )
    head = HeadConfig((float("inf"),), lam, normalize=False, bias=True, activation="softmax")
    config = ModelConfig(name, imagenet_categories(), head, pixels)
    classifier = wrap_network(plain.network, config)
    record = CheckpointRecord(
        config,
        name=f"{name.removeprefix('timm:')}-imagenet",
        description=(
            f"The ImageNet classifier {name}, weights from {plain.source}, as a tagger without "
            f"training: mean + λ · max of the scores at all positions, λ = {lam:g}. It was trained "
            "to name one thing per photo, so scores are shared among the categories."
        ),
        licence="That of the weights; see where they are from.",
        provenance={"weights": plain.source},
    )
    return classifier, record


def wrap_network(network: nn.Module, config: ModelConfig) -> Classifier:
    """Put a classifier's last layer at every position.

    Args:
        network: a whole classifier.
        config: names its backbone; one head that is not normalised and has a bias.

    Returns:
        In evaluation mode; with λ = 0 its logits are the network's.

    Raises:
        ModelError: that cannot be done exactly.
    """
    last = last_layer(network, config.backbone)
    if last.out_features != NUM_CLASSES:
        raise ModelError(
            f"{config.backbone!r} tells {last.out_features} categories apart, not ImageNet's "
            f"{NUM_CLASSES}."
        )
    classifier = Classifier(config).eval().requires_grad_(requires_grad=False)
    if last.in_features != classifier.backbone.feature_dim:
        raise ModelError(not_linear(config.backbone))
    load_into_backbone(classifier.backbone, network.state_dict(), config.backbone)
    heads = classifier.linear_heads
    with torch.no_grad():
        heads.weight.copy_(last.weight[None])
        if heads.bias is not None:
            heads.bias.zero_() if last.bias is None else heads.bias.copy_(last.bias[None])
    name, size = config.backbone, config.preprocess.input_size
    check_exact(network.eval(), lambda x: classifier(x).position_scores[:, 0], name, size)
    return classifier


def imagenet_categories() -> Categories:
    """The 1,000 categories of ImageNet by their short names, in the order of every classifier."""
    descriptions = ImageNetInfo("imagenet-1k").label_descriptions()
    short = [text.split(", ")[0] for text in descriptions]
    for index, name in _NAMESAKES.items():
        short[index] = name
    again = {name for name, count in Counter(short).items() if count > 1}
    return Categories(
        tuple(
            text if name in again else name for name, text in zip(short, descriptions, strict=True)
        )
    )


def check_exact(network: nn.Module, scores_of: Scores, name: str, size: int) -> None:
    """Whether the mean of the scores at all positions is what a network says.

    Args:
        network: a whole classifier, in evaluation mode.
        scores_of: images (B, 3, S, S) → scores (B, K, h, w).
        name: registry name of its backbone.
        size: S, in pixels.

    Raises:
        ModelError: it is not, or the network cannot be run at this size.
    """
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    try:
        with torch.inference_mode():
            expected = network(images)
            found = scores_of(images).mean(dim=(2, 3))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise ModelError(f"{name!r} cannot be run at {size} pixels.") from error
    if not (found - expected).abs().max() <= _TOLERANCE * expected.abs().max():
        raise ModelError(not_linear(name))
