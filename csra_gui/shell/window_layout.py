"""Where the parts of the window are, remembered for each set-up of screens by itself."""

from __future__ import annotations

from PySide6.QtCore import QByteArray
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow, QSplitter

from csra_gui.base.settings import Settings

_WINDOW, _DOCKS, _SPLITTER = "window", "docks", "splitter"


def screens_key() -> str:
    """The sizes and scales of all screens: what fits on one set-up may be too large for another.

    Sizes are without task bars, in device-independent pixels: "1920x1040@1 2560x1400@1.5".
    """
    parts = []
    for screen in QGuiApplication.screens():
        size = screen.availableGeometry()
        parts.append(f"{size.width()}x{size.height()}@{screen.devicePixelRatio():g}")
    return " ".join(sorted(parts))


class WindowLayout:
    """Saves and restores the window's place, its docks and its splitter."""

    def __init__(self, window: QMainWindow, splitter: QSplitter, settings: Settings) -> None:
        self._window = window
        self._splitter = splitter
        self._settings = settings

    def restore(self) -> bool:
        """Lay the window out as it was on these screens; ``False`` if it never was."""
        self._window.restoreGeometry(self._stored(_WINDOW))
        self._splitter.restoreState(self._stored(_SPLITTER))
        return self._window.restoreState(self._stored(_DOCKS))

    def save(self) -> None:
        """Remember how the window is laid out now."""
        for name, state in (
            (_WINDOW, self._window.saveGeometry()),
            (_DOCKS, self._window.saveState()),
            (_SPLITTER, self._splitter.saveState()),
        ):
            self._settings.set_layout(f"{screens_key()}/{name}", QByteArray(state))
            self._settings.remove_layout(name)
        self._settings.save()

    def _stored(self, name: str) -> QByteArray:
        stored = self._settings.layout(f"{screens_key()}/{name}")
        # Until 0.2.0 there was one layout for all screens.
        return self._settings.layout(name) if stored.isEmpty() else stored
