"""The heads of a model as arrays: what they say of features, without PyTorch.

Only of heads that score each position (``HeadConfig.is_linear``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.api.config import HeadConfig
from engine.api.errors import ModelError
from engine.api.values import FloatArray

# Of torch.nn.BatchNorm2d, which the heads of the networks standardize with.
_EPSILON = np.float32(1e-5)


@dataclass(frozen=True, eq=False)
class LinearHeads:
    """All heads of a model.

    Attributes:
        config: temperatures, λ and the form.
        weight: (num_heads, C, D) float32, as they are in the file.
        bias: (num_heads, C) float32, if there is one.
        mean: (D,) float32, taken off the features first.
        deviation: (D,) float32, that they are divided by then.
    """

    config: HeadConfig
    weight: FloatArray
    bias: FloatArray | None
    mean: FloatArray
    deviation: FloatArray

    @classmethod
    def of(cls, config: HeadConfig, tensors: Mapping[str, FloatArray]) -> LinearHeads:
        """From the tensors of a model, by their names in it.

        Raises:
            ModelError: its heads are of another kind.
        """
        if not config.is_linear:
            raise ModelError(f"The head {config.kind!r} has no scores of positions.")
        statistics = channel_statistics(config, tensors)
        return cls(config, tensors["heads.weight"], tensors.get("heads.bias"), *statistics)

    @property
    def num_classes(self) -> int:
        """How many categories there are."""
        return int(self.weight.shape[1])

    def logits(self, features: FloatArray) -> FloatArray:
        """(B, D, h, w) → (B, C), by residual attention (ICCV 2021, equations 1 to 4)."""
        flat = features.reshape(*features.shape[:2], -1)
        flat = (flat - self.mean[:, None]) / self.deviation[:, None]
        weight = self.weight
        if self.config.normalize:
            weight = weight / np.linalg.norm(weight, axis=2, keepdims=True)
        total = np.zeros((len(features), self.num_classes), dtype=np.float32)
        for head, temperature in enumerate(self.config.temperatures):
            scores = np.matmul(weight[head], flat)
            if self.bias is not None:
                scores = scores + self.bias[head][:, None]
            total += scores.mean(axis=2) + self.config.lam * _attended(scores, temperature)
        return total


def channel_statistics(
    config: HeadConfig, tensors: Mapping[str, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """What heads of any kind take off each channel of the features, and divide it by then.

    Args:
        config: their form.
        tensors: of the model, by their names in it.

    Returns:
        Mean and deviation, (D,) float32 each; 0 and 1 where they do not standardize.
    """
    if config.standardize:
        mean = tensors["heads.standardization.running_mean"]
        return mean, np.sqrt(tensors["heads.standardization.running_var"] + _EPSILON)
    takes = tensors["heads.weight"].shape[2] if config.is_linear else 0
    dim = takes or tensors["heads.embedding.weight"].shape[1]
    return np.zeros(dim, dtype=np.float32), np.ones(dim, dtype=np.float32)


def _attended(scores: FloatArray, temperature: float) -> FloatArray:
    """(B, C, N) → (B, C): the scores averaged with softmax(T·S) as weights."""
    best: FloatArray = scores.max(axis=2)
    if math.isinf(temperature):
        return best
    powers = np.exp(temperature * (scores - best[:, :, None]))
    found: FloatArray = (scores * powers).sum(axis=2) / powers.sum(axis=2)
    return found
