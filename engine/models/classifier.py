"""The model: a backbone and its heads."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from engine.api.config import ModelConfig
from engine.api.errors import ModelError
from engine.models.head_registry import build_heads
from engine.models.heads import HeadOutput, ResidualAttentionHeads
from engine.models.registry import build_backbone


class Classifier(nn.Module):
    """A multi-label classifier that, with most heads, also says where.

    Args:
        config: everything that defines it but the weights.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        pixels = config.preprocess
        self.backbone = build_backbone(config.backbone, pixels.input_size, pixels)
        self.heads = build_heads(self.backbone.feature_dim, len(config.categories), config.head)

    @property
    def linear_heads(self) -> ResidualAttentionHeads:
        """Its heads, if they score each position.

        Raises:
            ModelError: they do not.
        """
        if not isinstance(self.heads, ResidualAttentionHeads):
            raise ModelError(
                f"The head {self.config.head.kind!r} has no scores of positions. Take a model "
                "with the head 'csra' or 'gap'."
            )
        return self.heads

    def forward(self, images: Tensor) -> HeadOutput:
        """Normalised pixels (B, 3, S, S) → logits (B, C) and position scores."""
        return cast(HeadOutput, self.heads(self.backbone(images)))
