"""How long the window stops answering while it starts, loads the model, tags and trains.

Runs the real window with the real engine on a folder (the sample photos by default) and measures
the time between ticks of a timer in the GUI thread. On Linux without a display, set
QT_QPA_PLATFORM=offscreen.

    python benchmarks/event_loop_gaps.py [FOLDER] [--training SECONDS] [--json FILE]

With --training, the whole network is then trained for so long on what the model said of the
photos, with the dialog about it open.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from csra_gui.app import Application
    from engine.records.trainings import TrainingRun

START = time.perf_counter()
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

TICK_MS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "resources" / "samples")
    parser.add_argument("--training", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as profile:
        os.environ["CSRA_GUI_PROFILE"] = os.environ["CSRA_GUI_DATA"] = profile
        result = measure(options.folder, options.training)
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def measure(folder: Path, training_s: float) -> dict[str, object]:
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from csra_gui.app import Application
    from csra_gui.base.settings import Settings
    from csra_gui.session.active_model import ModelState
    from engine.api.remote import RemoteEngine
    from engine.service.server import TRAINER_STOP_S, serve_local, serve_trainer

    app = QApplication([])
    settings = Settings(Path(os.environ["CSRA_GUI_PROFILE"]) / "settings.ini")
    application = Application(
        lambda: RemoteEngine(serve_local),
        settings,
        trainer_factory=lambda: RemoteEngine(serve_trainer, TRAINER_STOP_S),
    )
    gaps: dict[str, list[float]] = {"loading the model": [], "tagging": [], "training": []}
    marks: dict[str, float] = {}
    last = [0.0]

    def tick() -> None:
        now = time.perf_counter()
        phase = "tagging" if "model loaded" in marks else "loading the model"
        phase = "training" if "training begun" in marks else phase
        gaps[phase].append(1000 * (now - last[0]))
        last[0] = now

    def on_model(state: ModelState) -> None:
        if state is not ModelState.LOADING:
            marks["model loaded"] = time.perf_counter() - START

    def on_tagged(summary: object) -> None:
        marks["all tagged"] = time.perf_counter() - START
        if training_s:
            train(application)
        else:
            app.quit()

    def on_reported(reports: tuple[object, ...]) -> None:
        if "training begun" not in marks:
            marks["training begun"] = time.perf_counter() - START
            QTimer.singleShot(round(1000 * training_s), app.exit)  # quit would ask first

    application.session.models.state_changed.connect(on_model)
    application.session.tagger.finished.connect(on_tagged)
    training = application.window.training.controller
    training.runner.reported.connect(on_reported)
    training.runner.ended.connect(lambda _end: app.exit())
    timer = QTimer()
    timer.setInterval(TICK_MS)
    timer.timeout.connect(tick)
    application.start([folder])
    app.processEvents()
    marks["window shown"] = last[0] = time.perf_counter()
    marks["window shown"] -= START
    timer.start()
    app.exec()
    timer.stop()
    application.shut_down()
    return {
        "seconds_since_start": {name: round(value, 2) for name, value in marks.items()},
        "photos": len(application.session.photos),
        "gap_ms": {phase: statistics(values) for phase, values in gaps.items() if values},
    }


def train(application: Application) -> None:
    """Train on what the model said, as if a person had accepted it all."""
    import numpy as np

    from csra_gui.training.controller import SAMPLES
    from engine.api.training import LabelSource, ModelStart, TrainRequest
    from engine.api.training_config import RECOMMENDED
    from engine.records.trainings import TrainingStore

    photos, runs = application.session.photos, TrainingStore()
    model = application.session.models.model
    targets = np.asarray(photos.scores) >= 0.5
    paths = tuple(photos.paths)
    source = LabelSource("labels", model.categories, paths, targets, np.zeros_like(targets), 0.3)
    config = dataclasses.replace(RECOMMENDED, epochs=1000, batch_size=4)
    folder = runs.new_folder("benchmark")
    request = TrainRequest(source, folder, config, ModelStart(), "benchmark", samples=SAMPLES)

    training = application.window.training.controller

    def begin(run: TrainingRun) -> None:
        training.runner.start(run, asks=False)
        training.show_running()

    def keep() -> TrainingRun:
        importlib.import_module("pyqtgraph")  # as the window does
        return runs.keep(request)

    job = application.session.jobs.prepare(keep, "keep training")
    job.returned.connect(begin)
    job.start()


def statistics(gaps: list[float]) -> dict[str, float]:
    ordered = sorted(gaps) or [0.0]
    return {
        "median": round(ordered[len(ordered) // 2], 1),
        "p99": round(ordered[int(0.99 * (len(ordered) - 1))], 1),
        "longest": round(ordered[-1], 1),
        "over 100 ms": sum(gap > 100 for gap in ordered),
    }


if __name__ == "__main__":
    sys.exit(main())
