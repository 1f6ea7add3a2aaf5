"""Passes of networks one at a time, and first those that somebody waits for."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from engine.inference.backend import Backend, BackendAround, BatchScores

_Place = tuple[bool, int]


class Turns:
    """Who runs a network next; usable from several threads.

    A pass takes all cores, or the graphics card: two at once would take as long as one after the
    other, and more memory. What is urgent waits for the pass that runs and for nothing else; the
    rest goes in the order asked, so that of two long works none stands still.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: list[_Place] = []
        self._is_taken = False

    def backend(self, backend: Backend, *, urgent: bool = False) -> Backend:
        """The same backend, each pass of which waits for its turn.

        Args:
            backend: may be one of ours, which is then only more or less urgent than it was.
            urgent: whether somebody waits for the answer.
        """
        inner = backend.inner if isinstance(backend, _InTurn) else backend
        return _InTurn(inner, self, urgent)

    @staticmethod
    def out_of_turn(backend: Backend) -> Backend:
        """What runs the passes of a backend of ours, for who has taken a turn already."""
        return backend.inner if isinstance(backend, _InTurn) else backend

    @contextlib.contextmanager
    def taken(self, *, urgent: bool) -> Iterator[None]:
        """Wait for a turn, and have it until the end of the block."""
        place = self._queued(urgent)
        with self._changed:
            try:
                self._changed.wait_for(lambda: not self._is_taken and min(self._waiting) == place)
                self._is_taken = True
            finally:
                self._waiting.remove(place)
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()

    def _queued(self, urgent: bool) -> _Place:
        """A place among those who wait; the least one is next."""
        with self._changed:
            place = not urgent, next(self._numbers)
            self._waiting.append(place)
        return place


class _InTurn(BackendAround):
    """A backend whose passes wait for their turns."""

    def __init__(self, inner: Backend, turns: Turns, urgent: bool) -> None:
        super().__init__(inner)
        self._turns = turns
        self._urgent = urgent

    @override
    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        with self._turns.taken(urgent=self._urgent):
            return super().run(pixels, features=features)
