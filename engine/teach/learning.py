"""Heads that learn single categories on the features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.features import FeatureArray
from engine.models.heads import ResidualAttentionHeads
from engine.teach.values import BoolArray
from engine.train.heads import head_logits
from engine.values import FloatArray

_BATCH = 32
#: Passes over the photos.
EPOCHS = 24
_LEARNING_RATE = 2e-3
#: Pull towards where the weights started, so that a few labels do not undo what thousands taught.
_ANCHOR = 0.02


@dataclass(frozen=True, eq=False)
class KnownLabels:
    """Photos by their features, and what is known of some categories.

    Attributes:
        features: (N, D, h, w) float16.
        targets: (N, K) bool.
        known: (N, K) bool.
    """

    features: FeatureArray
    targets: BoolArray
    known: BoolArray


def part_of_heads(heads: ResidualAttentionHeads, columns: Sequence[int]) -> ResidualAttentionHeads:
    """Copies of the heads for some categories alone."""
    feature_dim = heads.weight.shape[2]
    part = ResidualAttentionHeads(feature_dim, len(columns), heads.config).eval()
    with torch.no_grad():
        part.weight.copy_(heads.weight[:, list(columns)])
        if part.bias is not None and heads.bias is not None:
            part.bias.copy_(heads.bias[:, list(columns)])
    if part.standardization is not None and heads.standardization is not None:
        part.standardization.load_state_dict(heads.standardization.state_dict())
    return part


def put_back(
    part: ResidualAttentionHeads, heads: ResidualAttentionHeads, columns: Sequence[int]
) -> None:
    """Write a part's weights into the whole; other categories stay to the bit."""
    with torch.no_grad():
        heads.weight[:, list(columns)] = part.weight
        if part.bias is not None and heads.bias is not None:
            heads.bias[:, list(columns)] = part.bias


def learn(heads: ResidualAttentionHeads, labels: KnownLabels) -> Generator[int, None, None]:
    """Train heads in place on what is known; yields the number of passes that are done.

    Each category's loss is the mean over what is known of it, with the rarer of yes and no
    weighing more, so that ten photos that show something are heard beside two hundred that do not.
    """
    parameters = [p for p in (heads.weight, heads.bias) if p is not None]
    starts = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.Adam(parameters, lr=_LEARNING_RATE)
    batches = -(-len(labels.features) // _BATCH)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * batches)
    targets = torch.from_numpy(labels.targets).float()
    weights = torch.from_numpy(label_weights(labels.targets, labels.known))
    generator = torch.Generator().manual_seed(0)
    for epoch in range(1, EPOCHS + 1):
        for rows in torch.split(torch.randperm(len(targets), generator=generator), _BATCH):
            logits = heads(_batch(labels.features, rows)).logits
            losses = functional.binary_cross_entropy_with_logits(
                logits, targets[rows], weight=weights[rows], reduction="none"
            )
            drift = sum((p - s).square().sum() for p, s in zip(parameters, starts, strict=True))
            loss = losses.sum() * len(targets) / len(rows) + _ANCHOR * drift
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            scheduler.step()
        yield epoch


def label_weights(targets: BoolArray, known: BoolArray) -> NDArray[np.float32]:
    """(N, K): how much each label counts; those of a category add up to 1, unknown ones to 0.

    The square root keeps between two wishes: to hear the few, and to stay near how frequent the
    category is among the photos.
    """
    weights = np.zeros(targets.shape, dtype=np.float64)
    for side in (targets & known, ~targets & known):
        counts = side.sum(axis=0)
        weights += side / np.sqrt(np.maximum(counts, 1))
    shares: NDArray[np.float32] = weights / np.maximum(weights.sum(axis=0), 1e-12)
    return shares.astype(np.float32)


def scores_of(heads: ResidualAttentionHeads, features: FeatureArray) -> FloatArray:
    """(N, K) scores in [0, 1]."""
    logits = torch.from_numpy(head_logits(heads, features))
    scores: FloatArray = torch.sigmoid(logits).numpy()
    return scores


def _batch(features: FeatureArray, rows: Tensor) -> Tensor:
    return torch.from_numpy(np.asarray(features[rows.numpy()], dtype=np.float32))
