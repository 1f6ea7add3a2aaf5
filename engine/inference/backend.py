"""What runs a network: the one interface of all backends, and what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.api.config import HeadConfig
from engine.api.values import Descriptor, FloatArray


@dataclass(frozen=True, eq=False)
class BatchScores:
    """What a model says of a batch.

    Attributes:
        logits: (B, C) float32.
        position_scores: (B, num_heads, C, h, w) float32.
        features: (B, D, h, w) float16 or float32, as the backend has them, if they were asked for.
        descriptors: B of them, of a backend that makes them; ``None`` for an image without.
    """

    logits: FloatArray
    position_scores: FloatArray
    features: NDArray[np.floating] | None = None
    descriptors: Sequence[Descriptor | None] = ()


class Backend(Protocol):
    """A network that is ready to run; usable from several threads."""

    @property
    def head(self) -> HeadConfig:
        """Of the model."""

    @property
    def name(self) -> str:
        """Where it runs and with what, for people: "CPU, ONNX Runtime"."""

    @property
    def device(self) -> str:
        """The kind of device: "cpu", "cuda" or "mps"."""

    @property
    def runtime(self) -> str:
        """What runs it, with its version: "ONNX Runtime 1.23.2"."""

    @property
    def best_batch(self) -> int:
        """Images per pass that suit it."""

    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        """One pass.

        Args:
            pixels: (B, S, S, 3) uint8, resized as the model wants; what does not fit the memory
                goes in halves.
            features: whether those of the backbone are wanted too.

        Raises:
            MemoryShortError: one image alone does not fit either.
        """


class BackendAround:
    """Another backend, of which something is done otherwise; what is not, that one answers.

    Args:
        inner: runs the model.
    """

    def __init__(self, inner: Backend) -> None:
        self.inner = inner

    @property
    def head(self) -> HeadConfig:
        """Of the model."""
        return self.inner.head

    @property
    def name(self) -> str:
        """See ``Backend``."""
        return self.inner.name

    @property
    def device(self) -> str:
        """See ``Backend``."""
        return self.inner.device

    @property
    def runtime(self) -> str:
        """See ``Backend``."""
        return self.inner.runtime

    @property
    def best_batch(self) -> int:
        """See ``Backend``."""
        return self.inner.best_batch

    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        """See ``Backend``."""
        return self.inner.run(pixels, features=features)
