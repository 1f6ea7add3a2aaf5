"""Opening photos: from the file dialogs, the list of recent folders, or wherever they come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from csra_gui.base.ask import ask_files, ask_folder
from csra_gui.base.settings import Settings
from csra_gui.browse.folder_watch import FolderWatch
from csra_gui.session.session import Session
from engine.data.scan import IMAGE_SUFFIXES
from engine.texts import display_path

_PATTERNS = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
_FILTERS = (f"Photos ({_PATTERNS})", "All files (*)")


class Opener(QObject):
    """Hands what is chosen to the session, and remembers it for the next time.

    Signals:
        recent_changed: other folders were opened lately.
    """

    recent_changed = Signal()

    def __init__(
        self,
        session: Session,
        settings: Settings,
        samples: Path | None,
        watch: FolderWatch,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._samples = samples
        #: Sees what happened to the files that are open.
        self.look_again = watch.look_now
        self._window = window

    @property
    def has_samples(self) -> bool:
        """Whether there are sample photos to open."""
        return self._samples is not None

    def open(self, paths: list[Path]) -> None:
        """Open files and folders instead of what is open."""
        self._session.open(paths)
        self._remember(paths)

    def add(self, paths: list[Path]) -> None:
        """Add files and folders to what is open."""
        self._session.pipeline.add(paths)
        self._remember(paths)

    def open_samples(self) -> None:
        """Open the photos that ship with the program."""
        if self._samples is not None:
            self.open([self._samples])

    def choose_folder(self) -> None:
        """Ask for a folder and open it."""
        self._ask_folder(self.open)

    def choose_folder_to_add(self) -> None:
        """Ask for a folder and add it."""
        self._ask_folder(self.add)

    def choose_photos(self) -> None:
        """Ask for photos and open them."""
        ask_files(self._window, "Choose photos", _FILTERS, self.open, self._start())

    def forget(self, folder: Path) -> None:
        """Take a folder off the list of those opened lately."""
        self._settings.remove_recent_folder(folder)
        self.recent_changed.emit()

    def forget_all(self) -> None:
        """Empty that list."""
        self._settings.clear_recent_folders()
        self.recent_changed.emit()

    def fill_recent_menu(self, menu: QMenu, clear: QAction) -> None:
        """List the folders opened lately, and the action that forgets them."""
        menu.clear()
        for folder in self._settings.recent_folders:
            action = menu.addAction(display_path(folder).replace("&", "&&"))
            action.triggered.connect(lambda _checked=False, path=folder: self.open([path]))
        menu.addSeparator()
        menu.addAction(clear)

    def _remember(self, paths: list[Path]) -> None:
        self._settings.set_last_opened(self._session.pipeline.roots)
        if len(paths) == 1 and paths[0] != self._samples:
            self._settings.add_recent_folder(paths[0])
            self.recent_changed.emit()

    def _ask_folder(self, then: Callable[[list[Path]], None]) -> None:
        title = "Choose a folder of photos"
        ask_folder(self._window, title, lambda folder: then([folder]), self._start())

    def _start(self) -> str:
        recent = self._settings.recent_folders
        return str(recent[0].parent) if recent else ""
