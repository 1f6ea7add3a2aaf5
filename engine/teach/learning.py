"""Heads that learn single categories on the reduced features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.api.teaching import BoolArray
from engine.api.values import FloatArray
from engine.inference.reduction import Basis, HalfArray
from engine.models.heads import ResidualAttentionHeads, pool

_BATCH = 32
#: Passes over the photos; few photos are gone through more often.
_PASSES = 24
_FEWEST_STEPS = 150
#: Of weights on features that vary by 1, and of biases.
_LEARNING_RATE, _BIAS_RATE = 4e-3, 1e-2
#: A pull towards where the weights started, so that a few labels do not undo what thousands
#: taught: moving a category's logits by the square root of this costs as much as a loss of 1.
_ANCHOR = 64.0
#: What nobody has said anything of counts so much beside what is known, together.
_KEEP = 1.0


@dataclass(frozen=True, eq=False)
class KnownLabels:
    """Photos by their features, and what is known of some categories.

    Attributes:
        features: (N, r, h, w) float16, reduced.
        targets: (N, K) bool.
        known: (N, K) bool.
        is_new: (K,) bool; categories that the model has never heard of.
        is_drawn: (K,) bool; categories whose photos were drawn, so that how many show it says how
            frequent it is.
    """

    features: HalfArray
    targets: BoolArray
    known: BoolArray
    is_new: BoolArray
    is_drawn: BoolArray

    def rows(self, chosen: BoolArray) -> KnownLabels:
        """Some photos alone."""
        return replace(
            self,
            features=self.features[chosen],
            targets=self.targets[chosen],
            known=self.known[chosen],
        )

    def with_unknown(self, features: HalfArray) -> KnownLabels:
        """And photos that nothing is known of."""
        nothing = np.zeros((len(features), self.known.shape[1]), dtype=np.bool_)
        return replace(
            self,
            features=np.concatenate([self.features, features]),
            targets=np.concatenate([self.targets, nothing]),
            known=np.concatenate([self.known, nothing]),
        )


def part_of_heads(heads: ResidualAttentionHeads, columns: Sequence[int]) -> ResidualAttentionHeads:
    """Copies of the heads for some categories alone."""
    feature_dim = heads.weight.shape[2]
    part = ResidualAttentionHeads(feature_dim, len(columns), heads.config).eval()
    with torch.no_grad():
        part.weight.copy_(heads.weight[:, list(columns)])
        if part.bias is not None and heads.bias is not None:
            part.bias.copy_(heads.bias[:, list(columns)])
    return part


def reduced_heads(basis: Basis, heads: ResidualAttentionHeads) -> ResidualAttentionHeads:
    """The same heads for reduced features, to learn; exact if the basis holds them."""
    config = replace(heads.config, standardize=False)
    small = ResidualAttentionHeads(basis.directions.shape[1], heads.num_classes, config).eval()
    with torch.no_grad():
        small.weight.copy_(heads.weight.cpu() @ torch.from_numpy(basis.directions))
        if small.bias is not None and heads.bias is not None:
            small.bias.copy_(heads.bias)
    return small


def put_back(
    part: ResidualAttentionHeads,
    basis: Basis,
    heads: ResidualAttentionHeads,
    columns: Sequence[int],
) -> None:
    """Write a part's weights into heads for whole features; other categories stay to the bit."""
    with torch.no_grad():
        back = part.weight.detach() @ torch.from_numpy(basis.directions).T
        heads.weight[:, list(columns)] = back
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
    features = torch.from_numpy(labels.features)
    spread = _spread(features)
    optimizer = _optimizer(heads, spread)
    count = passes(len(labels.features))
    steps = count * _batches(len(labels.features))
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    targets, weights = _goals(heads, labels)
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


def _goals(heads: ResidualAttentionHeads, labels: KnownLabels) -> tuple[Tensor, Tensor]:
    """(N, K) what each score should be, and how much that counts.

    Where nothing is known, a category that the model knows should stay as it was: else a few
    corrections would move it on all photos.
    """
    before = torch.from_numpy(scores_of(heads, labels.features))
    known = torch.from_numpy(labels.known)
    targets = torch.where(known, torch.from_numpy(labels.targets).float(), before.clone())
    weights = torch.from_numpy(label_weights(labels))
    untouched = (~known & ~torch.from_numpy(labels.is_new)).float()
    weights += _KEEP * untouched / untouched.sum(dim=0).clamp(min=1)
    return targets, weights


def label_weights(labels: KnownLabels) -> NDArray[np.float32]:
    """(N, K): how much each label counts; those of a category add up to 1, unknown ones to 0.

    If the photos were drawn, how many show it says how frequent it is, and all count the same.
    Corrections were not: people correct what strikes them, so the rarer of yes and no counts for
    more.
    """
    targets, known = labels.targets, labels.known
    weights = np.zeros(targets.shape, dtype=np.float64)
    for side in (targets & known, ~targets & known):
        counts = np.where(labels.is_drawn, 1, np.maximum(side.sum(axis=0), 1))
        weights += side / np.sqrt(counts)
    shares: NDArray[np.float32] = weights / np.maximum(weights.sum(axis=0), 1e-12)
    return shares.astype(np.float32)


def scores_of(heads: ResidualAttentionHeads, features: HalfArray) -> FloatArray:
    """(N, K) scores in [0, 1]."""
    with torch.inference_mode():
        parts = torch.split(torch.from_numpy(features), _BATCH)
        logits = [_logits(heads, part.float()) for part in parts if len(part)]
        if not logits:
            return np.empty((0, heads.num_classes), dtype=np.float32)
        scores: FloatArray = torch.sigmoid(torch.cat(logits)).numpy()
    return scores


def logit(scores: FloatArray) -> FloatArray:
    """Scores in [0, 1] as logits, within ±16."""
    sound = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    found: FloatArray = (np.log(sound) - np.log1p(-sound)).astype(np.float32)
    return found


def best_cut(logits: FloatArray, targets: BoolArray) -> float:
    """The logit (N,) from which on a label is right most often, by F1; the highest of several.

    What was drawn says how frequent a category is among the photos that it was taught with, and
    with few of them no score comes near one half, however well they rank.
    """
    order = np.argsort(-logits, kind="stable")
    ranked, hits = logits[order], np.cumsum(targets[order])
    f1 = 2 * hits / (np.arange(1, len(ranked) + 1) + max(1, int(targets.sum())))
    is_end = np.append(ranked[1:] < ranked[:-1], True)  # equal ones cannot be told apart
    last = int(np.argmax(np.where(is_end, f1, -1.0)))
    below = ranked[last + 1] if last + 1 < len(ranked) else ranked[last] - 1.0
    return float(ranked[last] + below) / 2


def lift(heads: ResidualAttentionHeads, logits: Sequence[float]) -> None:
    """Add to the logit of each category; heads without a bias stay as they are."""
    if heads.bias is None:
        return
    share = (1.0 + heads.config.lam) * heads.config.num_heads
    with torch.no_grad():
        heads.bias.add_(torch.tensor(list(logits)) / share)


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


def _logits(heads: ResidualAttentionHeads, features: Tensor) -> Tensor:
    """(B, K) logits."""
    config = heads.config
    scores = _directions(heads).flatten(0, 1) @ features.flatten(2)
    if heads.bias is not None:
        scores = scores + heads.bias.flatten()[:, None]
    shape = (len(features), config.num_heads, heads.num_classes, *features.shape[2:])
    return pool(scores.reshape(shape), config.temperatures, config.lam)
