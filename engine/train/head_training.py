"""Training heads on the features of a frozen backbone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.api.config import HeadTrainConfig
from engine.api.training_reports import EpochReport
from engine.api.values import FloatArray
from engine.data.datasets.labelled import LabelledImages
from engine.models.heads import Heads
from engine.train.ema import AveragedModel
from engine.train.features import FeatureArray
from engine.train.losses import criterion_of, label_weights
from engine.train.validation import Validation

_EVALUATION_BATCH = 64


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Labelled images by their features.

    Attributes:
        features: one or more views of the images (as they are, mirrored), each (N, D, h, w).
        labels: their labels, N images.
    """

    features: tuple[FeatureArray, ...]
    labels: LabelledImages


#: Called with the heads of an epoch that is better than all before, and with their logits (N, C) of
#: the validation images; must keep a copy.
KeepBest = Callable[[Heads, EpochReport, FloatArray], None]


def train_heads(
    heads: Heads,
    train: FeatureSet,
    val: FeatureSet,
    config: HeadTrainConfig,
    keep_best: KeepBest | None = None,
) -> Generator[EpochReport, None, None]:
    """Train the heads on fixed features, in place.

    If the heads standardise, the channels' statistics are taken from the training features first
    and stay as they are. With a moving average, the heads are the average at the end, also if the
    generator is closed before.

    Args:
        heads: their weights are set anew from the seed, unless ``config.keep_start``.
        train: images to learn from.
        val: images to report on; nothing is learned from them, but ``keep_best`` and
            ``config.patience`` choose by them.
        config: schedule and seed.
        keep_best: see ``KeepBest``; the heads themselves are those of the last epoch at the end.
    """
    generator = torch.Generator().manual_seed(config.seed)
    if not config.keep_start:
        heads.begin_small(_log_odds(train.labels, config), generator)
        if heads.standardization is not None:
            set_statistics(heads.standardization, train.features[0])
    heads.requires_grad_(requires_grad=True)
    heads.eval()  # the statistics stay as they are
    average = AveragedModel(heads, config.ema_decay) if config.ema_decay else None
    judged = heads if average is None else cast(Heads, average.model)
    best, best_epoch = -math.inf, 0
    try:
        for epoch, loss, seconds in _epochs(heads, train, config, generator, average):
            started = time.monotonic()
            logits = head_logits(judged, val.features[0])
            found = Validation.of(logits, val.labels)
            is_best = not found.can_choose or not found.val_map <= best
            took = seconds + time.monotonic() - started
            report = found.report(epoch, loss, is_best=is_best, seconds=took)
            if is_best:
                best, best_epoch = found.val_map, epoch
                if keep_best is not None:
                    keep_best(judged, report, logits)
            yield report
            if config.patience and epoch - best_epoch >= config.patience:
                return
    finally:
        if average is not None:
            heads.load_state_dict(average.model.state_dict())


def _epochs(
    heads: Heads,
    train: FeatureSet,
    config: HeadTrainConfig,
    generator: torch.Generator,
    average: AveragedModel | None,
) -> Iterator[tuple[int, float, float]]:
    """Learn; after each epoch its number from 1, its mean loss and its seconds."""
    decayed: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in heads.named_parameters():
        (decayed if parameter.ndim > 1 and name != "bias" else others).append(parameter)
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": config.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
    )
    criterion = criterion_of(config, train.labels)
    steps = config.epochs * math.ceil(len(train.labels) / config.batch_size)
    lr_scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    targets = torch.from_numpy(train.labels.targets).float()
    counted = torch.from_numpy(label_weights(train.labels, config))
    for epoch in range(1, config.epochs + 1):
        started = time.monotonic()
        order = torch.randperm(len(train.labels), generator=generator)
        found = []
        for rows in torch.split(order, config.batch_size):
            logits = heads(_batch(train, rows, generator)).logits
            loss = (criterion(logits, targets[rows]) * counted[rows]).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            lr_scheduler.step()
            if average is not None:
                average.update(heads)
            found.append(loss.item())
        yield epoch, float(np.mean(found)), time.monotonic() - started


def head_logits(heads: Heads, features: FeatureArray) -> FloatArray:
    """The logits (N, C) of images by their features (N, D, h, w)."""
    with torch.inference_mode():
        parts = [
            heads(
                torch.from_numpy(np.array(features[start : start + _EVALUATION_BATCH])).float()
            ).logits
            for start in range(0, len(features), _EVALUATION_BATCH)
        ]
        result: FloatArray = torch.cat(parts).numpy()
    return result


def set_statistics(norm: torch.nn.BatchNorm2d, features: FeatureArray) -> None:
    """Give a norm the mean and variance of each channel over all images and positions."""
    count = features.shape[0] * features.shape[2] * features.shape[3]
    total: NDArray[np.float64] = np.zeros(features.shape[1])
    squares = np.zeros_like(total)
    for start in range(0, len(features), _EVALUATION_BATCH):
        part = torch.from_numpy(np.array(features[start : start + _EVALUATION_BATCH])).float()
        total += part.sum(dim=(0, 2, 3)).double().numpy()
        squares += part.square().sum(dim=(0, 2, 3)).double().numpy()
    mean = total / count
    variance = np.maximum(squares / count - mean**2, 0.0)
    assert norm.running_mean is not None  # noqa: S101  # for the type checker
    assert norm.running_var is not None  # noqa: S101
    norm.running_mean.copy_(torch.from_numpy(mean))
    norm.running_var.copy_(torch.from_numpy(variance))


def _log_odds(labels: LabelledImages, config: HeadTrainConfig) -> Tensor:
    """(C,) of how frequent each category is among the labels that count."""
    counted = ~labels.ignored if config.ignore_unclear else np.ones_like(labels.ignored)
    frequency = ((labels.targets & counted).sum(axis=0) + 1.0) / (counted.sum(axis=0) + 2.0)
    return torch.from_numpy(np.log(frequency / (1 - frequency)))


def _batch(images: FeatureSet, rows: Tensor, generator: torch.Generator) -> Tensor:
    """One view of each image, at random: (B, D, h, w) float32."""
    views = torch.randint(len(images.features), (len(rows),), generator=generator).tolist()
    picked = [images.features[v][row] for v, row in zip(views, rows.tolist(), strict=True)]
    return torch.from_numpy(np.stack(picked)).float()  # NumPy's cast takes four times as long
