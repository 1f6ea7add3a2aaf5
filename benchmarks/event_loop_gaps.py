"""How long the window stops answering while it starts, loads the model and tags.

Runs the real window with the real engine on a folder (the sample photos by default) and measures
the time between ticks of a timer in the GUI thread. On Linux without a display, set
QT_QPA_PLATFORM=offscreen.

    python benchmarks/event_loop_gaps.py [FOLDER] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

START = time.perf_counter()
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

TICK_MS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "resources" / "samples")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as profile:
        os.environ["CSRA_GUI_PROFILE"] = profile
        result = measure(options.folder)
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def measure(folder: Path) -> dict[str, object]:
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from csra_gui.app import Application
    from csra_gui.session import ModelState
    from csra_gui.settings import Settings
    from engine.remote import RemoteEngine
    from engine.server import serve_local

    app = QApplication([])
    settings = Settings(Path(os.environ["CSRA_GUI_PROFILE"]) / "settings.ini")
    application = Application(lambda: RemoteEngine(serve_local), settings)
    gaps: dict[str, list[float]] = {"loading the model": [], "tagging": []}
    marks: dict[str, float] = {}
    last = [0.0]

    def tick() -> None:
        now = time.perf_counter()
        phase = "tagging" if "model loaded" in marks else "loading the model"
        gaps[phase].append(1000 * (now - last[0]))
        last[0] = now

    def on_model(state: ModelState) -> None:
        if state is not ModelState.LOADING:
            marks["model loaded"] = time.perf_counter() - START

    def on_tagged(summary: object) -> None:
        marks["all tagged"] = time.perf_counter() - START
        app.quit()

    application.session.model_changed.connect(on_model)
    application.session.tagging_finished.connect(on_tagged)
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
        "gap_ms": {phase: statistics(values) for phase, values in gaps.items()},
    }


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
