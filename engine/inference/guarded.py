"""A backend that is replaced by another one at the first sign that it cannot be trusted."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.api.config import HeadConfig
from engine.inference.backend import Backend, BatchScores


class GuardedBackend:
    """Runs a model; what a batch fails at, another backend does again, and all that follows.

    Args:
        backend: runs it as long as all is well.
        instead: makes the one that goes on; it may raise, and that is what the caller gets.
        put_aside: is told why, once; from the thread that ran the batch.
        best_batch: images per pass; 0 leaves it to the backend.
    """

    def __init__(
        self,
        backend: Backend,
        instead: Callable[[], Backend],
        put_aside: Callable[[str], None],
        best_batch: int = 0,
    ) -> None:
        self._backend = backend
        self._instead = instead
        self._put_aside = put_aside
        self._best_batch = best_batch
        self._is_sound = True
        self._lock = threading.Lock()

    @property
    def head(self) -> HeadConfig:
        """Of the model."""
        return self._backend.head

    @property
    def name(self) -> str:
        """See ``Backend``."""
        return self._backend.name

    @property
    def device(self) -> str:
        """See ``Backend``."""
        return self._backend.device

    @property
    def runtime(self) -> str:
        """See ``Backend``."""
        return self._backend.runtime

    @property
    def best_batch(self) -> int:
        """See ``Backend``."""
        return self._best_batch or self._backend.best_batch

    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        """See ``Backend``."""
        if not self._is_sound:
            return self._backend.run(pixels, features=features)
        backend = self._backend
        try:
            found = backend.run(pixels, features=features)
        except Exception as error:  # noqa: BLE001  # those of runtimes have no class in common
            reason = f"a batch failed ({str(error).partition(chr(10))[0][:200]})"
        else:
            if np.isfinite(found.logits).all() and np.isfinite(found.position_scores).all():
                return found
            reason = "a batch gave values that are not numbers"
        self._replace(reason)
        return self._backend.run(pixels, features=features)

    def _replace(self, reason: str) -> None:
        with self._lock:
            if not self._is_sound:  # another thread was first
                return
            self._backend = self._instead()
            self._is_sound = False
        self._best_batch = 0
        self._put_aside(reason)
