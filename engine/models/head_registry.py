"""The kinds of heads: the only place that lists them."""

from __future__ import annotations

from engine.api.config import HeadConfig, HeadKind
from engine.models.decoder_head import MLDecoderHead
from engine.models.heads import AveragePoolingHead, Heads, ResidualAttentionHeads

#: By name; each class names its source.
HEADS: dict[HeadKind, type[Heads]] = {
    "csra": ResidualAttentionHeads,
    "gap": AveragePoolingHead,
    "ml-decoder": MLDecoderHead,
}


def build_heads(feature_dim: int, num_classes: int, config: HeadConfig) -> Heads:
    """Heads with random weights.

    Args:
        feature_dim: channels D of the backbone's features.
        num_classes: how many categories C.
        config: kind and form.
    """
    return HEADS[config.kind](feature_dim, num_classes, config)
