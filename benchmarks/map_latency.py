"""How long it takes from pointing at a label to its map on the screen, once the scores are there.

Opens the real window with the real engine on a folder (the sample photos by default), looks at the
first photos one after the other, and points at each of the model's labels in turn. What is timed is
all that happens in the GUI thread: the map, its colours, the colour bar, the readout, and painting
the photo with the map over it. At 60 frames per second there are 16.7 ms for that. CPU time beside
it tells how much of the wall time is the program's own on a busy machine. On Linux without a
display, set QT_QPA_PLATFORM=offscreen.

    python benchmarks/map_latency.py [FOLDER] [--photos N] [--size WxH] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from csra_gui.app import Application

FRAME_MS = 1000 / 60
_WAIT_S = 120.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "resources" / "samples")
    parser.add_argument("--photos", type=int, default=5)
    parser.add_argument("--size", default="1280x800", metavar="WxH", help="of the window")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as profile:
        os.environ["CSRA_GUI_PROFILE"] = profile
        os.environ["CSRA_GUI_DATA"] = profile
        result = measure(options.folder, options.photos, options.size)
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def measure(folder: Path, photos: int, size: str) -> dict[str, object]:
    from PySide6.QtWidgets import QApplication

    from csra_gui.app import Application
    from csra_gui.base.settings import TAG_ON_OPENING, Settings
    from engine.api.remote import RemoteEngine
    from engine.service.server import serve_local

    app = QApplication([])
    settings = Settings(Path(os.environ["CSRA_GUI_PROFILE"]) / "settings.ini")
    settings.set_value(TAG_ON_OPENING, False)  # nothing else goes on meanwhile
    application = Application(lambda: RemoteEngine(serve_local), settings)
    application.window.resize(*(int(side) for side in size.split("x")))
    try:
        application.start([folder])
        wait(app, lambda: application.session.models.model is not None)
        wait(app, lambda: len(application.session.photos) > 0)
        return pointed(app, application, photos)
    finally:
        application.shut_down()


def pointed(app: object, application: Application, photos: int) -> dict[str, object]:
    from csra_gui.base.settings import MAP_KIND, SMOOTH_MAPS
    from csra_gui.maps.comparison import Beside, Together

    settings, viewer = application.settings, application.window.maps.viewer
    times: dict[str, list[tuple[float, float]]] = {}
    for row in range(min(photos, len(application.session.photos))):
        application.session.focus.set_current(row)
        wait(app, lambda: application.session.focus.evidence is not None)
        wait(app, viewer.view.has_photo)
        for kind, _caption in MAP_KIND.choices:
            settings.set_value(MAP_KIND, kind)
            times.setdefault(kind, []).extend(each_label(app, application))
        settings.set_value(MAP_KIND, "probability")
        settings.set_value(SMOOTH_MAPS, False)
        times.setdefault("true cells", []).extend(each_label(app, application))
        settings.set_value(SMOOTH_MAPS, True)
        viewer.comparison.set_beside(Beside.NO_ATTENTION)
        times.setdefault("two views", []).extend(each_label(app, application))
        viewer.comparison.set_beside(Beside.NOTHING)
        viewer.comparison.set_categories((0, 1, 2, 3))
        viewer.comparison.set_together(Together.COLORS)
        times.setdefault("what-if slider, four labels", []).extend(sliding(app, application))
        viewer.comparison.set_together(Together.OFF)
    return {
        "window": f"{application.window.width()}x{application.window.height()}",
        "view": f"{viewer.view.width()}x{viewer.view.height()}",
        "frame_ms": round(FRAME_MS, 1),
        "ms": {name: statistics(values) for name, values in times.items()},
    }


def each_label(app: object, application: Application) -> list[tuple[float, float]]:
    """Milliseconds, wall and CPU, from pointing at each label to its map being painted."""
    model, session = application.session.models.model, application.session
    assert model is not None

    def point(category: int) -> None:
        session.focus.set_hovered(category)
        repaint(application)

    found = [timed(lambda c=c: point(c)) for c in range(len(model.categories))]
    session.focus.set_hovered(None)
    settle(app)
    return found[1:]  # the first one works out the scale that all labels share


def sliding(app: object, application: Application) -> list[tuple[float, float]]:
    """The same for moving λ while four labels are drawn together."""
    from csra_gui.maps.head_change import HeadChange

    source = application.window.maps.display.source

    def move(lam: float) -> None:
        source.set_change(HeadChange(lam=lam))
        repaint(application)

    found = [timed(lambda step=step: move(step / 10)) for step in range(12)]
    source.reset()
    settle(app)
    return found[1:]


def repaint(application: Application) -> None:
    """Paint what has changed, now."""
    window = application.window
    window.maps.viewer.view.repaint()
    if not window.maps.viewer.side.isHidden():
        window.maps.viewer.side.view.repaint()
    window.review.labels.maps.bar.repaint()
    window.maps.viewer.readout.repaint()


def timed(work: Callable[[], None]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.thread_time()
    work()
    return 1000 * (time.perf_counter() - wall), 1000 * (time.thread_time() - cpu)


def settle(app: object) -> None:
    for _ in range(5):
        app.processEvents()  # type: ignore[attr-defined]


def wait(app: object, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _WAIT_S
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("The window did not come so far in time.")
        app.processEvents()  # type: ignore[attr-defined]
        time.sleep(0.005)


def statistics(times: list[tuple[float, float]]) -> dict[str, float]:
    wall, cpu = (sorted(one) for one in zip(*times, strict=True))
    return {
        "median": round(wall[len(wall) // 2], 2),
        "p95": round(wall[int(0.95 * (len(wall) - 1))], 2),
        "longest": round(wall[-1], 2),
        "median_cpu": round(cpu[len(cpu) // 2], 2),
        "p95_cpu": round(cpu[int(0.95 * (len(cpu) - 1))], 2),
        "share_within_a_frame": round(sum(t <= FRAME_MS for t in wall) / len(wall), 3),
    }


if __name__ == "__main__":
    sys.exit(main())
