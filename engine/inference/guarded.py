"""A backend that is replaced by another one at the first sign that it cannot be trusted."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from engine.api.errors import MemoryShortError
from engine.inference.backend import Backend, BackendAround, BatchScores


class GuardedBackend(BackendAround):
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
        super().__init__(backend)
        self._instead = instead
        self._put_aside = put_aside
        self._best_batch = best_batch
        self._is_sound = True
        self._lock = threading.Lock()

    @property
    @override
    def best_batch(self) -> int:
        return self._best_batch or self.inner.best_batch

    @override
    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        if not self._is_sound:
            return self.inner.run(pixels, features=features)
        backend = self.inner
        try:
            found = backend.run(pixels, features=features)
        except MemoryShortError:
            raise  # the next time there may be more of it, and another backend needs it as well
        except Exception as error:  # noqa: BLE001  # those of runtimes have no class in common
            reason = f"a batch failed ({str(error).partition(chr(10))[0][:200]})"
        else:
            if np.isfinite(found.logits).all() and np.isfinite(found.position_scores).all():
                return found
            reason = "a batch gave values that are not numbers"
        self._replace(reason)
        return self.inner.run(pixels, features=features)

    def _replace(self, reason: str) -> None:
        with self._lock:
            if not self._is_sound:  # another thread was first
                return
            self.inner = self._instead()
            self._is_sound = False
        self._best_batch = 0
        self._put_aside(reason)
