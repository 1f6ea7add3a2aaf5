"""Backbones: networks that turn a batch of images into a feature map."""

from __future__ import annotations

import re
from typing import cast

import timm
from torch import Tensor, nn

from engine.errors import ModelError

_TIMM_PREFIX = "timm:"
# A name from a file must never become a download address: timm takes "hf_hub:…" as one.
_TIMM_NAME = re.compile(r"[A-Za-z0-9_.]+")


class Backbone(nn.Module):
    """A network without its classifier.

    Attributes:
        feature_dim: channels D of its features.
    """

    def __init__(self, network: nn.Module, feature_dim: int) -> None:
        super().__init__()
        self.network = network
        self.feature_dim = feature_dim

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised pixels → (B, D, h, w) features."""
        return cast(Tensor, self.network.forward_features(images))  # type: ignore[operator]


def build_backbone(name: str) -> Backbone:
    """A backbone with random weights, by its registry name.

    Args:
        name: ``timm:NAME`` for any network of timm that yields a feature map.

    Raises:
        ModelError: no network has this name.
    """
    plain = name.removeprefix(_TIMM_PREFIX)
    if plain == name or not _TIMM_NAME.fullmatch(plain) or not timm.is_model(plain):
        raise ModelError(
            f"There is no backbone {name[:80]!r}. Names look like 'timm:tf_efficientnet_lite0'."
        )
    network = timm.create_model(plain, pretrained=False, num_classes=0, global_pool="")
    return Backbone(network, cast(int, network.num_features))
