"""What runs an int8 network; apart from what makes one, because that takes long to load."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.api.config import HeadConfig
from engine.inference.backend import Backend, BatchScores


class Int8Backend:
    """Another backend that runs an int8 network, and says so.

    Args:
        backend: runs it.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def head(self) -> HeadConfig:
        """Of the model."""
        return self._backend.head

    @property
    def name(self) -> str:
        """See ``Backend``."""
        return f"{self._backend.name}, int8"

    @property
    def device(self) -> str:
        """See ``Backend``."""
        return self._backend.device

    @property
    def runtime(self) -> str:
        """See ``Backend``."""
        return f"{self._backend.runtime}, int8"

    @property
    def best_batch(self) -> int:
        """See ``Backend``."""
        return self._backend.best_batch

    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        """See ``Backend``."""
        return self._backend.run(pixels, features=features)
