"""What training makes small: one value per image and category, then a mean over those that count.

Binary cross-entropy is the paper's. The asymmetric loss (Ridnik et al., ICCV 2021) makes light of
easy negatives.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from engine.api.config import LossName

_GAMMA_NEGATIVE, _GAMMA_POSITIVE, _SHIFT = 4.0, 1.0, 0.05
_TINY = 1e-8


def losses(name: LossName, logits: Tensor, targets: Tensor) -> Tensor:
    """The loss of each entry.

    Args:
        name: which.
        logits: (B, C).
        targets: (B, C) from 0 to 1; between them for mixed images.

    Returns:
        (B, C), float32.
    """
    logits = logits.float()
    if name == "asl":
        return _asymmetric(logits, targets)
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def _asymmetric(logits: Tensor, targets: Tensor) -> Tensor:
    score = torch.sigmoid(logits)
    shifted = (1.0 - score + _SHIFT).clamp(max=1.0)  # of not having it; 1 is not a loss at all
    with torch.no_grad():
        positive_weight = (1.0 - score) ** _GAMMA_POSITIVE
        negative_weight = (1.0 - shifted) ** _GAMMA_NEGATIVE
    positive = positive_weight * functional.logsigmoid(logits)
    negative = negative_weight * torch.log(shifted.clamp(min=_TINY))
    return -(targets * positive + (1.0 - targets) * negative)
