"""What training makes small: one value per image and category, then a mean over those that count.

Written for a label y in {0, 1} with the score p = sigmoid(logit); for a label between them, of
mixed images, it is both cases in their shares. Each loss names its source; ``LOSSES`` is the only
place that lists them. What is not known of an image is weighed by ``label_weights``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.api.config import PUBLISHED_LOSSES, HeadTrainConfig, LossName, LossSettings
from engine.api.training_config import TrainConfig
from engine.api.values import FloatArray
from engine.data.datasets.labelled import LabelledImages

_TINY = 1e-8


@dataclass(frozen=True, eq=False)
class Criterion:
    """A loss with its parameters, ready to use.

    Attributes:
        name: which.
        settings: of all losses.
        weights: (2, C) float32, of negatives and positives of each category; ``None`` where the
            loss has none.
    """

    name: LossName
    settings: LossSettings = PUBLISHED_LOSSES
    weights: Tensor | None = None

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss of each entry.

        Args:
            logits: (B, C).
            targets: (B, C) from 0 to 1; between them for mixed images.

        Returns:
            (B, C), float32, at least 0.
        """
        found = LOSSES[self.name](logits.float(), targets, self.settings)
        if self.weights is None:
            return found
        return found * torch.lerp(self.weights[0], self.weights[1], targets)

    def on(self, device: torch.device) -> Criterion:
        """The same on a device."""
        return self if self.weights is None else replace(self, weights=self.weights.to(device))


def criterion_of(
    config: TrainConfig | HeadTrainConfig, labels: LabelledImages | None = None
) -> Criterion:
    """The criterion of a run, on the CPU.

    Args:
        config: says which loss, and its parameters.
        labels: to learn from; a class-balanced loss counts them. ``None`` weighs all alike.
    """
    weights = None
    if config.loss == "class-balanced" and labels is not None:
        counted = label_weights(labels, config) > 0
        weights = torch.from_numpy(
            effective_weights(labels.targets, counted, config.loss_settings.beta)
        )
    return Criterion(config.loss, config.loss_settings, weights)


def label_weights(labels: LabelledImages, config: TrainConfig | HeadTrainConfig) -> FloatArray:
    """How much each label counts: 1 if it is known, else what the config says of unknown ones.

    Labels of which nobody can tell, or has told, whether they are there are left out. With
    ``unknown_weight`` they are taken as negative with that weight: most labels are not there, so
    most of these negatives are true, and a false one costs little ("weak assume negative", WAN:
    Cole, Mac Aodha, Lorieul, Perona, Morris, Jojic, "Multi-Label Learning from Single Positive
    Labels", CVPR 2021, section 3; there with the weight 1 / (C − 1)).

    Returns:
        (N, C) float32, 0 to 1.
    """
    unknown = config.unknown_weight if config.ignore_unclear else 1.0
    return np.where(labels.ignored, np.float32(unknown), np.float32(1.0))


def leaves_out_unknown(config: TrainConfig | HeadTrainConfig) -> bool:
    """Whether labels that nobody can tell, or has told, teach nothing at all."""
    return config.ignore_unclear and config.unknown_weight == 0.0


def effective_weights(
    targets: NDArray[np.bool_], counted: NDArray[np.bool_], beta: float
) -> FloatArray:
    """Weights by the effective number of images (Cui et al., CVPR 2019).

    Of n images, E(n) = (1 − β^n) / (1 − β) count, as the more there are, the more they repeat each
    other; an entry weighs 1 / E(n). Each category is taken as a problem of two classes of its own,
    with it and without it, and the two weights sum to 2 as those of C classes sum to C there.

    Args:
        targets: (N, C), what to learn from.
        counted: (N, C), true where a label counts.
        beta: β in [0, 1).

    Returns:
        (2, C) float32, of negatives and of positives; 1 and 1 where one of both has no image.
    """
    counts = np.stack([(~targets & counted).sum(axis=0), (targets & counted).sum(axis=0)])
    with np.errstate(divide="ignore"):
        inverse = (1.0 - beta) / (1.0 - np.power(beta, counts, dtype=np.float64))
    weights = np.where((counts > 0).all(axis=0), inverse, 1.0)
    found: FloatArray = (2.0 * weights / weights.sum(axis=0)).astype(np.float32)
    return found


def binary_cross_entropy(logits: Tensor, targets: Tensor, _settings: LossSettings) -> Tensor:
    """L(y = 1) = −log p, L(y = 0) = −log(1 − p).

    What CSRA was trained with (Zhu and Wu, ICCV 2021).
    """
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def asymmetric(logits: Tensor, targets: Tensor, settings: LossSettings) -> Tensor:
    """L(y = 1) = −(1 − p)^γ+ log p, L(y = 0) = −q^γ− log(1 − q) with q = max(p − m, 0).

    Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter, Zelnik-Manor, "Asymmetric Loss For
    Multi-Label Classification", ICCV 2021, section 2: γ+ and γ− focus, m is the margin. As in its
    code, the gradient does not flow through the two powers unless ``focusing_gradient`` is set.
    """
    score = torch.sigmoid(logits)
    # Of not having it; 1 is no loss at all.
    shifted = (1.0 - score + settings.margin).clamp(max=1.0)
    with torch.set_grad_enabled(settings.focusing_gradient and torch.is_grad_enabled()):
        positive_weight = (1.0 - score) ** settings.gamma_positive
        negative_weight = (1.0 - shifted) ** settings.gamma_negative
    positive = positive_weight * functional.logsigmoid(logits)
    negative = negative_weight * torch.log(shifted.clamp(min=_TINY))
    return -(targets * positive + (1.0 - targets) * negative)


def focal(logits: Tensor, targets: Tensor, settings: LossSettings) -> Tensor:
    """L(y = 1) = −α (1 − p)^γ log p, L(y = 0) = −(1 − α) p^γ log(1 − p).

    Lin, Goyal, Girshick, He, Dollár, "Focal Loss for Dense Object Detection", ICCV 2017,
    equation 5.
    """
    score = torch.sigmoid(logits)
    alpha, gamma = settings.focal_alpha, settings.focal_gamma
    positive = alpha * (1.0 - score) ** gamma * functional.softplus(-logits)
    negative = (1.0 - alpha) * score**gamma * functional.softplus(logits)
    return targets * positive + (1.0 - targets) * negative


def class_balanced(logits: Tensor, targets: Tensor, settings: LossSettings) -> Tensor:
    """Binary cross-entropy, each entry divided by the effective number of images of its kind.

    Cui, Jia, Lin, Song, Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR
    2019, section 4; the weights are those of ``effective_weights``.
    """
    return binary_cross_entropy(logits, targets, settings)


#: Logits (B, C), targets (B, C) and parameters → the loss of each entry (B, C), before weights.
LOSSES: dict[LossName, Callable[[Tensor, Tensor, LossSettings], Tensor]] = {
    "bce": binary_cross_entropy,
    "asl": asymmetric,
    "focal": focal,
    "class-balanced": class_balanced,
}
