"""How time and memory of the window grow with the library: 1,000 to 1,000,000 photos.

For each size a folder of hard links and a library that knows them are made, and the real window is
driven without being seen: it opens the folder, filters, sorts, counts, decides and takes back. Each
size has fresh processes, and each figure is a line of JSON as soon as it is there.

    python benchmarks/growth.py [--sizes 1000,10000,100000] [--steps window,export,scan]
                                [--scan-up-to 100000] [--results FILE] [--resume] [--plot FILE.svg]
                                [--halts]

Per step: ``s`` on the clock until the window shows it, ``busy_ms`` that the window's own thread
computed for it, ``halt_ms`` the longest turn of its event loop in its own time, ``clock_halt_ms``
the longest by the clock, and the most ``memory_mb`` of the process until then. ``--halts`` says on
stderr where long turns were.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _growth_report import Results, plot, say  # noqa: E402

PER_FOLDER = 1000
LINKS = 50_000  # some file systems allow no more of one file
CATEGORIES = 20
WINDOW = (1280, 800)
TICK_MS = 4
PULSE_MS = 20
HALT_S = 0.1
STEPS = ("window", "export", "scan")
FILTERS = {
    "filter: label": "aeroplane AND NOT bicycle",
    "filter: scores and dates": "score:cat>0.5 date:2024",
    "filter: names": "name:*77*",
}
SORTS = {"sort: name": "name", "sort: date": "date", "sort: score": "score:cat"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--steps", default=",".join(STEPS))
    parser.add_argument("--scan-up-to", type=int, default=100_000)
    parser.add_argument("--results", type=Path, help="lines of JSON, as they come")
    parser.add_argument("--resume", action="store_true", help="leave out what RESULTS has")
    parser.add_argument("--plot", type=Path, help="an SVG made of all results")
    parser.add_argument("--folder", type=Path, help="keep folders and libraries here")
    parser.add_argument("--halts", action="store_true", help="say where long turns were")
    parser.add_argument("--run", choices=["make", *STEPS], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        RUNS[options.run](options)
        return 0
    results = Results(options.results, keep=options.resume)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for size in map(int, options.sizes.split(",")):
            run_size(size, folder, options, results)
    say(results)
    if options.plot:
        options.plot.write_text(plot(results))
    return 0


def run_size(size: int, folder: Path, options: argparse.Namespace, results: Results) -> None:
    """All that is asked for and not there yet, in fresh processes."""
    wanted = [step for step in options.steps.split(",") if not results.has(step, size)]
    if size > options.scan_up_to and "scan" in wanted:
        wanted.remove("scan")
    place = folder / str(size)
    for step in ["make", *wanted] if wanted else []:
        if step == "make" and (place / "made").exists():
            continue
        place.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, __file__, "--run", step, "--sizes", str(size)]
        command += ["--folder", str(place), *(["--halts"] if options.halts else [])]
        environment = {"QT_QPA_PLATFORM": "offscreen"} | os.environ
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
            for line in child.stdout or ():
                row = {"photos": size, "run": step} | json.loads(line)
                results.add(row)
                print(json.dumps(row), flush=True)
        if child.returncode:
            raise SystemExit(f"{step} of {size:,} photos failed")
        if step != "make":
            results.add({"photos": size, "run": step, "end": True})
    if options.folder is None:
        shutil.rmtree(place, ignore_errors=True)


# In processes of their own; what they print are figures.


def make(options: argparse.Namespace) -> None:
    """Photos that are one under many names, and a library in which all about them is known."""
    place, count = options.folder, int(options.sizes)
    start = time.perf_counter()
    make_tree(place, count)
    make_library(place / "data" / "library.db", place / "tree", count)
    (place / "made").touch()
    print(json.dumps({"made_s": round(time.perf_counter() - start, 1)}))


def make_tree(place: Path, count: int) -> None:
    photo = min(
        (ROOT / "resources" / "samples").glob("*.jpg"), key=lambda path: path.stat().st_size
    )
    for first in range(0, count, PER_FOLDER):
        folder = place / "tree" / f"{first // PER_FOLDER:04}"
        folder.mkdir(parents=True)
        original = place / f"photo{first // LINKS}.jpg"
        if not original.exists():
            shutil.copy(photo, original)
        for number in range(first, min(first + PER_FOLDER, count)):
            os.link(original, f"{folder}/IMG_{number:07}.jpg")


def make_library(path: Path, tree: Path, count: int) -> None:
    """20 scores of each photo, a decision on every tenth, and nothing left to read or to hash."""
    import numpy as np

    from engine.library.connections import connect_writing, transaction
    from engine.library.opening import open_library

    path.parent.mkdir(parents=True)
    with open_library(path) as library:
        library.add_model(known_model())
    numbers = range(1, count + 1)
    rng = np.random.default_rng(0)
    looks = [(path.parents[1] / f"photo{i}.jpg").stat() for i in range(1 + (count - 1) // LINKS)]

    def file(number: int) -> os.stat_result:
        return looks[(number - 1) // LINKS]

    labels = known_model().categories
    day = "2024-03-{:02}T10:00:00"
    tables: dict[str, Iterator[tuple[Any, ...]]] = {
        "folders (id, path)": (
            (1 + i, os.fsencode(tree / f"{i:04}")) for i in range(1 + (count - 1) // PER_FOLDER)
        ),
        "images (id, folder_id, name, size, mtime_ns, hash)": (
            (i, 1 + (i - 1) // PER_FOLDER, b"IMG_%07d.jpg" % (i - 1), file(i).st_size,
             file(i).st_mtime_ns, i.to_bytes(32)) for i in numbers
        ),
        "scores (model_id, image_id, scores)": (
            (1, i, (rng.random(CATEGORIES) ** 4).astype("<f2").tobytes()) for i in numbers
        ),
        "decisions (image_id, category, verdict, who, at)": (
            (i, labels[i // 10 % CATEGORIES], "accepted", "me", 1) for i in numbers[::10]
        ),
        "camera_facts (image_id, taken, camera, lens)": (
            (i, day.format(1 + i % 28), "Camera", "") for i in numbers
        ),
        "read_attributes (image_id, stamp)": (
            (i, f"{file(i).st_size}:{file(i).st_mtime_ns}") for i in numbers
        ),
    }  # fmt: skip
    with closing(connect_writing(path, 5.0)) as connection, transaction(connection):
        for table, rows in tables.items():
            places = ", ".join("?" * len(table.split(",")))
            connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)


def known_model() -> Any:
    from engine.api.categories import shipped_categories
    from engine.library.values import LibraryModel

    return LibraryModel("benchmark", "Benchmark", shipped_categories("voc"))


def export(options: argparse.Namespace) -> None:
    """Both kinds of labels as a table, which is what grows with the photos alone."""
    from engine.interchange.exporting.choice import ExportChoice
    from engine.interchange.exporting.job import export as exported
    from engine.interchange.exporting.values import ExportOptions, WhichLabels
    from engine.library.opening import open_library

    target = options.folder / "out.csv"
    with open_library(options.folder / "data" / "library.db") as library:
        start = time.perf_counter()
        ids = library.ids_below(options.folder / "tree", recursive=True)
        choice = ExportChoice(ids, WhichLabels.BOTH, known_model())
        for _ in exported(library, choice, "csv", target, ExportOptions()):
            pass
        told("export: csv", s=time.perf_counter() - start, memory_mb=memory())
    target.unlink()


def scan(options: argparse.Namespace) -> None:
    """Folders that the library has not seen, until it knows all of their photos."""
    with tempfile.TemporaryDirectory() as profile, Driver(Path(profile), options.halts) as driver:
        with driver.measured("scan: all photos"):
            driver.open(options.folder / "tree")
            driver.until(lambda: not driver.session.pipeline.is_scanning)
        with driver.measured("scan: registered"):
            driver.until(lambda: not driver.session.pipeline.is_looking_up)


def window(options: argparse.Namespace) -> None:
    """A known folder is opened again, and worked with."""
    with Driver(options.folder / "data", options.halts) as driver:
        with driver.measured("reopen: usable"):
            driver.open(options.folder / "tree")
            driver.until(driver.shows_labels)
        with driver.measured("reopen: complete"):
            driver.until(lambda: driver.is_settled)
        driver.until(driver.is_idle)
        work(driver)


def work(driver: Driver) -> None:
    """What a person does, one after the other."""
    session = driver.session
    for step, text in FILTERS.items():
        driver.ask(step, lambda text=text: session.shown.set_filter(text))
    driver.ask("filter: none", session.shown.show_all)
    for step, key in SORTS.items():
        driver.ask(step, lambda key=key: session.shown.set_sort(key, descending=True))
    driver.ask("threshold, while sorted", lambda: session.thresholds.set_common(0.6))
    driver.ask("sort: as found", lambda: session.shown.set_sort("found"))
    with driver.measured("threshold and counts"):
        driver.count_again(lambda: session.thresholds.set_common(0.5))
    every = tuple(range(len(session.photos)))  # as a selection is
    for number in (1, 1000, len(every)):
        rows = every[:number]
        name = "all" if number == len(every) else f"{number:,}"
        caption = f"Accept dog on {name}"
        with driver.measured(f"decide: {name}"):
            session.decisions.decide(rows, {"dog": driver.accepted}, caption=caption)
            driver.until(lambda: not session.decisions.is_writing)
        with driver.measured(f"undo: {name}"):
            session.decisions.undo()
            driver.until(lambda: not session.decisions.is_writing)
        if len(every) <= 1000:
            return


class Driver:
    """The real window in this process, without an engine, and what it did in its own thread."""

    def __init__(self, profile: Path, tells_halts: bool) -> None:
        os.environ["CSRA_GUI_PROFILE"] = os.environ["CSRA_GUI_DATA"] = str(profile)
        from browse_speed import no_engine
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication

        from csra_gui.app import Application
        from csra_gui.base import settings as keys
        from csra_gui.base.settings import Settings
        from engine.library.values import Verdict

        self.app = QApplication([])
        settings = Settings(profile / "settings.ini")
        settings.set_value(keys.TAG_ON_OPENING, False)
        settings.set_fingerprint(known_model().fingerprint)
        self.application = Application(no_engine, settings)
        self.window, self.session = self.application.window, self.application.session
        self.accepted = Verdict.ACCEPTED
        self._meter = Meter(tells_halts)
        # Waiting for the next event must not miss what the last one brought about.
        self._pulse = QTimer(interval=PULSE_MS)
        self._pulse.start()

    def __enter__(self) -> Driver:
        self.window.resize(*WINDOW)
        self.application.start([])
        self.until(lambda: self.window.isVisible() and self.session.library.is_open)
        if self.session.pipeline.roots:
            raise RuntimeError("something is open already")
        return self

    def __exit__(self, *_: object) -> None:
        self.window.close()
        self.application.shut_down()

    def until(self, reached: Callable[[], bool], limit_s: float = 1200.0) -> None:
        """Let the window go on until something is so."""
        from browse_speed import spin

        spin(self.app, reached, limit_s)

    def open(self, folder: Path) -> None:
        """As a dropped folder is opened."""
        self.session.open([folder])

    def shows_labels(self) -> bool:
        """Whether photos can be seen, with the first of their labels."""
        grid = self.window.browse.grid.grid
        return grid.isVisible() and len(self.session.shown) > 0 and bool(self.session.labels(0))

    @property
    def is_settled(self) -> bool:
        """Whether all photos are there, with what the library knows of them."""
        pipeline = self.session.pipeline
        is_busy = pipeline.is_scanning or pipeline.is_looking_up or pipeline.is_settling
        return not is_busy and not self.session.shown.is_pending

    def is_idle(self) -> bool:
        """Whether the jobs behind all that are over too."""
        return self.is_settled and not self.session.jobs._jobs

    def ask(self, step: str, action: Callable[[], object]) -> None:
        """Have other photos shown, or in another order."""
        with self.measured(step):
            action()
            self.until(lambda: not self.session.shown.is_pending)

    def count_again(self, action: Callable[[], object]) -> None:
        """Have the counts beside the photos follow a change."""
        facets = self.window.search.facets
        facets.show()
        self.until(lambda: not self.is_counting())
        before = facets.panel._counted
        action()
        self.until(lambda: facets.panel._counted is not before and not self.is_counting())
        facets.hide()

    def is_counting(self) -> bool:
        """Whether other counts may come."""
        panel = self.window.search.facets.panel
        return panel._timer.isActive() or panel._counting.is_running

    @contextmanager
    def measured(self, step: str) -> Iterator[None]:
        """Tell what a step took, what is painted after it included."""
        with self._meter as meter:
            start, busy = time.perf_counter(), time.thread_time()
            yield
            self.window.browse.grid.grid.viewport().repaint()
            seconds, busy = time.perf_counter() - start, time.thread_time() - busy
        told(
            step,
            s=seconds,
            busy_ms=1000 * busy,
            halt_ms=1000 * meter.longest_busy,
            clock_halt_ms=1000 * meter.longest,
            memory_mb=memory(),
        )


class Meter:
    """The longest turns of the event loop, between two ticks of a timer, in seconds."""

    def __init__(self, tells: bool) -> None:
        from PySide6.QtCore import QTimer

        self._is_on = False
        self.longest = self.longest_busy = 0.0
        self._last = time.perf_counter(), time.thread_time()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        if tells:
            watch = threading.Thread(target=self._watch, args=(threading.get_ident(),), daemon=True)
            watch.start()

    def __enter__(self) -> Meter:
        self.longest = self.longest_busy = 0.0
        self._last = time.perf_counter(), time.thread_time()
        self._is_on = True
        self._timer.start(TICK_MS)
        return self

    def __exit__(self, *_: object) -> None:
        self._tick()
        self._is_on = False
        self._timer.stop()

    def _tick(self) -> None:
        clock, busy = time.perf_counter(), time.thread_time()
        self.longest = max(self.longest, clock - self._last[0])
        self.longest_busy = max(self.longest_busy, busy - self._last[1])
        self._last = clock, busy

    def _watch(self, window: int) -> None:
        """Where the window's thread is when a turn is long: once for each turn."""
        told_of, clock = 0.0, time.pthread_getcpuclockid(window)
        while True:
            time.sleep(HALT_S / 5)
            turn, busy = self._last
            is_long = self._is_on and time.clock_gettime(clock) - busy > HALT_S
            if is_long and turn == self._last[0] and turn != told_of:
                told_of = turn
                frames = traceback.extract_stack(sys._current_frames()[window])
                where = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames]
                sys.stderr.write("halt: " + " < ".join(reversed(where[-9:])) + "\n")


def told(step: str, **figures: float) -> None:
    print(json.dumps({"step": step} | {k: round(v, 3) for k, v in figures.items()}), flush=True)


def memory() -> float:
    """The most that this process had in memory, in MB."""
    from browse_speed import own_memory

    return own_memory()


RUNS: dict[str, Callable[[argparse.Namespace], None]] = {
    "make": make,
    "window": window,
    "export": export,
    "scan": scan,
}


if __name__ == "__main__":
    sys.exit(main())
