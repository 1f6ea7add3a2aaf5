"""Opening photos: from the file dialogs, the list of recent folders, or wherever they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from csra_gui.base.ask import ask_files, ask_folder
from csra_gui.base.settings import Settings
from csra_gui.browse.folder_watch import FolderWatch
from csra_gui.session.session import Session
from engine.data.kinds import IMAGE_SUFFIXES
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
        self._known: tuple[Path, ...] = ()
        self._opened_before: list[Path] = []
        self._is_unsure = False  # until a scan has said what is there
        session.pipeline.scan_finished.connect(self._on_pipeline_scan_finished)

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
        self._session.add(paths)
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
        title = "Choose photos"
        self._with_start(lambda start: ask_files(self._window, title, _FILTERS, self.open, start))

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
        if not self._is_unsure:
            self._known = tuple(self._settings.recent_folders)
            self._opened_before = self._settings.last_opened
        self._is_unsure = True
        self._settings.set_last_opened(self._session.pipeline.roots)
        if len(paths) == 1 and paths[0] != self._samples:
            self._settings.add_recent_folder(paths[0])
            self.recent_changed.emit()

    def _ask_folder(self, then: Callable[[list[Path]], None]) -> None:
        title = "Choose a folder of photos"
        self._with_start(
            lambda start: ask_folder(self._window, title, lambda one: then([one]), start)
        )

    def _with_start(self, ask: Callable[[str], object]) -> None:
        """Ask where the person was last, or where pictures are; a disk may take long to say."""
        recent = self._settings.recent_folders
        self._session.jobs.run(lambda: start_folder(recent), "find a start", ask)

    @Slot()
    def _on_pipeline_scan_finished(self) -> None:
        """What is not there opens nothing next time, unless it was known before."""
        self._is_unsure, pipeline = False, self._session.pipeline
        found = pipeline.found_roots
        if found == pipeline.roots or self._settings.last_opened != pipeline.roots:
            return
        self._settings.set_last_opened(found or self._opened_before)
        for path in set(pipeline.roots) - {*found, *self._known}:
            self.forget(path)


def start_folder(recent: Sequence[Path]) -> str:
    """Where a person looks for photos: in the folder opened last, or in that of pictures."""
    pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    last = [place if place.is_dir() else place.parent for place in recent[:1]]
    places = (*last, Path(pictures) if pictures else Path.home(), Path.home())
    return str(next((place for place in places if place.is_dir()), ""))
