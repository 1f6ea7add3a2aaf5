"""Class-specific residual attention: features in, logits and position scores out."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.api.config import HeadConfig


class HeadOutput(NamedTuple):
    """What the heads say of a batch.

    Attributes:
        logits: (B, C).
        position_scores: (B, num_heads, C, h, w), before pooling; a bias is already in them.
    """

    logits: Tensor
    position_scores: Tensor


class ResidualAttentionHeads(nn.Module):
    """All heads of a model as one 1×1 convolution, then residual attention per head.

    The paper's form (section 3) divides each category's weights by their L2 norm and has neither
    bias nor standardisation. Features of other networks can be so small that this form hardly
    learns; ``standardize`` scales each channel by the training set's mean and deviation first
    (a batch norm without affine part), and ``bias`` adds a constant per category to the position
    scores. Both keep the scores linear in the features, so maps still sum to the logit.

    Args:
        feature_dim: channels D of the backbone's features.
        num_classes: how many categories C.
        config: number of heads, temperatures, λ and the form.
    """

    def __init__(self, feature_dim: int, num_classes: int, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        self.num_classes = num_classes
        self.weight = nn.Parameter(torch.empty(config.num_heads, num_classes, feature_dim))
        self.bias = (
            nn.Parameter(torch.zeros(config.num_heads, num_classes)) if config.bias else None
        )
        self.standardization = (
            nn.BatchNorm2d(feature_dim, affine=False) if config.standardize else None
        )
        bound = 1.0 / math.sqrt(feature_dim)
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, features: Tensor) -> HeadOutput:
        """Score a batch.

        Args:
            features: (B, D, h, w).
        """
        scores = self.position_scores(features)
        return HeadOutput(pool(scores, self.config.temperatures, self.config.lam), scores)

    def position_scores(self, features: Tensor) -> Tensor:
        """(B, D, h, w) → (B, num_heads, C, h, w): the classifier at every position."""
        scores = self.flat_scores(features)
        # Not len(): an export would take the size of its example batch for the only one.
        shape = (features.shape[0], self.config.num_heads, self.num_classes, *scores.shape[2:])
        return scores.reshape(shape)

    def flat_scores(self, features: Tensor) -> Tensor:
        """(B, D, h, w) → (B, num_heads · C, h, w): the same, head after head."""
        if self.standardization is not None:
            features = self.standardization(features)
        weight = self.weight
        if self.config.normalize:
            weight = weight / weight.norm(dim=2, keepdim=True)
        bias = None if self.bias is None else self.bias.flatten()
        return functional.conv2d(features, weight.flatten(0, 1)[:, :, None, None], bias)


def pool(position_scores: Tensor, temperatures: tuple[float, ...], lam: float) -> Tensor:
    """Residual attention: the mean plus λ times the attended score, summed over heads.

    Args:
        position_scores: (B, num_heads, C, h, w).
        temperatures: one per head; ``math.inf`` is max pooling.
        lam: λ.

    Returns:
        Logits (B, C), in float32 at least: a softmax in half precision loses the peak.
    """
    flat = position_scores.flatten(3).float()
    base = flat.mean(dim=3)
    attended = torch.stack(
        [_attended(flat[:, h], temperature) for h, temperature in enumerate(temperatures)], dim=1
    )
    return (base + lam * attended).sum(dim=1)


def _attended(scores: Tensor, temperature: float) -> Tensor:
    """(B, C, N) → (B, C): the scores averaged with softmax(T·S) as weights."""
    if math.isinf(temperature):
        return scores.amax(dim=2)
    return (scores * torch.softmax(temperature * scores, dim=2)).sum(dim=2)
