"""Backbones: networks that turn a batch of images into a feature map."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from typing import Any, cast

import timm
import torch
import torchvision
from torch import Tensor, nn

from engine.api.errors import ModelError


class Backbone(nn.Module):
    """A network without its classifier.

    Args:
        network: gives features for images.
        feature_dim: channels D of its features.

    Attributes:
        feature_dim: channels D of its features.
    """

    def __init__(self, network: nn.Module, feature_dim: int) -> None:
        super().__init__()
        self.network = network
        self.feature_dim = feature_dim

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised pixels → (B, D, h, w) features."""
        return cast(Tensor, self.network(images))


class TimmBackbone(Backbone):
    """A network of timm that yields a feature map or patch tokens.

    Class and register tokens take part in attention but are dropped from the features; the patch
    tokens are laid out on their grid (section 4.2 of the paper, for its vision transformers).
    """

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised pixels → (B, D, h, w) features."""
        features = cast(Tensor, self.network.forward_features(images))  # type: ignore[operator]
        if features.ndim == 3:
            tokens = features[:, getattr(self.network, "num_prefix_tokens", 0) :]
            side = math.isqrt(tokens.shape[1])
            # Not len(): an export would take the size of its example batch for the only one.
            return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, side, side)
        if getattr(self.network, "output_fmt", "NCHW") == "NHWC":
            return features.permute(0, 3, 1, 2)
        return features


def torchvision_resnet(depth: int) -> Backbone:
    """A ResNet of torchvision up to its last stage, stride 32, random weights."""
    network = getattr(torchvision.models, f"resnet{depth}")(weights=None)
    trunk = OrderedDict(
        (name, child) for name, child in network.named_children() if name not in ("avgpool", "fc")
    )
    return Backbone(nn.Sequential(trunk), network.fc.in_features)


def timm_backbone(name: str, input_size: int) -> Backbone:
    """A network of timm for a square input, random weights.

    Args:
        name: as timm lists it.
        input_size: in pixels; a network made for one size is built for this one.

    Raises:
        ModelError: timm has no such network, or it cannot take this size or give a feature map.
    """
    if not timm.is_model(name):
        raise ModelError(f"There is no backbone 'timm:{name}': timm {timm.__version__} lacks it.")
    try:
        network = _create(name, input_size)
    except (AssertionError, ValueError, RuntimeError, TypeError) as error:
        raise ModelError(
            f"'timm:{name}' cannot be built for {input_size} pixels: {error}"
        ) from error
    if not hasattr(network, "forward_features") or not hasattr(network, "num_features"):
        raise ModelError(f"'timm:{name}' does not yield a feature map.")
    return TimmBackbone(network, cast(int, network.num_features))


def _is_built_for_a_size(name: str) -> bool:
    config = timm.get_pretrained_cfg(name)
    is_transformer = any(part in name for part in ("vit", "deit", "beit", "eva", "swin"))
    return config is not None and (bool(config.fixed_input_size) or is_transformer)


def _create(name: str, input_size: int) -> nn.Module:
    size: dict[str, Any] = {"img_size": input_size} if _is_built_for_a_size(name) else {}
    return timm.create_model(name, num_classes=0, global_pool="", **size)


def weights_digest(backbone: Backbone) -> str:
    """The SHA-256 of all weights of a backbone."""
    digest = hashlib.sha256()
    for name, tensor in backbone.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
