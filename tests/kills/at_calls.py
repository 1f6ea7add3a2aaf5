"""Kills a piece of work at each system call that it makes, and looks at what is there then.

One process has imported everything; each attempt is a fork of it, which stops itself when all is
ready, is attached to by strace, and is killed on entering the call whose turn it is. All in all
that takes tenths of a second.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.atomic import TEMPORARY_PREFIX
from engine.records import litter
from engine.resources import DATA_VARIABLE

#: How a kill may end: with what was there before, with what was to be written, with either for
#: each of several files, or with words that say so and a repair that ends as if it had not been.
GOOD_ENDS = ("old", "new", "mixed", "said")
#: What must never be: something else is there; something is left over after the next start; the
#: same work does not succeed then; what is kept beside it does not fit.
FAULTS = ("between", "litter", "not again", "unsettled")
#: How a program that ends without a kill says that something is wrong.
_FAILED = 9
_LONG_AGO_S = 2 * litter.LEFT_OVER_AFTER_S
_CALL = re.compile(r"(?:\d+ +)?(\w+)\(")

Contents = Mapping[str, object]


def _nothing(*_: object) -> Any:
    return None


def _all_well(*_: object) -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class Work:
    """A piece of work that writes; each of its parts is given the folder that all of it lies in.

    Attributes:
        make: what is there before.
        do: what is killed; also gets what ``prepare`` returned.
        read: what others see, by name. It raises if that is neither old nor new.
        prepare: done before, in the same process, and never killed.
        settle: what the next start does of its own, beside removing what is left over; may tell
            what is left over that has no name of a temporary file.
        again: does the same once more after a kill; ``None`` to do it only to mend what was said.
        further: of what is there in the end, what is wrong: some of ``FAULTS``.
        may_mix: whether one name may be old and another one new.
        cleared_by: which of the next start, and the same work done again, removes what is left.
    """

    make: Callable[[Path], object]
    do: Callable[[Path, Any], object]
    read: Callable[[Path], Contents]
    prepare: Callable[[Path], Any] = _nothing
    settle: Callable[[Path], Iterable[str] | None] = _nothing
    further: Callable[[Path], Iterable[str]] = _all_well
    is_done_again: bool = True
    may_mix: bool = False
    cleared_by: str = "start"


@dataclass(frozen=True)
class Kills:
    """How the kills of one kind of work ended.

    Attributes:
        calls: that it makes between the first that concerns its files and the last.
        ends: how often a kill ended in which way; ``killed`` counts those that met the work.
        wrong: of each fault, at which call it was.
    """

    calls: int
    ends: Counter[str]
    wrong: tuple[str, ...]

    @property
    def line(self) -> dict[str, int]:
        """One row of a table."""
        columns = ("killed", *GOOD_ENDS, *FAULTS)
        return {"calls": self.calls, **{name: self.ends[name] for name in columns}}


def kill_at_calls(place: Path, work: Work, every: int = 1, most: int | None = None) -> Kills:
    """Do a piece of work once unharmed, then once more for each call that it is killed at.

    Args:
        place: an empty folder.
        work: what is done there.
        every: kill at each N-th call only.
        most: kill so often at most, at calls that are spread over all.
    """
    with _own_folders(place / "here"):
        return _Attempts(place, work).all_killed(every, most)


def calls_of(place: Path, work: Work) -> list[str]:
    """What strace says of each call of a piece of work, with the names of files."""
    with _own_folders(place / "here"):
        return _Attempts(place, work).calls


class _Attempts:
    """The same work again and again, from what was there before."""

    def __init__(self, place: Path, work: Work) -> None:
        self._here, self._saved, self._work = place / "here", place / "saved", work
        log = place / "log"
        work.make(self._here)
        shutil.copytree(self._here, self._saved, symlinks=True)
        self._old = work.read(self._here)
        self._put_back()
        assert not self._run(["-y", "-o", str(log)])
        self._names = _names(self._here)
        self._new = work.read(self._here)
        assert self._old != self._new, "nothing is written"
        self.calls, self._points = _between(log.read_text().splitlines(), self._here)

    def all_killed(self, every: int, most: int | None) -> Kills:
        points, ends, wrong = self._points, Counter[str](), list[str]()
        step = max(every, -(-len(points) // most) if most else 1)
        # The last one is always among them.
        for name, when in points[::-step]:
            self._put_back()
            inject = f"inject={name}:signal=KILL:when={when}"
            ends["killed"] += self._run(["-o", os.devnull, "-e", inject])
            ended = dict(self._ended())
            ends.update(ended.keys())
            wrong += [f"{name} {when}: {end} {ended[end]}" for end in ended if end in FAULTS]
        return Kills(len(points), ends, tuple(wrong))

    def _put_back(self) -> None:
        shutil.rmtree(self._here)
        shutil.copytree(self._saved, self._here, symlinks=True)

    def _run(self, options: list[str]) -> bool:
        return run(self._here, self._work, options)

    def _ended(self) -> Iterator[tuple[str, str]]:
        """One good end, or faults, each with what more is to be said of it."""
        here, work = self._here, self._work
        end, why = self._compared()
        yield end, why
        _make_old(here)
        litter.sweep([here / "cache"])
        left = set(work.settle(here) or ())
        if work.cleared_by == "start":
            left |= set(filter(_is_temporary, _names(here)))
        if work.is_done_again or end == "said":
            run_plainly(here, work)
            if work.read(here) != self._new:
                yield "not again", ""
            left |= _names(here) - self._names if work.is_done_again else set()
        if left:
            yield "litter", ", ".join(sorted(left))
        for fault in work.further(here):
            yield fault, ""

    def _compared(self) -> tuple[str, str]:
        try:
            now = self._work.read(self._here)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is neither
            return "between", repr(error)
        if now in (self._old, self._new):
            return "old" if now == self._old else "new", ""
        if None in now.values() and None not in self._old.values():
            return "said", ""
        names = now.keys() | self._old.keys() | self._new.keys()
        neither = [
            name
            for name in sorted(names)
            if now.get(name) not in (self._old.get(name), self._new.get(name))
        ]
        is_mixed = self._work.may_mix and not neither
        return ("mixed", "") if is_mixed else ("between", ", ".join(neither))


def run(here: Path, work: Work, options: list[str]) -> bool:
    """Do the work in a process of its own, its main thread under strace; whether it was killed."""
    child = os.fork()
    if not child:
        _do_and_end(here, work, stops=True)
    os.waitpid(child, os.WUNTRACED)
    command = ["strace", "-p", str(child), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        tracer.stderr.readline()  # it says that it is attached
        os.kill(child, signal.SIGCONT)
        status = _ended_with(child)
        tracer.stderr.read()
    return status


def run_plainly(here: Path, work: Work) -> None:
    """Do the work in a process of its own, to its end."""
    child = os.fork()
    if not child:
        _do_and_end(here, work, stops=False)
    assert not _ended_with(child)


def _ended_with(child: int) -> bool:
    """Whether a process was killed; if it was not, it has to have succeeded."""
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, os.WTERMSIG(status)
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed"
    return False


def _do_and_end(here: Path, work: Work, *, stops: bool) -> None:
    status = _FAILED
    try:
        ready = work.prepare(here)
        if stops:
            os.kill(os.getpid(), signal.SIGSTOP)
        work.do(here, ready)
        status = 0
    except BaseException:  # noqa: BLE001 - a fork must not go on as if it were the test
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _between(lines: list[str], here: Path) -> tuple[list[str], list[tuple[str, int]]]:
    """Calls from the first that names something below a folder to the last, and which they are.

    Each is the N-th of its name.
    """
    calls = [(found[1], line) for line in lines if (found := _CALL.match(line))]
    ours = [number for number, (_, line) in enumerate(calls) if str(here) in line]
    assert ours, "nothing of it is seen"
    seen, points = Counter[str](), []
    for number, (name, _) in enumerate(calls):
        seen[name] += 1
        if ours[0] <= number <= ours[-1]:
            points.append((name, seen[name]))
    return [line for _, line in calls[ours[0] : ours[-1] + 1]], points


@contextlib.contextmanager
def _own_folders(here: Path) -> Iterator[None]:
    """The person's data and temporary files, below a folder."""
    before = os.environ.get(DATA_VARIABLE), tempfile.tempdir
    here.mkdir()
    for name in ("data", "tmp"):
        (here / name).mkdir()
    os.environ[DATA_VARIABLE], tempfile.tempdir = str(here / "data"), str(here / "tmp")
    try:
        yield
    finally:
        if before[0] is None:
            del os.environ[DATA_VARIABLE]
        else:
            os.environ[DATA_VARIABLE] = before[0]
        tempfile.tempdir = before[1]


def _names(here: Path) -> set[str]:
    """All files and folders but locks: who comes next takes one that a kill left."""
    found = {path.relative_to(here).as_posix() for path in here.rglob("*")}
    return {name for name in found if not name.endswith(".lock")}


def _is_temporary(name: str) -> bool:
    return Path(name).name.startswith((TEMPORARY_PREFIX, "csra-"))


def _make_old(here: Path) -> None:
    """As if the next start were the next day."""
    long_ago = time.time() - _LONG_AGO_S
    for path in here.rglob("*"):
        if _is_temporary(path.name):
            os.utime(path, (long_ago, long_ago))
