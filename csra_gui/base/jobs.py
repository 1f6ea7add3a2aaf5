"""Long work in a thread of its own: a generator's values arrive as signals in the GUI thread."""

from __future__ import annotations

import inspect
import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from shiboken6 import isValid

from engine.api.errors import EngineError

_log = logging.getLogger(__name__)

_Step = TypeVar("_Step")
_End = TypeVar("_End")

#: What a job does, in its thread: returns something, or a generator whose values are reported.
Work = Callable[[], Any]

#: Values wait this long for company, so that the window is updated at most 15 times a second.
BATCH_MS = 66


class Job(QObject):
    """One piece of work, done in a thread that belongs to it alone.

    The work is a callable. If it returns a generator, each value it yields is reported and
    ``cancel`` closes it, so that its ``finally`` cleans up. Every signal is emitted in the thread
    that made the job; after ``cancel`` nothing comes but ``finished``. An exception that is not an
    ``EngineError`` is a bug and goes to ``sys.excepthook``.

    Signals:
        yielded: a tuple of values, in the order they were yielded.
        returned: what the work returned.
        failed: the ``EngineError`` that ended it.
        finished: always, and always last.
    """

    yielded = Signal(object)
    returned = Signal(object)
    failed = Signal(object)
    finished = Signal()

    _woken = Signal()

    def __init__(self, work: Work, name: str, parent: QObject) -> None:
        super().__init__(parent)
        self._work = work
        self._lock = threading.Lock()
        self._values: list[Any] = []
        self._outcome: Callable[[], None] | None = None
        self._cancelled = threading.Event()
        self._done = False
        self._batch_timer = QTimer(self, singleShot=True, interval=BATCH_MS)
        self._batch_timer.timeout.connect(self._deliver)
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; once only."""
        self._thread.start()

    def cancel(self) -> None:
        """Deliver what has arrived, then stop the work at its next value."""
        if self._done or self._cancelled.is_set():
            return
        self._deliver_values()
        self._cancelled.set()

    @property
    def name(self) -> str:
        """What the job is called, for the log."""
        return self._thread.name

    @property
    def is_cancelled(self) -> bool:
        """Whether ``cancel`` was called."""
        return self._cancelled.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Block until the thread has ended; ``False`` if it has not after that many seconds."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # In the worker thread.

    def _run(self) -> None:
        try:
            outcome = self._returned_with(self._consume())
        except EngineError as error:
            outcome = self._failed_with(error)
        except BaseException as bug:  # noqa: BLE001 - it travels to the GUI thread's excepthook
            outcome = self._broken_by(bug)
        # Woken under the lock: whoever sees the outcome may delete this object right away, and
        # must not while the signal is on its way.
        with self._lock:
            self._outcome = outcome
            self._wake()

    def _consume(self) -> Any:
        result = self._work()
        if not inspect.isgenerator(result):
            return result
        try:
            while not self._cancelled.is_set():
                try:
                    value = next(result)
                except StopIteration as stop:
                    return stop.value
                with self._lock:
                    first = not self._values
                    self._values.append(value)
                if first:
                    self._wake()
        finally:
            result.close()
        return None

    def _wake(self) -> None:
        try:
            self._woken.emit()
        except RuntimeError:  # the window was closed and this object is gone: nobody listens
            _log.debug("%s ended after its owner", self._thread.name)

    # In the GUI thread.

    def _returned_with(self, value: Any) -> Callable[[], None]:
        return lambda: self.returned.emit(value)

    def _failed_with(self, error: EngineError) -> Callable[[], None]:
        return lambda: self.failed.emit(error)

    @staticmethod
    def _broken_by(bug: BaseException) -> Callable[[], None]:
        return lambda: sys.excepthook(type(bug), bug, bug.__traceback__)

    @Slot()
    def _on_woken(self) -> None:
        with self._lock:
            ended = self._outcome is not None
        if ended:
            self._deliver()
        elif not self._batch_timer.isActive():
            self._batch_timer.start()

    @Slot()
    def _deliver(self) -> None:
        # The outcome first: once it is there, no value can come that is not delivered below.
        with self._lock:
            outcome = self._outcome
        self._deliver_values()
        if outcome is None or self._done:
            return
        self._done = True
        self._batch_timer.stop()
        if not self._cancelled.is_set():
            outcome()
        self.finished.emit()

    def _deliver_values(self) -> None:
        with self._lock:
            values, self._values = self._values, []
        if values and not self._cancelled.is_set():
            self.yielded.emit(tuple(values))


class JobRunner(QObject):
    """Starts jobs, keeps them alive while they run, and ends them all when the window closes."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[Job] = []

    def prepare(self, work: Work, name: str) -> Job:
        """A job that is kept until it has finished; connect its signals, then start it."""
        job = Job(work, name, self)
        self._jobs.append(job)
        job.finished.connect(lambda: self._forget(job))
        return job

    def run(
        self,
        work: Work,
        name: str,
        on_result: Callable[[Any], object] | None = None,
        on_failure: Callable[[EngineError], object] | None = None,
        on_end: Callable[[], object] | None = None,
    ) -> None:
        """Start a job that others of its kind may run beside; else see ``JobSlot``.

        Args:
            work: see ``Job``.
            name: for the log.
            on_result: takes what the work returned.
            on_failure: takes the ``EngineError`` that ended it.
            on_end: called last, in any case.
        """
        job = self.prepare(work, name)
        for signal, callback in (
            (job.returned, on_result),
            (job.failed, on_failure),
            (job.finished, on_end),
        ):
            if callback is not None:
                signal.connect(callback)
        job.start()

    def cancel_all(self) -> None:
        """Cancel everything, without waiting."""
        for job in self._jobs:
            job.cancel()

    def shut_down(self, timeout_s: float) -> bool:
        """Cancel everything and wait; ``False`` if something still ran after that many seconds."""
        self.cancel_all()
        deadline = time.monotonic() + timeout_s
        running = [j for j in self._jobs if not j.wait(max(0.0, deadline - time.monotonic()))]
        for job in running:
            _log.error("%s did not end in %.1f s", job.name, timeout_s)
        return not running

    def _forget(self, job: Job) -> None:
        self._jobs.remove(job)
        job.deleteLater()


class Policy(Enum):
    """What becomes of a request while a job runs in the slot."""

    LATEST = auto()  #: the job is dropped for the request
    ONCE_MORE = auto()  #: the newest request runs after the job
    IGNORE = auto()  #: nothing


@dataclass(frozen=True, slots=True)
class _Request:
    work: Work
    on_values: Callable[[tuple[Any, ...]], object] | None
    on_result: Callable[[Any], object] | None
    on_failure: Callable[[EngineError], object] | None
    on_end: Callable[[], object] | None


@dataclass(frozen=True, slots=True)
class JobTold(Generic[_Step, _End]):
    """Who is told of a job that another began: how far it is, what it ended with, what ended it."""

    progressed: Callable[[_Step], object]
    ended: Callable[[_End], object]
    failed: Callable[[EngineError], object]


class JobSlot(QObject):
    """A place for one job at a time.

    What was dropped never calls back, nor does anything at all once the slot's parent is gone.

    Args:
        runner: of the jobs.
        name: for the log.
        parent: who is called back.
        policy: what becomes of a request while a job runs.
    """

    def __init__(
        self, runner: JobRunner, name: str, parent: QObject, policy: Policy = Policy.LATEST
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._name = name
        self._policy = policy
        self._job: Job | None = None
        self._request: _Request | None = None
        self._next: _Request | None = None
        self._was_cancelled = False

    @property
    def is_running(self) -> bool:
        """Whether a job runs; also while its result is handed on, but not at its end."""
        return self._job is not None

    @property
    def is_cancelled(self) -> bool:
        """Whether ``cancel`` ends or ended the job that began last."""
        return self._was_cancelled if self._job is None else self._job.is_cancelled

    def run(
        self,
        work: Work,
        on_result: Callable[[Any], object] | None = None,
        on_failure: Callable[[EngineError], object] | None = None,
        on_end: Callable[[], object] | None = None,
        on_values: Callable[[tuple[Any, ...]], object] | None = None,
    ) -> None:
        """Do this now, later or never, by the slot's policy.

        Args:
            work: see ``Job``.
            on_result: takes what the work returned.
            on_failure: takes the ``EngineError`` that ended it.
            on_end: called last, also after ``cancel``.
            on_values: takes a tuple of values that a generator yielded.
        """
        if not isValid(self):
            return  # the parent went while what comes before the job was waited for
        request = _Request(work, on_values, on_result, on_failure, on_end)
        if self._job is None or self._policy is Policy.LATEST:
            self.drop()
            self._start(request)
        elif self._policy is Policy.ONCE_MORE:
            self._next = request

    def cancel(self) -> None:
        """Ask the job to end; its end is told, its result is not."""
        self._next = None
        if self._job is not None:
            self._job.cancel()

    def drop(self) -> None:
        """End the job and forget it: the slot is free at once, and nobody is called."""
        job, self._job, self._next = self._job, None, None
        if job is not None:
            job.disconnect(self)
            job.cancel()

    def _start(self, request: _Request) -> None:
        self._request, self._was_cancelled = request, False
        self._job = job = self._runner.prepare(request.work, self._name)
        job.yielded.connect(self._on_job_yielded)
        job.returned.connect(self._on_job_returned)
        job.failed.connect(self._on_job_failed)
        job.finished.connect(self._on_job_finished)
        job.start()

    @Slot(object)
    def _on_job_yielded(self, values: tuple[Any, ...]) -> None:
        if self._request is not None and self._request.on_values is not None:
            self._request.on_values(values)

    @Slot(object)
    def _on_job_returned(self, value: Any) -> None:
        if self._request is not None and self._request.on_result is not None:
            self._request.on_result(value)

    @Slot(object)
    def _on_job_failed(self, error: EngineError) -> None:
        if self._request is not None and self._request.on_failure is not None:
            self._request.on_failure(error)

    @Slot()
    def _on_job_finished(self) -> None:
        request, following = self._request, self._next
        self._was_cancelled = self.is_cancelled
        self._job = self._next = None
        # Before the end is told, so that whoever hears of it cannot put an older request last.
        if following is not None and not self._was_cancelled:
            self._start(following)
        if request is not None and request.on_end is not None:
            request.on_end()
