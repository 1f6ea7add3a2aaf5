"""How many files of ours each of the four walks of docs/ARCHITECTURE.md goes through.

Opens the real window with the real engine on the sample photos and notes in which files of csra_gui
and engine a function is entered, in any thread of the window's process, while a folder is dropped,
a label is pointed at and a label is accepted by its key; then, in an engine of this process, while
a model file is opened. What only happens at import counts for nothing. It measures no time: it says
how much code a person reads who follows such a walk. On Linux without a display, set
QT_QPA_PLATFORM=offscreen.

    python benchmarks/files_entered.py [--list]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from csra_gui.app import Application

_WAIT_S = 120.0
_ROOMS = tuple(str(ROOT / package) + os.sep for package in ("csra_gui", "engine"))
_CATEGORY = 7


class Walk:
    """Notes the files in which a function is entered while it is asked to."""

    def __init__(self) -> None:
        self._entered: dict[str, None] = {}
        self._watching = False
        sys.setprofile(self._note)
        threading.setprofile(self._note)

    @contextmanager
    def noted(self) -> Iterator[list[str]]:
        """The files entered inside, in order, complete at the end."""
        self._entered.clear()
        files: list[str] = []
        self._watching = True
        try:
            yield files
        finally:
            self._watching = False
            files += [str(Path(name).relative_to(ROOT)) for name in self._entered]

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if not self._watching or event != "call" or code.co_name == "<module>":
            return
        if code.co_filename.startswith(_ROOMS):
            self._entered.setdefault(code.co_filename)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="name the files, in order")
    options = parser.parse_args()
    walk = Walk()
    with tempfile.TemporaryDirectory() as profile:
        os.environ["CSRA_GUI_PROFILE"] = profile
        os.environ["CSRA_GUI_DATA"] = profile
        for name, files in (*in_the_window(walk), a_checkpoint(walk)):
            print(f"{name}: {len(files)} files")
            if options.list:
                print(*(f"    {file}" for file in files), sep="\n")
    return 0


def in_the_window(walk: Walk) -> Iterator[tuple[str, list[str]]]:
    from PySide6.QtWidgets import QApplication

    from csra_gui.app import Application
    from csra_gui.base.settings import Settings
    from engine.api.remote import RemoteEngine
    from engine.service.server import serve_local

    QApplication([])
    settings = Settings(Path(os.environ["CSRA_GUI_PROFILE"]) / "settings.ini")
    application = Application(lambda: RemoteEngine(serve_local), settings)
    session = application.session
    photos, focus = session.photos, session.focus
    try:
        application.start([])
        wait(lambda: session.models.model is not None)
        rest()
        with walk.noted() as files:
            drop(application, ROOT / "resources" / "samples")
            wait(lambda: len(photos) > 0 and not photos.untagged_rows())
            rest()
        yield "a dropped folder", files
        if focus.current is None:
            focus.set_current(0)
        wait(lambda: focus.evidence is not None)
        rest()
        with walk.noted() as files:
            focus.set_hovered(_CATEGORY)
            rest()
        yield "a hovered label", files
        focus.set_hovered(None)
        rest()
        with walk.noted() as files:
            press_key_of_first_label(application)
            rest()
        yield "a decision", files
    finally:
        application.shut_down()


def a_checkpoint(walk: Walk) -> tuple[str, list[str]]:
    from engine.service.local import LocalEngine

    engine = LocalEngine()
    try:
        with walk.noted() as files:
            engine.open_model()
    finally:
        engine.close()
    return "a checkpoint", files


def drop(application: Application, folder: Path) -> None:
    from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
    from PySide6.QtGui import QDragEnterEvent, QDropEvent
    from PySide6.QtWidgets import QApplication

    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton)
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(application.window, QDragEnterEvent(QPoint(600, 400), *how, none))
    QApplication.sendEvent(application.window, QDropEvent(QPointF(600, 400), *how, none))


def press_key_of_first_label(application: Application) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    application.window.activateWindow()
    application.window.browse.grid.view.setFocus()
    QTest.keyClick(application.window.browse.grid.view, Qt.Key.Key_1)


def rest() -> None:
    """Let everything that was begun come to its end."""
    end = time.monotonic() + 1.5
    wait(lambda: time.monotonic() > end)


def wait(until: Callable[[], bool]) -> None:
    from PySide6.QtWidgets import QApplication

    end = time.monotonic() + _WAIT_S
    while not until():
        QApplication.processEvents()
        time.sleep(0.005)
        if time.monotonic() > end:
            raise TimeoutError(until)


if __name__ == "__main__":
    sys.exit(main())
