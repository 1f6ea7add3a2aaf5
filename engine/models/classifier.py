"""The model: a backbone and its residual-attention heads."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from engine.api.config import ModelConfig
from engine.models.heads import HeadOutput, ResidualAttentionHeads
from engine.models.registry import build_backbone


class Classifier(nn.Module):
    """A multi-label classifier that also says where.

    Args:
        config: everything that defines it but the weights.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        pixels = config.preprocess
        self.backbone = build_backbone(config.backbone, pixels.input_size, pixels)
        self.heads = ResidualAttentionHeads(
            self.backbone.feature_dim, len(config.categories), config.head
        )

    def forward(self, images: Tensor) -> HeadOutput:
        """Normalised pixels (B, 3, S, S) → logits (B, C) and position scores."""
        return cast(HeadOutput, self.heads(self.backbone(images)))
