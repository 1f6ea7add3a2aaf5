"""Heads that learn single categories on the features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.api.teaching import BoolArray
from engine.api.values import FloatArray
from engine.models.heads import ResidualAttentionHeads, pool
from engine.train.features import FeatureArray
from engine.train.head_training import head_logits

_BATCH = 32
#: Passes over the photos; few photos are gone through more often.
_PASSES = 24
_FEWEST_STEPS = 150
#: Of weights on features that vary by 1, and of biases.
_LEARNING_RATE, _BIAS_RATE = 2e-3, 1e-2
#: A pull towards where the weights started, so that a few labels do not undo what thousands
#: taught: moving a category's logits by the square root of this costs as much as a loss of 1.
_ANCHOR = 64.0
#: What nobody has said anything of counts so much beside what is known, together.
_KEEP = 1.0


@dataclass(frozen=True, eq=False)
class KnownLabels:
    """Photos by their features, and what is known of some categories.

    Attributes:
        features: (N, D, h, w) float16.
        targets: (N, K) bool.
        known: (N, K) bool.
        is_new: (K,) bool; categories that the model has never heard of.
    """

    features: FeatureArray
    targets: BoolArray
    known: BoolArray
    is_new: BoolArray


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


def passes(photos: int) -> int:
    """How often so many photos are gone through."""
    return max(_PASSES, _FEWEST_STEPS // _batches(photos))


def learn(heads: ResidualAttentionHeads, labels: KnownLabels) -> Generator[int, None, None]:
    """Train heads in place on what is known; yields the number of passes that are done.

    Each category's loss is the mean over what is known of it (``label_weights``), over what nobody
    has said of it (``_goals``), and how far its weights have moved.
    """
    features = _standardized(heads, labels.features)
    spread = _spread(features)
    optimizer = _optimizer(heads, spread)
    count = passes(len(labels.features))
    steps = count * _batches(len(labels.features))
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    targets, weights = _goals(heads, features, labels)
    start = _directions(heads).detach().clone()
    stiffness = _stiffness(heads, spread, labels)
    generator = torch.Generator().manual_seed(0)
    for done in range(1, count + 1):
        for rows in torch.split(torch.randperm(len(targets), generator=generator), _BATCH):
            logits = _logits(heads, features[rows].float())
            losses = functional.binary_cross_entropy_with_logits(
                logits, targets[rows], weight=weights[rows], reduction="none"
            )
            drift = stiffness * (_directions(heads) - start).square().sum(dim=(0, 2))
            loss = losses.sum() * len(targets) / len(rows) + drift.sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            scheduler.step()
        yield done


def _goals(
    heads: ResidualAttentionHeads, features: Tensor, labels: KnownLabels
) -> tuple[Tensor, Tensor]:
    """(N, K) what each score should be, and how much that counts.

    Where nobody has said anything, a category that the model knows should stay as it was: else a
    few corrections would move it on all photos.
    """
    with torch.inference_mode():
        parts = torch.split(features, _BATCH)
        before = torch.sigmoid(torch.cat([_logits(heads, part.float()) for part in parts]))
    known = torch.from_numpy(labels.known)
    targets = torch.where(known, torch.from_numpy(labels.targets).float(), before.clone())
    weights = torch.from_numpy(label_weights(labels))
    untouched = (~known).float()
    weights += _KEEP * untouched / untouched.sum(dim=0).clamp(min=1)
    return targets, weights


def label_weights(labels: KnownLabels) -> NDArray[np.float32]:
    """(N, K): how much each label counts; those of a category add up to 1, unknown ones to 0.

    The photos for a new category were drawn, so how many show it says how frequent it is, and all
    count the same. Corrections were not: people correct what strikes them, so the rarer of yes and
    no counts for more.
    """
    targets, known = labels.targets, labels.known
    weights = np.zeros(targets.shape, dtype=np.float64)
    for side in (targets & known, ~targets & known):
        counts = np.where(labels.is_new, 1, np.maximum(side.sum(axis=0), 1))
        weights += side / np.sqrt(counts)
    shares: NDArray[np.float32] = weights / np.maximum(weights.sum(axis=0), 1e-12)
    return shares.astype(np.float32)


def scores_of(heads: ResidualAttentionHeads, features: FeatureArray) -> FloatArray:
    """(N, K) scores in [0, 1]."""
    logits = torch.from_numpy(head_logits(heads, features))
    scores: FloatArray = torch.sigmoid(logits).numpy()
    return scores


def _batches(photos: int) -> int:
    return max(1, -(-photos // _BATCH))


def _directions(heads: ResidualAttentionHeads) -> Tensor:
    """(num_heads, K, D): the weights as they act on the features."""
    weight = heads.weight
    return weight / weight.norm(dim=2, keepdim=True) if heads.config.normalize else weight


def _spread(features: Tensor) -> float:
    """By how much a channel varies; what all photos have in common tells nothing."""
    part = features[:_BATCH].float()
    spread = float(part.var(dim=(0, 2, 3), correction=0).mean().sqrt()) if len(part) else 0.0
    return spread or 1.0


def _optimizer(heads: ResidualAttentionHeads, spread: float) -> torch.optim.Adam:
    # Of weights that are divided by their length, only the direction counts.
    rate = _LEARNING_RATE if heads.config.normalize else _LEARNING_RATE / spread
    groups = [{"params": [heads.weight], "lr": rate}]
    if heads.bias is not None:
        groups.append({"params": [heads.bias], "lr": _BIAS_RATE})
    return torch.optim.Adam(groups)


def _stiffness(heads: ResidualAttentionHeads, spread: float, labels: KnownLabels) -> Tensor:
    """(K,): the price of moving a category's weights by 1, whatever the scale of the features."""
    size = heads.weight.shape[2] * spread**2
    stiffness = torch.full((heads.num_classes,), size / _ANCHOR)
    if heads.config.normalize:  # a new category starts in no direction worth keeping
        stiffness[torch.from_numpy(labels.is_new)] = 0.0
    return stiffness


def _standardized(heads: ResidualAttentionHeads, features: FeatureArray) -> Tensor:
    """The features as the heads see them, once instead of in every pass; (N, D, h, w) float16."""
    norm = heads.standardization
    if norm is None:
        return torch.from_numpy(features)
    with torch.inference_mode():
        parts = [
            norm(torch.from_numpy(features[start : start + _BATCH]).float()).half()
            for start in range(0, len(features), _BATCH)
        ]
    return torch.cat(parts).clone() if parts else torch.from_numpy(features)


def _logits(heads: ResidualAttentionHeads, features: Tensor) -> Tensor:
    """(B, K) logits of features that are standardised already."""
    config = heads.config
    scores = _directions(heads).flatten(0, 1) @ features.flatten(2)
    if heads.bias is not None:
        scores = scores + heads.bias.flatten()[:, None]
    shape = (len(features), config.num_heads, heads.num_classes, *features.shape[2:])
    return pool(scores.reshape(shape), config.temperatures, config.lam)
