"""Running a classifier with PyTorch: uint8 pixels in, NumPy scores out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine.api.values import FloatArray
from engine.models.classifier import Classifier


@dataclass(frozen=True, eq=False)
class BatchScores:
    """What a model says of a batch.

    Attributes:
        logits: (B, C) float32.
        position_scores: (B, num_heads, C, h, w) float32.
        features: (B, D, h, w) float16, if they were asked for.
    """

    logits: FloatArray
    position_scores: FloatArray
    features: NDArray[np.float16] | None = None


class TorchBackend:
    """A classifier on a device, ready to run; usable from several threads.

    Args:
        classifier: in evaluation mode; it is moved to the device.
        device: where to run.
    """

    def __init__(self, classifier: Classifier, device: torch.device) -> None:
        pixels = classifier.config.preprocess
        self.device = device
        self.head = classifier.config.head
        # Depthwise convolutions are several times faster with channels last, on the CPU too.
        self._classifier = classifier.to(device).to(memory_format=torch.channels_last)
        self._mean = torch.tensor(pixels.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(pixels.std, device=device).view(1, 3, 1, 1)

    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        """One forward pass; a batch that does not fit the memory is halved.

        Args:
            pixels: (B, S, S, 3) uint8, resized as the model wants.
            features: whether those of the backbone are wanted too.
        """
        try:
            return self._forward(pixels, features=features)
        except torch.OutOfMemoryError:
            if len(pixels) == 1:
                raise
        middle = len(pixels) // 2
        halves = [self.run(part, features=features) for part in np.split(pixels, [middle])]
        seen = [half.features for half in halves if half.features is not None]
        return BatchScores(
            np.concatenate([half.logits for half in halves]),
            np.concatenate([half.position_scores for half in halves]),
            np.concatenate(seen) if seen else None,
        )

    def _forward(self, pixels: NDArray[np.uint8], *, features: bool) -> BatchScores:
        with torch.inference_mode():
            images = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2)
            images = (images.float() / 255.0 - self._mean) / self._std
            images = images.contiguous(memory_format=torch.channels_last)
            seen = self._classifier.backbone(images)
            output = self._classifier.heads(seen)
            return BatchScores(
                output.logits.float().cpu().numpy(),
                output.position_scores.float().cpu().numpy(),
                seen.half().contiguous().cpu().numpy() if features else None,
            )
