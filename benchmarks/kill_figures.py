"""What a kill at every system call of a write leaves behind, and of its undo.

A program of two photos, one with a file of others beside it, is killed by strace at each call that
it makes between the first of the write and its end. Afterwards each file has to be the old or the
new one; the next start has to settle the journal, leave no litter, finish the write as if nothing
had been, and undo it byte for byte.

    python benchmarks/kill_figures.py [--every N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.atomic import TEMPORARY_PREFIX  # noqa: E402
from engine.interchange.exporting.choice import ExportChoice  # noqa: E402
from engine.interchange.writing import job  # noqa: E402
from engine.interchange.writing.values import Target, WriteOptions  # noqa: E402
from engine.library.opening import open_library  # noqa: E402
from engine.library.store import Library  # noqa: E402
from engine.library.values import Verdict, Wish, look_at  # noqa: E402
from engine.metadata import xmp  # noqa: E402
from engine.metadata.values import Changes  # noqa: E402

THEIRS = {
    Target.SIDECAR: ("b.jpg.xmp", xmp.merged(None, Changes(add=(("Rome",),), rating=4))),
    Target.TXT: ("b.txt", b"Rome, blue sky\n"),
}


@dataclass
class Figures:
    """How the kills of one kind of work ended.

    ``mixed``: of the two files one was the old and one the new; ``damaged``: one was neither.
    ``journal``: the next start did not settle it, or the write did not end as if never killed.
    """

    work: str
    calls: int = 0
    killed: int = 0
    old: int = 0
    new: int = 0
    mixed: int = 0
    damaged: int = 0
    litter: int = 0
    journal: int = 0
    not_undone: int = 0

    @property
    def bad(self) -> int:
        """Kills after which something was not as it has to be."""
        return self.damaged + self.litter + self.journal + self.not_undone


@dataclass(frozen=True)
class Place:
    """Folders of one attempt: photos, and the library's own."""

    root: Path
    target: Target
    does: str

    @property
    def photos(self) -> Path:
        """The folder that is written into."""
        return self.root / "photos"

    @property
    def library(self) -> Path:
        """The file of the library."""
        return self.root / "home" / "library.db"

    def put_back(self, saved: Path) -> None:
        """Make all as it was saved."""
        shutil.rmtree(self.root)
        shutil.copytree(saved, self.root)

    def contents(self) -> dict[str, bytes]:
        """What lies beside the photos, and they themselves."""
        return {path.name: path.read_bytes() for path in sorted(self.photos.iterdir())}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="kill at each N-th call only")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = []
    for target in THEIRS:
        for does in ("write", "undo"):
            with tempfile.TemporaryDirectory() as name:
                found.append(measure(Path(name), target, does, options.every))
            sys.stdout.write(f"{asdict(found[-1])}\n")
            sys.stdout.flush()
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in found], indent=1))
    return int(any(one.bad for one in found))


def measure(place: Path, target: Target, does: str, every: int) -> Figures:
    here = Place(place / "here", target, does)
    before = make(here)
    started = here.contents()
    shutil.copytree(here.root, place / "saved")
    log = place / "log"
    run(here, ["-o", str(log)])
    written = here.contents()
    figures = Figures(f"{target.value}, {does}")
    counts = Counter(
        line.split("(")[0].split()[-1] for line in log.read_text().splitlines() if "(" in line
    )
    points = [(name, when) for name, count in counts.items() for when in range(1, count + 1)]
    figures.calls = len(points)
    for name, when in points[::every]:
        here.put_back(place / "saved")
        figures.killed += run(
            here, ["-o", os.devnull, "-e", f"inject={name}:signal=KILL:when={when}"]
        )
        note_files(figures, here.contents(), started, written)
        note_recovery(figures, here, before, written)
    return figures


def make(here: Place) -> dict[str, bytes]:
    """A library that accepts a label for each of two photos; what lies there before any write."""
    here.photos.mkdir(parents=True)
    here.library.parent.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (here.photos / name).write_bytes(b"x")
    name, data = THEIRS[here.target]
    (here.photos / name).write_bytes(data)
    before = here.contents()
    with open_library(here.library) as library:
        files = [look_at(here.photos / name) for name in ("a.jpg", "b.jpg")]
        ids = library.add_images([file for file in files if file])
        wishes = [Wish(image, "dog", Verdict.ADDED) for image in ids]
        library.decide(wishes, who="me", caption="Benchmark")
        if here.does == "undo":
            write(here, library)
    return before


def run(here: Place, options: list[str]) -> bool:
    """Do the work in a process of its own under strace; whether it was killed."""
    child = os.fork()
    if not child:
        with open_library(here.library) as library:
            os.kill(os.getpid(), signal.SIGSTOP)
            if here.does == "undo":
                finish(job.undo(library))
            else:
                write(here, library)
            os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    with traced(child, options):
        os.kill(child, signal.SIGCONT)
        _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@contextmanager
def traced(child: int, options: list[str], follow: tuple[str, ...] = ("-f",)) -> Iterator[None]:
    command = ["strace", *follow, "-p", str(child), *options]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    tracer.stderr.readline()  # it says that it is attached
    yield
    tracer.communicate()


def write(here: Place, library: Library) -> None:
    ids = library.ids_below(here.photos, recursive=True)
    finish(job.write(library, ExportChoice(ids), WriteOptions(here.target)))


def finish(steps: job.Steps) -> None:
    for _ in steps:
        pass


def note_files(
    figures: Figures,
    now: dict[str, bytes],
    started: dict[str, bytes],
    written: dict[str, bytes],
) -> None:
    ours = {name: now.get(name) for name in started.keys() | written.keys()}
    figures.damaged += any(
        data not in (started.get(name), written.get(name)) for name, data in ours.items()
    )
    is_old = all(data == started.get(name) for name, data in ours.items())
    is_new = all(data == written.get(name) for name, data in ours.items())
    figures.old += is_old
    figures.new += is_new
    figures.mixed += not is_old and not is_new


def note_recovery(
    figures: Figures, here: Place, before: dict[str, bytes], written: dict[str, bytes]
) -> None:
    with open_library(here.library) as library:
        job.recover(library)
        figures.litter += any(name.startswith(TEMPORARY_PREFIX) for name in here.contents())
        figures.journal += bool(library.begun_files())
        if here.does == "write":
            write(here, library)
            figures.journal += here.contents() != written
        while library.last_write() is not None:
            finish(job.undo(library))
        figures.not_undone += here.contents() != before


if __name__ == "__main__":
    sys.exit(main())
