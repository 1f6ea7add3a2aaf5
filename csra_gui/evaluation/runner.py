"""Evaluations going on: one after the other, in the engine, while the window stays usable."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from csra_gui.base.activity import Activity, MovingRate, Progress, counted
from csra_gui.base.engine_client import EngineClient
from csra_gui.base.jobs import JobRunner, JobSlot
from engine.api.errors import EngineError
from engine.api.evaluation import EvaluationDone, EvaluationProgress, EvaluationRequest
from engine.data.datasets.registry import dataset_spec
from engine.texts import display_text


@dataclass(frozen=True, slots=True)
class EvaluationState:
    """How far it is.

    Attributes:
        request: what is being evaluated.
        done: images so far.
        total: images; 0 while the model and the data set are being read.
    """

    request: EvaluationRequest
    done: int = 0
    total: int = 0

    @property
    def what(self) -> str:
        """The model and the data set, for people."""
        request = self.request
        title = dataset_spec(request.dataset).title
        model = display_text(request.model or "the model")
        return f"{model} on {title} {display_text(request.split)}"


@dataclass(frozen=True, slots=True)
class EvaluationEnd:
    """How one ended.

    Attributes:
        state: how far it was.
        run: the id of the run; empty if there is none.
        error: why it failed.
        is_cancelled: the person ended it; what was found can be gone on with.
    """

    state: EvaluationState
    run: str = ""
    error: EngineError | None = None
    is_cancelled: bool = False


class EvaluationRunner(QObject):
    """A queue of evaluations, of which one runs.

    Signals:
        state_changed: the ``EvaluationState``, also when one begins.
        ended: the ``EvaluationEnd`` of one of them.
    """

    state_changed = Signal(object)
    ended = Signal(object)

    def __init__(
        self, engine: EngineClient, jobs: JobRunner, activity: Activity, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._queue: deque[EvaluationRequest] = deque()
        self._slot = JobSlot(jobs, "evaluate", self)
        self._run = ""
        self._error: EngineError | None = None
        self._rate = MovingRate()
        self.activity = activity
        self.state: EvaluationState | None = None

    @property
    def is_running(self) -> bool:
        """Whether one goes on."""
        return self._slot.is_running

    def start(self, requests: Sequence[EvaluationRequest]) -> None:
        """Evaluate these after what goes on already."""
        self._queue.extend(requests)
        if not self.is_running:
            self._start_next()
        elif self.state is not None:
            self._tell(self.state)

    def cancel(self) -> None:
        """Stop within one batch; what waits is given up, what was found is kept."""
        self._queue.clear()
        self._slot.cancel()

    def _start_next(self) -> None:
        request = self._queue.popleft()
        self._run, self._error, self._rate = "", None, MovingRate()
        self._slot.run(
            self._engine.ask(lambda engine: engine.evaluate(request)),
            on_values=self._take_progress,
            on_failure=self._take_error,
            on_end=self._finish,
        )
        self._tell(EvaluationState(request))

    def _tell(self, state: EvaluationState, rate_per_s: float | None = None) -> None:
        self.state = state
        text, waiting = f"Evaluating {state.what}", len(self._queue)
        if not state.total:
            progress = Progress(f"{text}: reading the model and the data set…")
        else:
            text += f", {waiting} more waiting" if waiting else ""
            progress = counted(text, state.done, state.total, rate_per_s)
        self.activity.set_progress(progress)
        self.state_changed.emit(state)

    def _take_progress(self, values: tuple[EvaluationProgress | EvaluationDone, ...]) -> None:
        for value in values:
            if isinstance(value, EvaluationDone):
                self._run = value.run
        steps = [value for value in values if isinstance(value, EvaluationProgress)]
        if steps and steps[-1].total and self.state is not None:
            rate = self._rate.add(time.monotonic(), steps[-1].done)
            state = EvaluationState(self.state.request, steps[-1].done, steps[-1].total)
            self._tell(state, rate)

    def _take_error(self, error: EngineError) -> None:
        self._error = error

    def _finish(self) -> None:
        state, self.state = self.state, None
        if state is None:
            return
        is_cancelled = self._slot.is_cancelled
        end = EvaluationEnd(state, self._run, self._error, is_cancelled and not self._run)
        if self._queue and not is_cancelled:
            self._start_next()
        else:
            self.activity.set_progress(None)
        self.ended.emit(end)
