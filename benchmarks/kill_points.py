"""What a kill at every system call leaves of each kind of file that the program writes.

A process is killed by strace at each call that its main thread makes between the first of a write
and its end. What is read afterwards has to be what was there before or what was to be written; the
next start has to remove what is left over (made to look an hour old), and the same write has to
succeed then. Of photos, ExifTool is killed at each of its calls, too.

    python benchmarks/kill_points.py [KIND ...] [--every N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from kill_figures import traced  # noqa: E402

from csra_gui.base.settings import SAVED_FILTERS, Settings  # noqa: E402
from engine.atomic import TEMPORARY_PREFIX  # noqa: E402
from engine.checkpoints import onnx_export  # noqa: E402
from engine.checkpoints.safetensors_model import in_memory, save_checkpoint  # noqa: E402
from engine.interchange.exporting.choice import ExportChoice  # noqa: E402
from engine.interchange.writing import job  # noqa: E402
from engine.interchange.writing.values import Target, WriteOptions  # noqa: E402
from engine.library.opening import open_library  # noqa: E402
from engine.library.values import Verdict, Wish, look_at  # noqa: E402
from engine.records import litter  # noqa: E402
from engine.records.folders import _write as write_description  # noqa: E402
from engine.records.thumbnail_cache import ThumbnailCache, ThumbnailKey  # noqa: E402
from engine.report.page import write_html  # noqa: E402
from engine.train.resume import PARTS, StateFolder  # noqa: E402
from tests.engine.interchange.writing.embedding_parts import MAKERS  # noqa: E402
from tests.engine.tiny_models import tiny_classifier, tiny_record  # noqa: E402

_HOUR_AND_MORE_S = 7200
_WRAPPER = """#!/bin/sh
exec strace -f -qq -o {log} -e {what} {program} "$@"
"""


@dataclass(frozen=True)
class Work:
    """A kind of write.

    Attributes:
        name: of it.
        make: what is there before.
        do: writes.
        read: what is there, as others see it.
        next_start: what the next start does of its own.
    """

    name: str
    make: Callable[[Path], object]
    do: Callable[[Path], object]
    read: Callable[[Path], object]
    next_start: Callable[[Path], object] = lambda _: None


@dataclass
class Figures:
    """How the kills of one kind of write ended; ``between`` counts what was neither."""

    work: str
    calls: int = 0
    killed: int = 0
    old: int = 0
    new: int = 0
    between: int = 0
    litter: int = 0
    not_again: int = 0

    @property
    def bad(self) -> int:
        """Kills after which something was not as it has to be."""
        return self.between + self.litter + self.not_again


def main() -> int:
    torch.set_num_threads(1)
    kinds = works()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(kinds))
    parser.add_argument("--every", type=int, default=1, help="kill at each N-th call only")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = []
    for name in options.kinds or kinds:
        with tempfile.TemporaryDirectory() as place:
            os.environ["CSRA_GUI_DATA"] = f"{place}/here/data"
            kill = kill_exiftool if name == "exiftool" else measure
            found.append(kill(Path(place), kinds[name], options.every))
        sys.stdout.write(f"{asdict(found[-1])}\n")
        sys.stdout.flush()
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in found], indent=1))
    return int(any(one.bad for one in found))


def measure(place: Path, work: Work, every: int) -> Figures:
    """Kill our own process."""
    here, saved, log = place / "here", place / "saved", place / "log"
    here.mkdir()
    work.make(here)
    shutil.copytree(here, saved)
    old = work.read(here)
    run(here, work, ["-o", str(log)])
    new = work.read(here)
    assert old != new, f"{work.name}: nothing is written"
    lines = [line for line in log.read_text().splitlines() if "(" in line]
    names = [line.split("(")[0].split()[-1] for line in lines]
    ours = [i for i, line in enumerate(lines) if str(here) in line or TEMPORARY_PREFIX in line]
    first, last = min(ours), max(ours)
    seen: Counter[str] = Counter()
    points = []
    for number, name in enumerate(names):
        seen[name] += 1
        if first <= number <= last:
            points.append((name, seen[name]))
    figures = Figures(work.name, len(points))
    for name, when in points[::every]:
        put_back(here, saved)
        inject = f"inject={name}:signal=KILL:when={when}"
        figures.killed += run(here, work, ["-o", os.devnull, "-e", inject])
        note(figures, here, work, (old, new))
    return figures


def kill_exiftool(place: Path, work: Work, every: int) -> Figures:
    """Kill the program that photos are rewritten with, and not our own."""
    here, saved, log = place / "here", place / "saved", place / "log"
    here.mkdir()
    work.make(here)
    shutil.copytree(here, saved)
    old, program = work.read(here), shutil.which("exiftool")
    wrapper = place / "exiftool"

    def write(what: str, into: Path) -> None:
        wrapper.write_text(_WRAPPER.format(log=into, what=what, program=program))
        wrapper.chmod(0o755)
        run_plainly(partial(write_photos, here, exiftool=str(wrapper)))

    calls = "openat,write,pwrite64,rename,unlink,close,lseek,utimensat,chmod,newfstatat"
    write(f"trace={calls}", log)
    new = work.read(here)
    lines = [line for line in log.read_text().splitlines() if "(" in line]
    start = next(i for i, line in enumerate(lines) if str(TEMPORARY_PREFIX) in line)
    figures = Figures(work.name, len(lines) - start)
    for when in range(start + 1, len(lines) + 1, every):
        put_back(here, saved)
        write(f"inject={calls}:signal=KILL:when={when}", Path(os.devnull))
        figures.killed += 1
        note(figures, here, work, (old, new))
    return figures


def note(figures: Figures, here: Path, work: Work, either: tuple[object, object]) -> None:
    """What is there, what the next start makes of it, and whether it can be written then."""
    old, new = either
    now = work.read(here)
    figures.old += now == old
    figures.new += now == new
    figures.between += now not in (old, new)
    long_ago = time.time() - _HOUR_AND_MORE_S
    for path in here.rglob(f"{TEMPORARY_PREFIX}*"):
        os.utime(path, (long_ago, long_ago))
    work.next_start(here)
    litter.sweep([here])
    left = [path for path in here.rglob("*") if path.name.startswith((TEMPORARY_PREFIX, "csra-"))]
    left += [path for path in here.rglob("settings.ini.*") if path.suffix != ".lock"]
    figures.litter += bool(left)
    run_plainly(partial(work.do, here))
    figures.not_again += work.read(here) != new


def put_back(here: Path, saved: Path) -> None:
    shutil.rmtree(here)
    shutil.copytree(saved, here)


def run(here: Path, work: Work, options: list[str]) -> bool:
    """Do the work in a process of its own, its main thread under strace; whether it was killed."""
    child = os.fork()
    if not child:
        os.kill(os.getpid(), signal.SIGSTOP)
        _do_and_end(partial(work.do, here))
    os.waitpid(child, os.WUNTRACED)
    with traced(child, options, ()):
        os.kill(child, signal.SIGCONT)
        _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def run_plainly(do: Callable[[], object]) -> None:
    child = os.fork()
    if not child:
        _do_and_end(do)
    os.waitpid(child, 0)


def _do_and_end(do: Callable[[], object]) -> None:
    try:
        do()
    finally:
        os._exit(0)


# The kinds of writes.


def works() -> dict[str, Work]:
    """All of them, by name."""
    model, record = tiny_classifier(), tiny_record()
    other = replace(record, name="new")

    def one_file(name: str, write: Callable[[Path, bool], object]) -> dict[str, Any]:
        return {
            "make": lambda here: write(here / name, False),
            "do": lambda here: write(here / name, True),
            "read": lambda here: {
                path.name: path.read_bytes() for path in here.iterdir() if path.name == name
            },
        }

    def save_settings(path: Path, is_new: bool) -> None:
        settings = Settings(path)
        settings.set_value(SAVED_FILTERS, "cat" * 2000 if is_new else "dog")
        settings.save()

    def save_model(path: Path, is_new: bool) -> None:
        save_checkpoint(path, model, other if is_new else record)

    def save_onnx(path: Path, is_new: bool) -> None:
        if not is_new:
            path.write_bytes(b"old")
            return
        onnx_export.export_onnx(in_memory(model, record), path)

    def save_report(path: Path, is_new: bool) -> None:
        write_html(path, "<p>new</p>" * 9000 if is_new else "<p>old</p>")

    def save_record(path: Path, is_new: bool) -> None:
        write_description(path, {"format": 1, "value": "new" if is_new else "old"})

    def save_state(here: Path, step: int) -> None:
        parts = {name: torch.full((100,), step) for name in PARTS}
        StateFolder(here).save(step, parts)

    def read_state(here: Path) -> object:
        state = StateFolder(here).load()
        return None if state is None else int(state["model"][0])

    # Making and checking a graph takes seconds and writes nothing: done once, before.
    with tempfile.TemporaryDirectory() as place:
        made = Path(place, "made.onnx")
        onnx_export.export_onnx(in_memory(model, record), made)
        graph = made.read_bytes()
    onnx_export._write = lambda *a: a[-1].write_bytes(graph)
    onnx_export._checked_difference = lambda *_: 0.0
    photo = Work("photo", make_photos, write_photos, read_photos, recover_photos)
    found = {
        "settings": one_file("settings.ini", save_settings),
        "report": one_file("report.html", save_report),
        "record": one_file("run.json", save_record),
        "model": one_file("model.safetensors", save_model),
        "onnx": one_file("model.onnx", save_onnx),
    }
    return {
        **{name: Work(name, **parts) for name, parts in found.items()},
        "thumbnail": Work("thumbnail", lambda _: None, store_thumbnail, read_thumbnail),
        "state": Work(
            "state",
            lambda here: [save_state(here, step) for step in (1, 2)],
            lambda here: save_state(here, 3),
            read_state,
        ),
        "photo": photo,
        "exiftool": replace(photo, name="exiftool"),
    }


_KEY = ThumbnailKey(Path("/photos/a.jpg"), 1, 2, 160)


def store_thumbnail(here: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (160, 120, 3), dtype=np.uint8)
    ThumbnailCache(here, 1 << 20).store(_KEY, pixels)


def read_thumbnail(here: Path) -> object:
    found = ThumbnailCache(here, 1 << 20).find(_KEY)
    return found and found.read_bytes()


def make_photos(here: Path) -> None:
    (here / "photos").mkdir()
    MAKERS["rich jpeg"][1](here / "photos" / "a.jpg")
    with open_library(here / "library.db") as library:
        file = look_at(here / "photos" / "a.jpg")
        assert file is not None
        wishes = [Wish(image, "dog", Verdict.ADDED) for image in library.add_images([file])]
        library.decide(wishes, who="me", caption="Benchmark")


def write_photos(here: Path, exiftool: str = "") -> None:
    how = WriteOptions(Target.EMBED, may_change_photos=True, exiftool=exiftool)
    with open_library(here / "library.db") as library:
        ids = library.ids_below(here / "photos", recursive=True)
        for _ in job.write(library, ExportChoice(ids), how):
            pass


def read_photos(here: Path) -> object:
    return (here / "photos" / "a.jpg").read_bytes()


def recover_photos(here: Path) -> None:
    with open_library(here / "library.db") as library:
        until = time.monotonic() + 20  # ExifTool may not have noticed its end yet
        while time.monotonic() < until:
            job.recover(library)
            if not list((here / "photos").glob(f"{TEMPORARY_PREFIX}*")):
                return


if __name__ == "__main__":
    sys.exit(main())
