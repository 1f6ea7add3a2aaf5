from __future__ import annotations

import threading
from collections.abc import Generator, Iterator

import pytest
import shiboken6
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from csra_gui.base.jobs import Job, JobRunner, JobSlot, Policy
from engine.api.errors import EngineError


class Record:
    """What a job said, in order."""

    def __init__(self, job: Job) -> None:
        self.events: list[object] = []
        self.threads: set[int] = set()
        job.yielded.connect(lambda values: self._note(("yielded", values)))
        job.returned.connect(lambda value: self._note(("returned", value)))
        job.failed.connect(lambda error: self._note(("failed", str(error))))
        job.finished.connect(lambda: self._note("finished"))

    def _note(self, event: object) -> None:
        self.threads.add(threading.get_ident())
        self.events.append(event)

    @property
    def values(self) -> list[object]:
        return [v for e in self.events if isinstance(e, tuple) and e[0] == "yielded" for v in e[1]]


@pytest.fixture
def runner(qapp: QObject) -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    assert runner.shut_down(5.0)


def test_values_come_in_order_in_the_gui_thread_and_finished_comes_last(
    qtbot: QtBot, runner: JobRunner
) -> None:
    def work() -> Generator[int, None, str]:
        yield from range(1000)
        return "done"

    job = runner.prepare(work, "test")
    record = Record(job)
    with qtbot.waitSignal(job.finished):
        job.start()
    assert record.values == list(range(1000))
    assert record.events[-2:] == [("returned", "done"), "finished"]
    assert record.threads == {threading.get_ident()}
    assert len(record.events) < 100, "values should come in batches"


def test_values_that_come_while_others_are_handed_on_still_come_before_the_end(
    qtbot: QtBot, runner: JobRunner
) -> None:
    first_arrived = threading.Event()

    def work() -> Generator[int, None, None]:
        yield 1
        first_arrived.wait()
        yield 2

    job = runner.prepare(work, "test")
    record = Record(job)

    def let_the_work_end(_values: object) -> None:
        first_arrived.set()
        assert job.wait(5.0)

    job.yielded.connect(let_the_work_end)
    with qtbot.waitSignal(job.finished):
        job.start()
    assert record.events == [
        ("yielded", (1,)),
        ("yielded", (2,)),
        ("returned", None),
        "finished",
    ]


def test_cancel_closes_the_generator_and_nothing_comes_after_but_finished(
    qtbot: QtBot, runner: JobRunner
) -> None:
    cleaned = threading.Event()

    def work() -> Generator[int, None, None]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            cleaned.set()

    job = runner.prepare(work, "test")
    record = Record(job)
    with qtbot.waitSignal(job.yielded):
        job.start()
    with qtbot.waitSignal(job.finished):
        job.cancel()
        said = len(record.events)
    assert cleaned.is_set()
    assert record.events[said:] == ["finished"]


def test_an_expected_error_is_reported_and_finished_still_comes(
    qtbot: QtBot, runner: JobRunner
) -> None:
    def work() -> None:
        raise EngineError("There is no model.")

    job = runner.prepare(work, "test")
    record = Record(job)
    with qtbot.waitSignal(job.finished):
        job.start()
    assert record.events == [("failed", "There is no model."), "finished"]


def test_a_bug_reaches_the_excepthook(qtbot: QtBot, runner: JobRunner) -> None:
    def work() -> None:
        raise ZeroDivisionError("a bug")

    job = runner.prepare(work, "test")
    record = Record(job)
    with qtbot.captureExceptions() as caught, qtbot.waitSignal(job.finished):
        job.start()
    assert [str(error) for _, error, _ in caught] == ["a bug"]
    assert record.events == ["finished"]


def test_shutting_down_ends_a_job_that_is_running(qtbot: QtBot, runner: JobRunner) -> None:
    def work() -> Generator[int, None, None]:
        while True:
            yield 1

    job = runner.prepare(work, "test")
    with qtbot.waitSignal(job.yielded):
        job.start()
    assert runner.shut_down(5.0)
    assert job.wait(0.0)


def test_nobody_can_see_the_end_before_the_thread_is_through_with_telling_it(
    qtbot: QtBot, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the job could be deleted while its signal is on the way, which ends the program."""
    job = runner.prepare(lambda: "done", "test")
    is_held: list[bool] = []
    wake = job._wake

    def watched_wake() -> None:
        is_held.append(job._lock.locked())
        wake()

    monkeypatch.setattr(job, "_wake", watched_wake)
    with qtbot.waitSignal(job.finished):
        job.start()
    assert is_held == [True]


class Gate:
    """Work that ends when it is told to."""

    def __init__(self, value: object) -> None:
        self._value = value
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self) -> object:
        self.begun.set()
        assert self.open.wait(5.0)
        return self._value


@pytest.fixture
def owner(qapp: QObject) -> QObject:
    return QObject()


def test_the_latest_request_wins_and_what_it_replaced_is_never_heard_of(
    qtbot: QtBot, runner: JobRunner, owner: QObject
) -> None:
    slot, said, old = JobSlot(runner, "test", owner), [], Gate("old")
    slot.run(old, said.append, on_end=lambda: said.append("old ended"))
    slot.run(lambda: "new", said.append, on_end=lambda: said.append("new ended"))
    qtbot.waitUntil(lambda: not slot.is_running)
    old.open.set()
    qtbot.waitUntil(lambda: not runner._jobs)
    assert said == ["new", "new ended"]


def test_a_job_is_done_once_more_for_the_newest_of_the_requests_that_came_meanwhile(
    qtbot: QtBot, runner: JobRunner, owner: QObject
) -> None:
    slot, said, first = JobSlot(runner, "test", owner, Policy.ONCE_MORE), [], Gate("first")
    was_running: list[bool] = []
    slot.run(first, said.append, on_end=lambda: was_running.append(slot.is_running))
    for number in range(3):
        slot.run(lambda n=number: n, said.append)
    assert said == []
    first.open.set()
    qtbot.waitUntil(lambda: not slot.is_running)
    assert said == ["first", 2]
    assert was_running == [True]


def test_a_request_is_ignored_while_a_job_runs(
    qtbot: QtBot, runner: JobRunner, owner: QObject
) -> None:
    slot, said, first = JobSlot(runner, "test", owner, Policy.IGNORE), [], Gate("first")
    slot.run(first, said.append)
    slot.run(lambda: "second", said.append)
    first.open.set()
    qtbot.waitUntil(lambda: not slot.is_running)
    slot.run(lambda: "third", said.append)
    qtbot.waitUntil(lambda: not slot.is_running)
    assert said == ["first", "third"]


def test_the_end_of_a_cancelled_job_is_told_and_its_result_is_not(
    qtbot: QtBot, runner: JobRunner, owner: QObject
) -> None:
    slot, said, work = JobSlot(runner, "test", owner, Policy.ONCE_MORE), [], Gate("result")
    slot.run(work, said.append, on_end=lambda: said.append(("ended", slot.is_cancelled)))
    slot.run(lambda: "again", said.append)
    slot.cancel()
    assert slot.is_running
    work.open.set()
    qtbot.waitUntil(lambda: not slot.is_running)
    assert said == [("ended", True)]


def test_a_dropped_job_frees_the_slot_at_once(
    qtbot: QtBot, runner: JobRunner, owner: QObject
) -> None:
    slot, said, work = JobSlot(runner, "test", owner, Policy.IGNORE), [], Gate("result")
    slot.run(work, said.append, on_end=lambda: said.append("ended"))
    slot.drop()
    assert not slot.is_running
    slot.run(lambda: "next", said.append)
    work.open.set()
    qtbot.waitUntil(lambda: not runner._jobs)
    assert said == ["next"]


def test_values_and_failures_reach_who_asked(
    qtbot: QtBot, runner: JobRunner, owner: QObject
) -> None:
    def work() -> Generator[int, None, None]:
        yield from range(3)
        raise EngineError("It broke.")

    slot, said = JobSlot(runner, "test", owner), []
    slot.run(
        work,
        on_values=said.extend,
        on_failure=lambda error: said.append(str(error)),
        on_end=lambda: said.append("ended"),
    )
    qtbot.waitUntil(lambda: not slot.is_running)
    assert said == [0, 1, 2, "It broke.", "ended"]


def test_nobody_is_called_back_who_is_gone(qtbot: QtBot, runner: JobRunner, qapp: QObject) -> None:
    owner, said, work = QObject(), [], Gate("result")
    JobSlot(runner, "test", owner).run(work, said.append)
    shiboken6.delete(owner)
    work.open.set()
    qtbot.waitUntil(lambda: not runner._jobs)
    assert said == []


def test_nothing_begins_for_somebody_who_is_gone(qtbot: QtBot, runner: JobRunner) -> None:
    owner, said = QObject(), []
    slot = JobSlot(runner, "test", owner)
    shiboken6.delete(owner)
    slot.run(lambda: "result", said.append)
    assert not runner._jobs
    qtbot.wait(10)
    assert said == []


def test_jobs_without_a_slot_run_beside_each_other(qtbot: QtBot, runner: JobRunner) -> None:
    said: list[object] = []
    works = [Gate(number) for number in range(2)]
    for work in works:
        runner.run(work, "test", said.append, on_end=lambda: said.append("ended"))
    assert all(work.begun.wait(5.0) for work in works)
    for number, work in enumerate(works):
        work.open.set()
        qtbot.waitUntil(lambda n=number: said == [0, "ended", 1, "ended"][: 2 * n + 2])
