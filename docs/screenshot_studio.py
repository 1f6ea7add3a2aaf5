"""Where pictures are taken: an application on sample photos, and what waits for it."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from make_screenshots import DOCS, HEIGHT, ROOT, WIDTH
from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from csra_gui.app import Application
from csra_gui.base import settings as keys
from csra_gui.base.paths import log_file
from csra_gui.base.settings import Settings
from engine.api.remote import RemoteEngine
from engine.service.server import serve_local
from tests.fakes import FakeEngine

SAMPLES = ROOT / "resources" / "samples"
FOLDERS = {
    "Animals": ("cat.jpg", "sheep-in-march.jpg"),
    "People": ("astronaut.jpg", "photographer.jpg"),
    "Travel": ("aeroplane-from-above.jpg", "nagasaki-boats.jpg", "black-canyon.jpg", "rocket.jpg"),
    "Kitchen": ("coffee.jpg",),
}
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_PATIENCE_S = 120.0
#: How long timers that wait for a person to rest may take, in seconds.
_REST_S = 0.7
_LOOK_MS = 50
_QUALITY = 70


class Studio:
    """The application, and how a picture of a part of it is kept.

    Args:
        theme: ``light`` or ``dark``.
        to: a folder for PNG files; ``None`` for those of the documents.
        place: an empty folder.
    """

    def __init__(self, theme: str, to: Path | None, place: Path) -> None:
        self.theme = theme
        self._to = to
        self.photos = place / "Photos"
        settings = Settings(place / "settings.ini")
        settings.set_value(keys.THEME, theme)
        settings.set_value(keys.PHOTO_BESIDE, True)
        settings.set_value(keys.FOLD_MAPS, False)
        self.trainer = FakeEngine()
        self.application = Application(
            lambda: RemoteEngine(serve_local),
            settings,
            SAMPLES,
            trainer_factory=lambda: self.trainer,
        )
        self.window = self.application.window
        self.session = self.application.session
        self._copy_photos()

    def open(self) -> None:
        """Show the window on the photos, all of them tagged."""
        self.application.start([])
        self.window.resize(WIDTH, HEIGHT)
        self.rest()

    def open_photos(self) -> None:
        """Open the folder, and wait until all is tagged that can be."""
        session, count = self.session, 1 + sum(map(len, FOLDERS.values()))
        self.window.browse.opener.open([self.photos])
        self.wait(lambda: len(session.photos) == count, "the photos are found")
        self.wait(
            lambda: session.models.model is not None and not session.photos.untagged_rows(),
            "all is tagged",
        )
        self.wait(lambda: not session.tagger.is_running, "the run has ended")
        self.window.message_bar.clear()

    def look_at(self, name: str, category: str | None = None) -> None:
        """Make a photo the current one, with the map of a label kept over it."""
        session = self.session
        row = self.row(name)
        session.set_selection((row,))
        session.focus.set_current(row)
        self.wait(
            lambda: session.focus.evidence is not None and self.window.maps.viewer.view.has_photo(),
            f"{name} is shown",
        )
        assert session.models.model is not None
        index = None if category is None else session.models.model.categories.index_of(category)
        session.focus.set_pinned(index)
        self.rest()

    def row(self, name: str) -> int:
        """Of the photo with this name."""
        return [path.name for path in self.session.photos.paths].index(name)

    def command(self, name: str) -> None:
        """Do what a menu's entry does."""
        self.window.actions_table[name].trigger()

    def dialog(self, kind: type[QWidget]) -> QWidget:
        """The dialog of this kind that is open."""
        found: list[QWidget] = []

        def look() -> bool:
            found[:] = [w for w in QApplication.topLevelWidgets() if type(w) is kind]
            return any(widget.isVisible() for widget in found)

        self.wait(look, f"a {kind.__name__} is open")
        return next(widget for widget in found if widget.isVisible())

    def keep(self, name: str, widget: QWidget | None = None) -> None:
        """Keep a picture of a window, with the lists that hang from it."""
        self.rest()
        widget = self.window if widget is None else widget
        picture = widget.grab()
        painter = QPainter(picture)
        for popup in QApplication.topLevelWidgets():
            if popup.isVisible() and popup.windowType() == Qt.WindowType.Popup:
                corner = widget.mapFromGlobal(popup.mapToGlobal(QPoint(0, 0)))
                painter.drawPixmap(corner, popup.grab())
        painter.end()
        self._save(name, picture)

    def close_dialogs(self) -> None:
        """Close everything but the window."""
        for widget in QApplication.topLevelWidgets():
            is_window = isinstance(widget, QDialog) or widget.windowType() == Qt.WindowType.Window
            if is_window and widget is not self.window and widget.isVisible():
                widget.close()
        self.rest()

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Let the application run until the condition holds."""
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain until {what}")
            loop = QEventLoop()
            QTimer.singleShot(_LOOK_MS, loop.quit)
            loop.exec()

    def rest(self) -> None:
        """Let timers end that wait for a person to rest."""
        until = time.monotonic() + _REST_S
        self.wait(lambda: time.monotonic() > until, "some time has passed")

    def _copy_photos(self) -> None:
        for folder, names in FOLDERS.items():
            (self.photos / folder).mkdir(parents=True)
            for name in names:
                shutil.copy(SAMPLES / name, self.photos / folder)
        whole = (SAMPLES / "coffee.jpg").read_bytes()
        (self.photos / "Kitchen" / "damaged.jpg").write_bytes(whole[:300])
        self.application.settings.set_value(keys.INCLUDE_SUBFOLDERS, True)

    def _save(self, name: str, picture: QPixmap) -> None:
        if self._to is not None:
            target = self._to / f"{name}-{self.theme}.png"
        elif name == "main":
            target = DOCS / "images" / f"{self.theme}.png"  # the README's
        else:
            target = DOCS / "screenshots" / f"{name}-{self.theme}.webp"
        target.parent.mkdir(parents=True, exist_ok=True)
        quality = _QUALITY if target.suffix == ".webp" else -1
        if not picture.save(str(target), quality=quality):
            raise OSError(f"{target} could not be written")


def take(theme: str, names: Sequence[str], to: Path | None, scale: int) -> int:
    """Take the pictures of one theme; returns the process's exit status."""
    from screenshot_scenes import SCENES

    unknown = set(names) - SCENES.keys()
    if unknown:
        sys.stderr.write(f"no such scenes: {', '.join(sorted(unknown))}\n")
        return 2
    app = QApplication([])
    log_file().parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=log_file(), level=logging.INFO, format=LOG_FORMAT)
    studio = Studio(theme, to, Path(os.environ["CSRA_GUI_PROFILE"]))
    studio.open()
    try:
        for name, scene in SCENES.items():
            if name == "empty" or not names or name in names:
                scene(studio)
                studio.close_dialogs()
            if name == "empty":
                studio.open_photos()
    finally:
        studio.application.shut_down()
        app.quit()
    return 0
