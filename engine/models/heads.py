"""Heads that score each position: features in, logits and position scores out.

Of these, maps sum to the logit, and single categories can be taught. The other kind is in
``engine.models.decoder_head``; ``engine.models.head_registry`` lists all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.api.config import HeadConfig


class HeadOutput(NamedTuple):
    """What the heads say of a batch.

    Attributes:
        logits: (B, C).
        position_scores: (B, num_heads, C, h, w), before pooling; a bias is already in them. Of
            heads without any, the logits as (B, 1, C, 1, 1): one position is the whole image.
    """

    logits: Tensor
    position_scores: Tensor


class Heads(nn.Module):
    """What turns features into logits.

    Args:
        feature_dim: channels D of the backbone's features.
        num_classes: how many categories C.
        config: kind and form.

    Attributes:
        config: kind and form.
        num_classes: how many categories C.
        standardization: scales each channel by the training set's statistics, if the form does.
    """

    def __init__(self, feature_dim: int, num_classes: int, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        self.num_classes = num_classes
        self.standardization = (
            nn.BatchNorm2d(feature_dim, affine=False) if config.standardize else None
        )

    def forward(self, features: Tensor) -> HeadOutput:
        """Score a batch.

        Args:
            features: (B, D, h, w).
        """
        raise NotImplementedError

    def position_scores(self, features: Tensor) -> Tensor:
        """(B, D, h, w) → (B, num_heads, C, h, w), or (B, 1, C, 1, 1); see ``HeadOutput``."""
        raise NotImplementedError

    def begin_small(self, log_odds: Tensor, generator: torch.Generator) -> None:
        """Draw all weights anew so that each logit is near its category's log-odds, in place.

        Args:
            log_odds: (C,) of how frequent each category is.
            generator: to draw with.
        """
        raise NotImplementedError

    def standardized(self, features: Tensor) -> Tensor:
        """(B, D, h, w), scaled if the form does so."""
        return features if self.standardization is None else self.standardization(features)


class ResidualAttentionHeads(Heads):
    """All heads of a model as one 1×1 convolution, then residual attention per head.

    Zhu and Wu, "Residual Attention: A Simple but Effective Method for Multi-Label Recognition",
    ICCV 2021, section 3: of the scores S_1 … S_N of a category at the N positions, its logit is
    mean(S) + λ Σ softmax(T·S)_k S_k, summed over heads with a temperature T each.

    The paper's form divides each category's weights by their L2 norm and has neither
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
        super().__init__(feature_dim, num_classes, config)
        self.weight = nn.Parameter(torch.empty(config.num_heads, num_classes, feature_dim))
        self.bias = (
            nn.Parameter(torch.zeros(config.num_heads, num_classes)) if config.bias else None
        )
        bound = 1.0 / math.sqrt(feature_dim)
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, features: Tensor) -> HeadOutput:
        """Score a batch.

        Args:
            features: (B, D, h, w).
        """
        scores = self.position_scores(features)
        return HeadOutput(self.pooled(scores), scores)

    def pooled(self, position_scores: Tensor) -> Tensor:
        """(B, num_heads, C, h, w) → logits (B, C)."""
        return pool(position_scores, self.config.temperatures, self.config.lam)

    def position_scores(self, features: Tensor) -> Tensor:
        """(B, D, h, w) → (B, num_heads, C, h, w): the classifier at every position."""
        scores = self.flat_scores(features)
        # Not len(): an export would take the size of its example batch for the only one.
        shape = (features.shape[0], self.config.num_heads, self.num_classes, *scores.shape[2:])
        return scores.reshape(shape)

    def begin_small(self, log_odds: Tensor, generator: torch.Generator) -> None:
        """Small weights, and the log-odds as biases if there are any, in place.

        Else the maximum over many positions starts far above 0, and the first epochs only bring it
        down.

        Args:
            log_odds: (C,) of how frequent each category is.
            generator: to draw with.
        """
        bound = 0.1 / math.sqrt(self.weight.shape[2])
        share = (1.0 + self.config.lam) * self.config.num_heads
        with torch.no_grad():
            self.weight.uniform_(-bound, bound, generator=generator)
            if self.bias is not None:
                self.bias.copy_(log_odds / share)

    def flat_scores(self, features: Tensor) -> Tensor:
        """(B, D, h, w) → (B, num_heads · C, h, w): the same, head after head."""
        features = self.standardized(features)
        weight = self.weight
        if self.config.normalize:
            weight = weight / weight.norm(dim=2, keepdim=True)
        bias = None if self.bias is None else self.bias.flatten()
        return functional.conv2d(features, weight.flatten(0, 1)[:, :, None, None], bias)


class AveragePoolingHead(ResidualAttentionHeads):
    """Global average pooling and a linear layer, as a mean of scores at each position.

    Lin, Chen, Yan, "Network In Network", ICLR 2014, section 3.2: logits are linear in the mean of
    the features. As both are linear, that is the mean of the linear layer's scores at the
    positions, which are the maps of Zhou, Khosla, Lapedriza, Oliva, Torralba, "Learning Deep
    Features for Discriminative Localization", CVPR 2016, equations 1 and 2.
    """

    def pooled(self, position_scores: Tensor) -> Tensor:
        """(B, 1, C, h, w) → logits (B, C), in float32 at least."""
        return position_scores.flatten(3).float().mean(dim=3)[:, 0]


def take_categories(old: Heads, new: Heads, places: Sequence[tuple[int, int]]) -> None:
    """Let heads know what others know of the same categories, in place, if both score positions.

    Args:
        old: of as many heads; otherwise nothing is taken over.
        new: gets their weights.
        places: of each category that both have, in the old and in the new ones.
    """
    if not (isinstance(old, ResidualAttentionHeads) and isinstance(new, ResidualAttentionHeads)):
        return
    if old.config.num_heads != new.config.num_heads:
        return
    with torch.no_grad():
        for source, target in places:
            new.weight[:, target] = old.weight[:, source]
            if new.bias is not None and old.bias is not None:
                new.bias[:, target] = old.bias[:, source]


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
