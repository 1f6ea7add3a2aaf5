"""Asking a disk that may never answer: in a thread of its own, which is left behind if it hangs.

A call to the system on a network folder whose server is away returns after minutes, or never, and
nothing can interrupt it. So whoever must go on asks in another thread and waits here.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")

#: What hangs so long (s) without any sign of life is put aside.
LIMIT_S = 30.0
# Between two values of a waiting generator, it can be closed (s).
_STEP_S = 0.1
# A step that takes so long (s) was none: all stood still, as while a laptop sleeps.
_STANDSTILL_S = 3.0

#: Says that a call goes on: what takes long is no stall as long as it is called.
Alive = Callable[[], None]


class Attempt(Generic[T]):
    """A call that goes on in another thread.

    Attributes:
        is_done: whether it has returned or failed.
    """

    def __init__(self, call: Callable[[Alive], T], limit_s: float) -> None:
        self._call = call
        self._limit_s = limit_s
        self._ended = threading.Event()
        self._result: T
        self._error: BaseException | None = None
        self._last_sign = time.monotonic()

    @property
    def is_done(self) -> bool:
        """Whether it has returned or failed."""
        return self._ended.is_set()

    @property
    def is_stalled(self) -> bool:
        """Whether it has given no sign of life for too long."""
        return not self.is_done and time.monotonic() - self._last_sign >= self._limit_s

    def run(self) -> None:
        """Do it, in the other thread."""
        self._sign()
        try:
            self._result = self._call(self._sign)
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            self._error = error
        self._ended.set()

    def wait(self, at_most_s: float = math.inf) -> Generator[None, None, bool]:
        """Wait until it is done, stalled, or so many seconds are over; a value now and then.

        Seconds in which this program stood still, and so the call, too, do not count.

        Returns:
            Whether it is done.
        """
        last = time.monotonic()
        until = last + at_most_s
        while not self._ended.wait(min(_STEP_S, self._limit_s, at_most_s)):
            now = time.monotonic()
            lost, last = now - last, now
            if lost > _STANDSTILL_S:
                self._last_sign, until = self._last_sign + lost, until + lost
            if self.is_stalled or now >= until:
                return False
            yield
        return True

    def result(self) -> T:
        """What a call that is done returned; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._result

    def _sign(self) -> None:
        self._last_sign = time.monotonic()


class Patience:
    """Starts attempts one after another; one that hangs holds up none of those that follow.

    Use it as a context manager, in one thread.

    Attributes:
        limit_s: seconds without a sign of life after which an attempt is stalled.
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self.limit_s = limit_s
        self._tasks: queue.SimpleQueue[Attempt[Any] | None] | None = None
        self._last: Attempt[Any] | None = None

    def __enter__(self) -> Patience:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def begin(self, call: Callable[[Alive], T]) -> Attempt[T]:
        """Start a call in the other thread; a new one if that still hangs in the last call."""
        attempt = Attempt(call, self.limit_s)
        if self._last is not None and not self._last.is_done:
            self._let_go()
        if self._tasks is None:
            self._tasks = queue.SimpleQueue()
            # A daemon: a thread that hangs for ever must not keep the program from ending.
            threading.Thread(target=_work, args=(self._tasks,), name="disk", daemon=True).start()
        self._tasks.put(attempt)
        self._last = attempt
        return attempt

    def sentence(self) -> str:
        """What became of a place that is stalled."""
        return f"It did not answer for {self.limit_s:g} seconds and was skipped; look again later."

    def _let_go(self) -> None:
        if self._tasks is not None:
            self._tasks.put(None)
        self._tasks = None


def _work(tasks: queue.SimpleQueue[Attempt[Any] | None]) -> None:
    while (attempt := tasks.get()) is not None:
        attempt.run()
        del attempt  # or what it found would stay in memory while we wait


def ask(question: Callable[[], T], default: T, limit_s: float = LIMIT_S / 3) -> T:
    """Ask the disk and wait for the answer; ``default`` if none comes in time. Only in workers."""
    with Patience(limit_s) as patience:
        attempt = patience.begin(lambda _: question())
        for _ in attempt.wait():
            pass
        return attempt.result() if attempt.is_done else default


def patiently(
    work: Generator[T, None, None], idle: T, limit_s: float = 2 * LIMIT_S
) -> Generator[T, None, bool]:
    """The values of a generator that asks the disk between them; ``idle`` while it does so long.

    Closing it works at once, also while the disk does not answer.

    Args:
        work: is left behind if it stalls.
        idle: comes instead of a value now and then.
        limit_s: how long it may be without a value.

    Returns:
        Whether the work came to its end.
    """
    with Patience(limit_s) as patience:
        attempt = None
        try:
            while True:
                attempt = patience.begin(lambda _: next(work, _END))
                for _ in attempt.wait():
                    yield idle
                if not attempt.is_done:
                    return False
                value = attempt.result()
                if value is _END:
                    return True
                yield value  # type: ignore[misc]
        finally:
            if attempt is None or attempt.is_done:
                work.close()


_END = object()
