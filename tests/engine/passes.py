"""A backend that counts its passes, and turns that say when somebody waits for one."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.api.config import HeadConfig
from engine.inference.backend import BatchScores
from engine.inference.turns import Turns
from tests.engine.tiny_models import tiny_config


class CountedPasses:
    """Says nothing of photos.

    Args:
        fails_at: number of the pass that fails, from 1 on.
        during: called within each pass, with its number.

    Attributes:
        sizes: photos of each pass.
        with_features: whether each was asked for features.
        most_at_once: passes that ran at the same time.
    """

    name = "fake"
    device = "cpu"
    runtime = "fake 1"
    best_batch = 2

    def __init__(self, fails_at: int = 0, during: Callable[[int], None] | None = None) -> None:
        self.sizes: list[int] = []
        self.with_features: list[bool] = []
        self.most_at_once = 0
        self._fails_at = fails_at
        self._during = during
        self._running = 0

    @property
    def head(self) -> HeadConfig:
        return tiny_config().head

    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        self.sizes.append(len(pixels))
        self.with_features.append(features)
        try:
            if self._during is not None:
                self._during(len(self.sizes))
            if len(self.sizes) == self._fails_at:
                raise RuntimeError("the pass failed")
        finally:
            self._running -= 1
        config = tiny_config()
        heads, count = len(config.head.temperatures), len(config.categories)
        return BatchScores(
            np.zeros((len(pixels), count), dtype=np.float32),
            np.zeros((len(pixels), heads, count, 2, 2), dtype=np.float32),
            np.zeros((len(pixels), 16, 2, 2), dtype=np.float16) if features else None,
        )


class WatchedTurns(Turns):
    """Turns at a backend.

    Attributes:
        passes: the backend.
        asked: set whenever somebody begins to wait.
        asked_urgently: set once somebody does who cannot wait.
    """

    def __init__(self, passes: CountedPasses) -> None:
        super().__init__()
        self.passes = passes
        self.asked, self.asked_urgently = threading.Event(), threading.Event()

    def _queued(self, urgent: bool) -> tuple[bool, int]:
        place = super()._queued(urgent)
        self.asked.set()
        if urgent:
            self.asked_urgently.set()
        return place
