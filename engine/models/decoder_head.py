"""A head of queries that look at the features by cross-attention; it has no maps."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from engine.api.config import ATTENTION_PARTS, HeadConfig
from engine.models.heads import HeadOutput, Heads

#: As published: channels, and queries where there are more categories than that.
_WIDTH, _MOST_QUERIES = 768, 100
#: Of the layer between the two of the feed-forward network: 2048 at a width of 768.
_INNER = 8 / 3


class MLDecoderHead(Heads):
    """ML-Decoder: K fixed queries, each answering for a group of g = ⌈C / K⌉ categories.

    Ridnik, Sharir, Ben-Cohen, Ben-Baruch, Noy, "ML-Decoder: Scalable and Versatile Classification
    Head", WACV 2023 (arXiv 2111.12933), section "ML-Decoder". With the features E, projected to
    ``width`` channels and cut at 0, and the queries G,

        G1 = LN(G + CrossAttention(G, E, E)),  G2 = LN(G1 + FF(G1)),
        logit of category c = (W_k G2_k)_j + b_c  with k = c div g, j = c mod g,

    where CrossAttention is that of Vaswani et al., "Attention Is All You Need", NeurIPS 2017,
    equation 1 in ``ATTENTION_PARTS`` parts. As there, self-attention is left out, so the queries
    need not be learned: they are drawn once and kept. Dropout is left out too. There are no
    position embeddings, so any size of the feature map will do. What a position adds to a logit
    depends on all others: no map sums to it.

    Args:
        feature_dim: channels D of the backbone's features.
        num_classes: how many categories C.
        config: ``queries``, ``width`` and ``standardize`` count.
    """

    queries: Tensor

    def __init__(self, feature_dim: int, num_classes: int, config: HeadConfig) -> None:
        super().__init__(feature_dim, num_classes, config)
        width = config.width or _WIDTH
        count = min(config.queries or _MOST_QUERIES, num_classes)
        group = math.ceil(num_classes / count)
        inner = round(width * _INNER)
        self.register_buffer("queries", torch.empty(count, width))
        self.embedding = nn.Linear(feature_dim, width)
        self.query_norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.attended = nn.Linear(width, width)
        self.attended_norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, inner)
        self.outer = nn.Linear(inner, width)
        self.outer_norm = nn.LayerNorm(width)
        self.weight = nn.Parameter(torch.empty(count, width, group))
        self.bias = nn.Parameter(torch.zeros(num_classes))
        self._draw(None)

    @override
    def forward(self, features: Tensor) -> HeadOutput:
        """Score a batch.

        Args:
            features: (B, D, h, w).
        """
        logits = self._logits(features).float()
        return HeadOutput(logits, logits[:, None, :, None, None])

    @override
    def position_scores(self, features: Tensor) -> Tensor:
        """(B, D, h, w) → the logits as (B, 1, C, 1, 1)."""
        return self.forward(features).position_scores

    @override
    def begin_small(self, log_odds: Tensor, generator: torch.Generator) -> None:
        """Draw all weights anew, with the log-odds as biases, in place.

        Args:
            log_odds: (C,) of how frequent each category is.
            generator: to draw with.
        """
        self._draw(generator)
        with torch.no_grad():
            self.weight.mul_(0.1)
            self.bias.copy_(log_odds)

    def _draw(self, generator: torch.Generator | None) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.LayerNorm):
                module.reset_parameters()
        nn.init.normal_(self.queries, generator=generator)
        bound = 1.0 / math.sqrt(self.weight.shape[1])
        nn.init.uniform_(self.weight, -bound, bound, generator=generator)
        nn.init.zeros_(self.bias)

    def _logits(self, features: Tensor) -> Tensor:
        positions = self.standardized(features).flatten(2).transpose(1, 2)
        seen = functional.relu(self.embedding(positions))
        asked = self.query_norm(self.queries)
        found = self.attended_norm(asked + self.attended(self._attention(asked, seen)))
        found = self.outer_norm(found + self.outer(functional.relu(self.inner(found))))
        groups = found[:, :, None] @ self.weight  # (B, K, 1, width) times (K, width, g)
        logits: Tensor = groups.flatten(1)[:, : self.num_classes] + self.bias
        return logits

    def _attention(self, asked: Tensor, seen: Tensor) -> Tensor:
        """(K, width) and (B, N, width) → (B, K, width): softmax(Q Kᵀ / √d) V, part by part."""
        query = _parted(self.query(asked)[None])
        key, value = _parted(self.key(seen)), _parted(self.value(seen))
        weights = torch.softmax(query @ key.transpose(2, 3) / math.sqrt(query.shape[3]), dim=3)
        return (weights @ value).transpose(1, 2).flatten(2)


def _parted(values: Tensor) -> Tensor:
    """(B, N, width) → (B, parts, N, width / parts)."""
    shape = (values.shape[0], values.shape[1], ATTENTION_PARTS, values.shape[2] // ATTENTION_PARTS)
    return values.reshape(shape).transpose(1, 2)
