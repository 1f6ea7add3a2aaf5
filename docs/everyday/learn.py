"""Heads that are learned on the trunk's features, where photos with labels are at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from photos import PRESENT, Photo
from seen import Seen, in_parts
from torch import Tensor
from torch.nn import functional

#: λ of all heads: near the maximum, and what is everywhere still counts.
LAM = 2.0
FOLDS = 3
_EPOCHS, _BATCH, _RATE, _DECAY = 8, 32, 1e-3, 1e-2
#: What nobody said of a photo but is hardly ever true counts so much as a no.
_WEAK = 0.3
#: On photos of VOC with a table, nobody knows what is eaten.
_TABLE = "dining table"


@dataclass
class Learned:
    """Linear heads on standardised features.

    Attributes:
        names: of K categories.
        weight: (K, D); bias: (K,).
        mean, std: (D,) of the features.
    """

    names: list[str]
    weight: Tensor
    bias: Tensor
    mean: Tensor
    std: Tensor

    def logits(self, seen: Seen, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """(n, K): mean + λ · max, over 1 + λ."""
        found = []
        for features in in_parts(seen.features, rows):
            scaled = self.weight / self.std
            scores = scaled @ features + (self.bias - scaled @ self.mean)[:, None]
            found.append(pooled(scores).numpy())
        return np.concatenate(found)


def pooled(scores: Tensor) -> Tensor:
    """(…, P) → (…): residual attention at T = ∞, divided by 1 + λ."""
    return (scores.mean(-1) + LAM * scores.amax(-1)) / (1 + LAM)


def standardisation(seen: Seen, rows: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel."""
    part = torch.cat(list(in_parts(seen.features, rows[:: max(1, len(rows) // 512)])))
    return part.mean((0, 2)), part.std((0, 2)) + 1e-3


def weights_of(
    photos: list[Photo], names: list[str], truth: NDArray[np.int8]
) -> NDArray[np.float32]:
    """(N, K): how much each entry counts: what nobody asked for counts little, as a no."""
    weight = np.where(truth == -1, 0.0, 1.0).astype(np.float32)
    for row, photo in enumerate(photos):
        for column, name in enumerate(names):
            if name in photo.asked or name in photo.unsure:
                continue
            has_table = _TABLE in photo.present | photo.unsure
            weight[row, column] = 0.0 if has_table else _WEAK
    return weight


def learn(
    seen: Seen,
    rows: NDArray[np.intp],
    names: list[str],
    truth: NDArray[np.int8],
    weight: NDArray[np.float32],
    statistics: tuple[Tensor, Tensor],
) -> Learned:
    """Heads for K categories.

    Args:
        seen: what the networks see.
        rows: of n photos.
        names: of the categories.
        truth: (n, K); what is unknown is a no, as far as its weight says.
        weight: (n, K).
        statistics: mean and deviation (D,) of the features.
    """
    torch.manual_seed(0)
    mean, std = statistics
    features = torch.from_numpy(np.asarray(seen.features[rows]).reshape(len(rows), len(mean), -1))
    targets = torch.from_numpy((truth == PRESENT).astype(np.float32))
    counted = torch.from_numpy(weight)
    heads = (torch.randn(len(names), len(mean)) * 0.01).requires_grad_()
    bias = torch.full((len(names),), -1.0).requires_grad_()
    optimizer = torch.optim.AdamW(
        [{"params": [heads], "weight_decay": _DECAY}, {"params": [bias], "weight_decay": 0.0}],
        _RATE,
    )
    steps = _EPOCHS * (len(rows) // _BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(_EPOCHS):
        order = torch.randperm(len(rows))
        for at in range(0, len(rows) - _BATCH + 1, _BATCH):
            part = order[at : at + _BATCH]
            # Of standardised features, without standardising them all anew in each step.
            scaled = heads / std
            scores = scaled @ features[part].float() + (bias - scaled @ mean)[:, None]
            logits = (1 + LAM) * pooled(scores)
            loss = functional.binary_cross_entropy_with_logits(
                logits, targets[part], reduction="none"
            )
            optimizer.zero_grad()
            ((loss * counted[part]).sum() / counted[part].sum()).backward()
            optimizer.step()
            schedule.step()
    return Learned(names, heads.detach() * (1 + LAM), bias.detach() * (1 + LAM), mean, std)


def folds(count: int) -> NDArray[np.int64]:
    """(N,): in which part each photo is judged by heads that have not seen it."""
    return np.random.default_rng(0).integers(0, FOLDS, count)
