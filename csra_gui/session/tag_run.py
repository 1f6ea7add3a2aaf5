"""One pass of a model over photos: what becomes of what it says, how far it is, how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from csra_gui.base.activity import MovingRate
from csra_gui.session.tag_job import FileChanged, Outcome
from engine.api.errors import EngineError
from engine.api.values import ModelInfo, Prediction
from engine.library.store import Library


@dataclass(frozen=True, slots=True)
class TagProgress:
    """How far a run is.

    Attributes:
        done: photos the model has been through, readable or not.
        total: photos in the run.
        rate_per_s: photos per second lately; ``None`` while nothing is known.
        is_waiting: whether it waits for room on the library's disk.
    """

    done: int
    total: int
    rate_per_s: float | None = None
    is_waiting: bool = False


@dataclass(frozen=True, slots=True)
class TagSummary:
    """How a run ended: what was tagged, what could not be read, and why it ended early.

    Attributes:
        total: photos in the run.
        tagged: photos that have scores now.
        unreadable: photos that the model could not be run on.
        cancelled: whether the person ended it.
        error: what ended it.
        paused: whether the person means to go on with it.
        changed: photos whose files changed meanwhile; they have to be tagged again.
        is_held_back: whether the results count only once they are accepted.
    """

    total: int
    tagged: int
    unreadable: int
    cancelled: bool = False
    error: EngineError | None = None
    paused: bool = False
    changed: int = 0
    is_held_back: bool = False

    @property
    def done(self) -> int:
        """Photos the model has been through."""
        return self.tagged + self.unreadable + self.changed

    @property
    def is_complete(self) -> bool:
        """Whether the model has been through every photo."""
        return self.done == self.total


class Sink(Protocol):
    """What becomes of what a model says."""

    @property
    def is_held_back(self) -> bool:
        """Whether it counts only once it is accepted."""

    def library(self) -> Library | None:
        """Where predictions are written to now, if anywhere; in the worker."""

    def take(self, predictions: Sequence[Prediction]) -> None:
        """Take what has arrived."""

    def finish(
        self, summary: TagSummary, model: ModelInfo | None, done: Callable[[], None]
    ) -> None:
        """The run is over: call ``done``, at once or when what came out of it is ready.

        Args:
            summary: how it ended.
            model: who was asked; ``None`` if it could not be opened.
            done: ends the run.
        """

    def discard(self) -> None:
        """The run is given up: rows, or the model in use, are others from now on."""


class TagRun:
    """Counts what comes out of a run, and sums up.

    Attributes:
        sink: takes the predictions.
        model: who is asked, as soon as it is open; set in the worker.
        error: what ended it.
        is_paused: whether the person means to go on with it.
        is_waiting: whether it waits for room on the library's disk.
        total: photos, with those done before a pause.

    Args:
        sink: takes the predictions.
        rows: how many photos are left to ask about.
        before: how an earlier part of the run ended, if it was paused.
    """

    def __init__(self, sink: Sink, rows: int, before: TagSummary | None = None) -> None:
        self.sink = sink
        self.model: ModelInfo | None = None
        self.is_paused = self.is_waiting = False
        self.error: EngineError | None = None
        self._tagged = 0 if before is None else before.tagged
        self._unreadable = 0 if before is None else before.unreadable
        self._changed = 0
        self._rate = MovingRate()
        self.total = self._tagged + self._unreadable + rows

    def count(self, outcomes: Sequence[Outcome]) -> None:
        """Take note of what has arrived."""
        predictions = [x for x in outcomes if isinstance(x, Prediction)]
        unreadable = sum(p.error is not None for p in predictions)
        self._unreadable += unreadable
        self._tagged += len(predictions) - unreadable
        self._changed += sum(isinstance(x, FileChanged) for x in outcomes)

    def progress(self) -> TagProgress:
        """How far it is now."""
        done = self._tagged + self._unreadable + self._changed
        rate = self._rate.add(time.monotonic(), done)
        return TagProgress(done, self.total, rate, self.is_waiting)

    def summary(self, *, is_cancelled: bool) -> TagSummary:
        """How it ended."""
        return TagSummary(
            self.total,
            self._tagged,
            self._unreadable,
            is_cancelled and not self.is_paused,
            self.error,
            is_cancelled and self.is_paused,
            self._changed,
            self.sink.is_held_back,
        )
