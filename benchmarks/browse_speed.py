"""How a folder of 100,000 photos is opened and scrolled through, beside what other programs do.

Makes a tree of small JPEG files (hard links to a few real photos) in a temporary folder, and opens
it in our window and in small programs that do what widespread ones do:

    icon_list    QListView in icon mode over a model that decodes thumbnails in ``data``
    file_list    QListWidget with a checkable item per file, filled from ``os.walk``
    labelme      labelme itself, if ``--labelme PYTHON`` names an interpreter that has it

Every round starts a fresh process for each of them, one after another, so that whatever else the
machine does hits them alike. Reported are medians over the rounds, and the worst frame of all.
"s" and "ms" are time on the clock; "busy ms" is what the window's own thread computed meanwhile,
which a busy machine does not blur.
On Linux without a display, set QT_QPA_PLATFORM=offscreen.

    python benchmarks/browse_speed.py [--photos N] [--rounds R] [--labelme PYTHON] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

PER_FOLDER = 1000
SIDE = 640
WINDOW = (1280, 800)
STEPS = 200
JUMPS = 60
TICK_MS = 4
FRAME_S = 0.016
NOTICEABLE_S = 0.002


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--labelme", type=Path, help="an interpreter that can import labelme")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--run", choices=RUNS, help="for the processes that this one starts")
    parser.add_argument("--tree", type=Path, help="photos to open, instead of making some")
    options = parser.parse_args()
    if options.run:
        print(json.dumps(RUNS[options.run](options.tree)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        tree = options.tree or make_tree(Path(folder), options.photos)
        result = compare(tree, options.rounds, options.labelme)
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def make_tree(folder: Path, count: int) -> Path:
    """Hard links: files of their own for every program, though they share their bytes."""
    from PIL import Image

    originals = []
    for path in sorted((ROOT / "resources" / "samples").glob("*.jpg")):
        small = folder / f"original-{path.name}"
        with Image.open(path) as image:
            image.thumbnail((SIDE, SIDE))
            image.convert("RGB").save(small, quality=85)
        originals.append(small)
    tree = folder / "tree"
    for number in range(count):
        place = tree / f"{number // PER_FOLDER:04d}"
        if number % PER_FOLDER == 0:
            place.mkdir(parents=True)
        target = place / f"IMG_{number % PER_FOLDER:05d}.jpg"
        try:
            target.hardlink_to(originals[number % len(originals)])
        except OSError:  # some file systems limit the links to a file
            shutil.copy(originals[number % len(originals)], target)
    return tree


def compare(tree: Path, rounds: int, labelme: Path | None) -> dict[str, Any]:
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in RUNS}
    if labelme is None:
        runs.pop("labelme")
    for _ in range(rounds):
        for name, results in runs.items():
            python = str(labelme) if name == "labelme" else sys.executable
            command = [python, __file__, "--run", name, "--tree", str(tree)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            results.append(json.loads(done.stdout.splitlines()[-1]))
    summary = {name: summarised(results) for name, results in runs.items()}
    return {
        "platform": os.environ.get("QT_QPA_PLATFORM", "default"),
        "rounds": rounds,
        "median": summary,
        "times as long as ours": {
            name: ratios(summary["ours"], values)
            for name, values in summary.items()
            if name != "ours"
        },
    }


def summarised(results: list[dict[str, float]]) -> dict[str, float]:
    """Medians over the rounds, but the worst of what is a maximum already."""
    return {
        key: round(
            (max if "longest" in key else statistics.median)(result[key] for result in results), 2
        )
        for key in results[0]
    }


def ratios(ours: dict[str, float], theirs: dict[str, float]) -> dict[str, float]:
    return {key: round(theirs[key] / max(ours[key], 1e-3), 1) for key in theirs if key in ours}


# In a process of its own.


def run_ours(tree: Path) -> dict[str, float]:
    profile = tempfile.mkdtemp()
    os.environ["CSRA_GUI_PROFILE"] = os.environ["CSRA_GUI_DATA"] = profile
    try:
        return measure_ours(tree, Path(profile))
    finally:
        shutil.rmtree(profile, ignore_errors=True)


def measure_ours(tree: Path, profile: Path) -> dict[str, float]:
    from PySide6.QtWidgets import QApplication

    from csra_gui.app import Application
    from csra_gui.base import settings as keys
    from csra_gui.base.settings import Settings

    app = QApplication([])
    settings = Settings(profile / "settings.ini")
    settings.set_value(keys.TAG_ON_OPENING, False)
    application = Application(no_engine, settings)
    window, session = application.window, application.session
    window.resize(*WINDOW)
    application.start([])
    spin(app, window.isVisible)
    start, busy = time.perf_counter(), time.thread_time()
    with Turns() as turns:
        session.open([tree])
        spin(app, lambda: window.browse.grid.grid.isVisible() and len(session.shown) > 0)
        window.browse.grid.grid.viewport().repaint()
        first = time.perf_counter() - start
        spin(app, lambda: not session.pipeline.is_scanning)
        complete = time.perf_counter() - start
        spin(app, lambda: not session.pipeline.is_looking_up)
        busy = time.thread_time() - busy
    frames = scroll(app, window.browse.grid.grid)
    peak = own_memory()
    application.window.close()
    application.shut_down()
    return {
        "first photos s": first,
        "all photos s": complete,
        "busy while opening s": busy,
        "turn while opening, longest ms": turns.longest,
        "turn while opening, longest busy ms": turns.longest_busy,
        **frames,
        "memory MB": peak,
    }


def no_engine() -> Any:
    """An engine without a model: only looking at photos is measured."""
    from engine.api.errors import ModelError
    from engine.api.remote import RemoteEngine
    from engine.service.server import serve_local

    class NoModel(RemoteEngine):
        def open_model(self, source: str | None = None) -> Any:
            raise ModelError("No model is needed here.")

    return NoModel(serve_local)


def run_icon_list(tree: Path) -> dict[str, float]:
    """Files found and looked into in the GUI thread, thumbnails decoded in ``data``."""
    from PySide6.QtCore import QAbstractListModel, QSize, Qt
    from PySide6.QtGui import QIcon, QImageReader, QPixmap
    from PySide6.QtWidgets import QApplication, QListView

    app = QApplication([])
    start = time.perf_counter(), time.thread_time()

    class Photos(QAbstractListModel):
        def __init__(self) -> None:
            super().__init__()
            self.paths = sorted(path for path in tree.rglob("*") if path.suffix == ".jpg")
            self.sizes = [QImageReader(str(path)).size() for path in self.paths]
            self.icons: dict[int, QIcon] = {}

        def rowCount(self, parent: object = None) -> int:  # noqa: N802
            return len(self.paths)

        def data(self, index: Any, role: int = 0) -> Any:
            row = index.row()
            if role == Qt.ItemDataRole.DisplayRole:
                return self.paths[row].name
            if role == Qt.ItemDataRole.DecorationRole:
                if row not in self.icons:
                    reader = QImageReader(str(self.paths[row]))
                    size = self.sizes[row].scaled(160, 160, Qt.AspectRatioMode.KeepAspectRatio)
                    reader.setScaledSize(size)
                    self.icons[row] = QIcon(QPixmap.fromImageReader(reader))
                return self.icons[row]
            return None

    view = QListView()
    view.setViewMode(QListView.ViewMode.IconMode)
    view.setIconSize(QSize(160, 160))
    view.setGridSize(QSize(172, 200))
    view.setUniformItemSizes(True)
    view.setResizeMode(QListView.ResizeMode.Adjust)
    view.resize(*WINDOW)
    model = Photos()
    view.setModel(model)
    return measure_stand_in(app, view, start, len(model.paths))


def run_file_list(tree: Path) -> dict[str, float]:
    """A list of names with a box to tick, as annotation programs have it."""
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QApplication, QListWidget, QListWidgetItem

    app = QApplication([])
    start = time.perf_counter(), time.thread_time()
    view = QListWidget()
    view.resize(*WINDOW)
    names = sorted(
        f"{folder}{os.sep}{name}" for folder, _, files in os.walk(tree) for name in files
    )
    for name in names:
        item = QListWidgetItem(name)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        ticked = Path(name).with_suffix(".json").exists()
        item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        view.addItem(item)
    return measure_stand_in(app, view, start, view.count())


def run_labelme(tree: Path) -> dict[str, float]:
    """The program itself, asked to open the folder as its menu does."""
    import importlib

    labelme = importlib.import_module("labelme.app")
    app = labelme.QtWidgets.QApplication([])
    window = labelme.MainWindow()
    window.resize(*WINDOW)
    window.show()
    app.processEvents()
    start = time.perf_counter(), time.thread_time()
    window._import_images_from_dir(root_dir=str(tree))
    lists = window.findChildren(labelme.QtWidgets.QListWidget)
    view = max(lists, key=lambda view: view.count())
    return measure_stand_in(app, view, start, view.count())


def measure_stand_in(
    app: Any, view: Any, start: tuple[float, float], count: int
) -> dict[str, float]:
    view.show()
    app.processEvents()
    view.viewport().repaint()
    opened, busy = time.perf_counter() - start[0], time.thread_time() - start[1]
    if count < PER_FOLDER:
        raise RuntimeError(f"only {count} photos were found")
    return {
        "first photos s": opened,
        "all photos s": opened,
        "busy while opening s": busy,
        "turn while opening, longest ms": 1000 * opened,
        "turn while opening, longest busy ms": 1000 * busy,
        **scroll(app, view),
        "memory MB": own_memory(),
    }


RUNS: dict[str, Callable[[Path], dict[str, float]]] = {
    "ours": run_ours,
    "icon_list": run_icon_list,
    "file_list": run_file_list,
    "labelme": run_labelme,
}


def scroll(app: Any, view: Any) -> dict[str, float]:
    """The wheel turned fast for a while, then jumps to anywhere; each frame is painted at once."""
    bar, rng = view.verticalScrollBar(), random.Random(1)
    wheel = list(frames(app, view, (bar.value() + 120 for _ in range(STEPS))))
    jumps = list(frames(app, view, (rng.randrange(max(1, bar.maximum())) for _ in range(JUMPS))))
    return {
        **_numbers("wheel frame", wheel),
        **_numbers("jump frame", jumps),
    }


def _numbers(name: str, frames: list[tuple[float, float]]) -> dict[str, float]:
    clock, busy = zip(*frames, strict=True)
    return {
        f"{name} ms": statistics.median(clock),
        f"{name}, longest ms": max(clock),
        f"{name} busy ms": statistics.median(busy),
        f"{name}, longest busy ms": max(busy),
    }


def frames(app: Any, view: Any, positions: Iterator[int]) -> Iterator[tuple[float, float]]:
    """For each position, ms on the clock and busy: moving there and painting it; then what follows.

    What follows, such as thumbnails that come, is a frame of its own.
    """
    for position in positions:
        start, busy = time.perf_counter(), time.thread_time()
        view.verticalScrollBar().setValue(position)
        view.viewport().repaint()
        yield 1000 * (time.perf_counter() - start), 1000 * (time.thread_time() - busy)
        pause = start + FRAME_S
        while time.perf_counter() < pause:
            start, busy = time.perf_counter(), time.thread_time()
            app.processEvents()
            busy = time.thread_time() - busy
            if busy > NOTICEABLE_S:
                yield 1000 * (time.perf_counter() - start), 1000 * busy


class Turns:
    """The longest turn of the event loop, between two ticks of a timer, in ms."""

    def __enter__(self) -> Turns:
        from PySide6.QtCore import QTimer

        self.longest = self.longest_busy = 0.0
        self._last = time.perf_counter(), time.thread_time()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK_MS)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        clock, busy = time.perf_counter(), time.thread_time()
        self.longest = max(self.longest, 1000 * (clock - self._last[0]))
        self.longest_busy = max(self.longest_busy, 1000 * (busy - self._last[1]))
        self._last = clock, busy


def spin(app: Any, until: Callable[[], bool], limit_s: float = 300.0) -> None:
    from PySide6.QtCore import QEventLoop

    deadline = time.perf_counter() + limit_s
    while not until():
        if time.perf_counter() > deadline:
            raise TimeoutError("the window did not get there")
        app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


def own_memory() -> float:
    """The most that this process had in memory, in MB."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / 1000 if sys.platform == "linux" else kilobytes / 1_000_000


if __name__ == "__main__":
    sys.exit(main())
