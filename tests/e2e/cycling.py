"""Jobs that are started and cancelled again and again, and what they leave behind, counted."""

from __future__ import annotations

import gc
import logging
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from engine.api.engine import TaggingEngine
from engine.api.remote import serve
from engine.atomic import TEMPORARY_PREFIX
from engine.records import int8_networks
from engine.records.backend_kinds import AUTO

#: Where an engine's process says what nobody should have to read.
ENGINE_LOG = "CSRA_TEST_ENGINE_LOG"
_RUN_S, _SETTLE_S = 900.0, 60.0
#: Cycles until everything that is started once and kept is there.
WARM_UP = 5
#: Tests have Python's garbage looked for only between them; the program does all the time.
_TIDY_EVERY = 10


def serve_quietly(connection: Connection) -> None:
    """As the program's own engine, but nothing is prepared for later, and the log is kept.

    And a few photos are enough to measure an int8 network on.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log = os.open(os.environ[ENGINE_LOG], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    os.close(log)
    int8_networks.LEAST_PHOTOS = 8
    serve(connection, _make_engine)
    logging.shutdown()
    os._exit(0)


def _make_engine() -> TaggingEngine:
    from engine.service.local import LocalEngine

    return LocalEngine(precision=AUTO)


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class CycledJob:
    """Something that the program does for a while.

    Attributes:
        name: for people.
        start: begins it.
        is_running: whether it goes on.
        cancel: asks for its end; a job without a Cancel of its own has a function that does
            nothing.
        result: what came of a whole run, to be compared with that of another.
        reset: before each run, whole or not; what was there before is there again.
    """

    name: str
    start: Callable[[], object]
    is_running: Callable[[], bool]
    cancel: Callable[[], object]
    result: Callable[[], object]
    reset: Callable[[], object] = _nothing


@dataclass(frozen=True)
class Held:
    """What this process and all below it hold.

    Attributes:
        processes: this one and all below it.
        threads: of all of them.
        handles: open files, pipes and sockets of all of them.
        shared: their pieces of shared memory.
        temporary: files that are no more than temporary, by path.
        window_mib: resident memory of this process.
        others_mib: that of all below it.
    """

    processes: int
    threads: int
    handles: int
    shared: int
    temporary: frozenset[Path]
    window_mib: float
    others_mib: float

    def exceeds(self, before: Held) -> bool:
        """Whether there is more of anything but memory."""
        counts = ("processes", "threads", "handles", "shared")
        more = any(getattr(self, name) > getattr(before, name) for name in counts)
        return more or bool(self.temporary - before.temporary)


@dataclass(frozen=True)
class Figures:
    """What cycles of one job came to."""

    name: str
    cycles: int
    whole_s: float
    cut_short: int
    before: Held
    after: Held
    notes: Sequence[str] = field(default_factory=tuple)

    def row(self) -> str:
        """As a row of a table."""
        a, b = self.before, self.after
        return (
            f"| {self.name} | {self.cycles} | {self.cut_short} | {self.whole_s:.1f} | "
            f"{a.processes} → {b.processes} | {a.threads} → {b.threads} | "
            f"{a.handles} → {b.handles} | {len(b.temporary - a.temporary)} | "
            f"{a.window_mib:.0f} → {b.window_mib:.0f} | {a.others_mib:.0f} → {b.others_mib:.0f} |"
        )


def look(roots: Sequence[Path]) -> Held:
    """Count what is held now.

    Args:
        roots: folders in which temporary files are looked for, beside that for such files.
    """
    me, found = os.getpid(), [os.getpid()]
    parents = dict(_parents())
    for child in sorted(parents):
        above = parents[child]
        while above not in (0, 1, me):
            above = parents.get(above, 0)
        if above == me:
            found.append(child)
    counts = [one for pid in found if (one := _held_by(pid)) is not None]
    return Held(
        len(counts),
        *(sum(one[place] for one in counts) for place in range(3)),
        frozenset(_temporary(roots)),
        counts[0][3],
        sum(one[3] for one in counts[1:]),
    )


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                rest = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if rest[0] != "Z":
                yield int(entry.name), int(rest[1])


def _held_by(pid: int) -> tuple[int, int, int, float] | None:
    """Threads, handles, pieces of shared memory and MiB of a process; ``None``: it has ended."""
    place = Path(f"/proc/{pid}")
    try:
        threads = len(list((place / "task").iterdir()))
        handles = len(list((place / "fd").iterdir()))
        shared = sum("/dev/shm/" in line for line in (place / "maps").read_text().splitlines())
        pages = int((place / "statm").read_text().split()[1])
    except OSError:
        return None
    return threads, handles, shared, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _temporary(roots: Sequence[Path]) -> Iterator[Path]:
    for root in roots:
        yield from root.rglob(f"{TEMPORARY_PREFIX}*")
    yield from Path(tempfile.gettempdir()).iterdir()


def turn_events(condition: Callable[[], bool], limit_s: float) -> bool:
    """Let the window work until something holds; whether it does."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        QApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        time.sleep(0.002)
    return True


def cycle(
    job: CycledJob, count: int, seed: int, roots: Sequence[Path], *, is_quick: bool = False
) -> Figures:
    """Start and cancel a job so many times, each at another moment; whole before and after.

    Args:
        job: what.
        count: how often.
        seed: of the moments.
        roots: where it writes.
        is_quick: with one cycle to warm up, and no long look at what is held then.

    Raises:
        AssertionError: more is held afterwards, or the last whole run gives another result.
    """
    first, whole_s = whole(job)
    again, whole_s = whole(job)
    assert again == first, f"{job.name}: two whole runs differ"
    chance = random.Random(f"{job.name} {seed}")
    cut_short = 0
    for number in range(-1 if is_quick else -WARM_UP, count):
        if number % _TIDY_EVERY == 0:
            _tidy(is_quick=is_quick)
        if number == 0:
            before = _settled(roots, 0.05 if is_quick else 1.0)
        cut_short += _cut(job, chance.uniform(0.0, 0.95) * whole_s) and number >= 0
    _tidy(is_quick=is_quick)
    turn_events(lambda: not look(roots).exceeds(before), _SETTLE_S)
    after = look(roots)
    figures = Figures(job.name, count, whole_s, cut_short, before, after)
    told = f"{figures.row()}\n{sorted(t.name for t in threading.enumerate())}"
    assert not after.exceeds(before), told
    last, _ = whole(job)
    assert last == first, f"{job.name}: the whole run after the cycles gives something else"
    job.reset()
    return figures


def _tidy(*, is_quick: bool) -> None:
    if not is_quick:  # among all that tests import, it takes half a second
        gc.collect()


def whole(job: CycledJob) -> tuple[object, float]:
    """Start a job and wait for its end; what came of it, and the seconds that it took."""
    job.reset()
    began = time.monotonic()
    job.start()
    assert turn_events(lambda: not job.is_running(), _RUN_S), f"{job.name} does not end"
    return job.result(), time.monotonic() - began


def _cut(job: CycledJob, after_s: float) -> bool:
    """Whether it still ran when it was cancelled."""
    job.reset()
    job.start()
    turn_events(lambda: not job.is_running(), after_s)
    ran = job.is_running()
    job.cancel()
    assert turn_events(lambda: not job.is_running(), _RUN_S), f"{job.name} is not cancelled"
    return ran


def _settled(roots: Sequence[Path], pause_s: float) -> Held:
    """What is held once nothing changes for a moment."""
    held = look(roots)
    deadline = time.monotonic() + _SETTLE_S
    while time.monotonic() < deadline:
        turn_events(lambda: False, pause_s)
        now = look(roots)
        if not now.exceeds(held) and not held.exceeds(now):
            break
        held = now
    return now
