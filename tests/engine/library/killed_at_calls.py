"""A program that kills itself, by strace, at each system call of a piece of work on a library.

    python -m tests.engine.library.killed_at_calls FOLDER WORK [EVERY]

Prints as JSON how many calls there were, how many kills, and how each ended: with what was there
before, with what is there after the work, with a message and a repair, or otherwise ("between").
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.library.backup import backups, restore_backup
from engine.library.errors import DamagedLibraryError
from engine.library.opening import open_library
from engine.library.repairing import begin_anew, rebuild_library
from engine.library.schema import MIGRATIONS, TABLES
from engine.library.store import Library
from engine.library.values import Verdict, Wish
from tests.engine.library.parts import ME, NEXT, backed_up, filled

CALLS = "pwrite64,write,fdatasync,fsync,ftruncate,unlink,rename,openat,chmod"
COUNT = 40


@dataclass(frozen=True)
class Work:
    """What is killed.

    ``prepare`` is done before and unharmed, what it returns goes to ``do``.
    """

    make: Callable[[Path], None]
    prepare: Callable[[Path], Library | None]
    do: Callable[[Path, Library | None], object]


def made(path: Path) -> None:
    with open_library(path) as library:
        filled(library, COUNT)
        library.decide([Wish(i, "old", Verdict.ADDED) for i in range(1, COUNT)], who=ME, caption="")
        backed_up(path)
    with open_library(path) as library:
        library.decide([Wish(1, "late", Verdict.ADDED)], who=ME, caption="")


def made_and_cut(path: Path) -> None:
    made(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])


def made_and_lost(path: Path) -> None:
    made(path)
    path.write_bytes(b"")


def nothing(_: Path) -> None:
    return None


def edit(_: Path, library: Library | None) -> object:
    assert library is not None
    wishes = [Wish(i, "new", Verdict.ADDED) for i in range(1, COUNT)]
    wishes += [Wish(i, "old", None) for i in range(1, COUNT)]
    return library.decide(wishes, who=ME, caption="Edit", reviewed={1: True})


WORKS = {
    "edit": Work(made, open_library, edit),
    "migrate": Work(
        made, nothing, lambda path, _: open_library(path, migrations=(*MIGRATIONS, NEXT)).close()
    ),
    "first": Work(nothing, nothing, lambda path, _: open_library(path).close()),
    "close": Work(made, open_library, lambda path, library: (edit(path, library), close(library))),
    "restore": Work(made_and_lost, nothing, lambda path, _: restore_backup(path, backups(path)[0])),
    "rebuild": Work(made_and_cut, nothing, lambda path, _: rebuild_library(path)),
    "anew": Work(made, nothing, lambda path, _: begin_anew(path)),
}


def close(library: Library | None) -> None:
    assert library is not None
    library.close()


def state(path: Path) -> object:
    """All that counts of a library, once it was opened; ``None``: it says that it is damaged."""
    migrations = MIGRATIONS
    if path.exists() and path.stat().st_size:
        with (
            contextlib.suppress(sqlite3.DatabaseError),
            contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection,
        ):
            if connection.execute("PRAGMA user_version").fetchone()[0] > len(MIGRATIONS):
                migrations = (*MIGRATIONS, NEXT)
    try:
        open_library(path, migrations=migrations).close()
    except DamagedLibraryError:
        return None
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = {}
        for table in (*TABLES, *(["notes"] if len(migrations) > len(MIGRATIONS) else [])):
            facts = connection.execute(f"PRAGMA table_info ({table})")
            # Two runs of the same work differ in time alone.
            columns = [row[1] for row in facts if row[1].rpartition("_")[2] != "at"]
            question = f"SELECT {', '.join(columns)} FROM {table}"
            rows[table] = connection.execute(question).fetchall()
        return json.dumps([len(migrations), rows], default=repr, sort_keys=True)


def run(folder: Path, work: Work, options: list[str]) -> bool:
    """Do the work in a process of its own under strace; whether it was killed."""
    path = folder / "library.db"
    child = os.fork()
    if not child:
        library = work.prepare(path)
        os.kill(os.getpid(), signal.SIGSTOP)
        work.do(path, library)
        os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    with traced(child, options):
        os.kill(child, signal.SIGCONT)
        _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@contextlib.contextmanager
def traced(child: int, options: list[str]) -> Iterator[None]:
    command = ["strace", "-f", "-p", str(child), *options]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    tracer.stderr.readline()  # it says that it is attached
    yield
    tracer.communicate()


def main() -> int:
    root, name = Path(sys.argv[1]), sys.argv[2]
    every = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    work, here, log = WORKS[name], root / "here", root / "log"
    here.mkdir()
    work.make(here / "library.db")
    shutil.copytree(here, root / "saved")
    before = state(here / "library.db")
    put_back(root)
    run(here, work, ["-e", f"trace={CALLS}", "-o", str(log)])
    after = state(here / "library.db")
    lines = [line for line in log.read_text().splitlines() if "(" in line]
    counts = Counter(line.split("(")[0].split()[-1] for line in lines)
    points = [(call, when) for call, count in counts.items() for when in range(1, count + 1)]
    ends = Counter[str]()
    for call, when in points[::every]:
        put_back(root)
        kill = ["-o", os.devnull, "-e", f"inject={call}:signal=KILL:when={when}"]
        ends["killed"] += run(here, work, kill)
        ends[ended(here / "library.db", work, before, after)] += 1
    sys.stdout.write(json.dumps({"calls": len(points), **ends}))
    return 0


def put_back(root: Path) -> None:
    shutil.rmtree(root / "here")
    shutil.copytree(root / "saved", root / "here")


def ended(path: Path, work: Work, before: object, after: object) -> str:
    now = state(path)
    if now is None and before is not None:  # it was said: the work, done again, has to mend it
        work.do(path, None)
        return "said and mended" if state(path) == after else "between"
    if now == after:
        return "new"
    return "old" if now == before else "between"


if __name__ == "__main__":
    sys.exit(main())
