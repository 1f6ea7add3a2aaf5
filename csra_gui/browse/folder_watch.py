"""Notices what other programs do to the folders that are open."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QThread, QTimer, Signal, Slot

from csra_gui.base.jobs import JobSlot
from csra_gui.base.settings import INCLUDE_SUBFOLDERS, Settings
from csra_gui.session.change_job import FileChanges, look_for_changes
from csra_gui.session.session import Session

#: Systems have few watches, and programs share them; beyond these, only coming back helps.
MAX_WATCHED = 256
#: Other programs write one file after another: wait until they pause.
_SETTLE_MS = 700
#: Looking again may take this share of the time at most.
_SHARE_OF_TIME = 0.1
_SHORTEST_PAUSE_S = 2.0


class FolderWatch(QObject):
    """Looks again at a folder in which something happened, and at all when the person comes back.

    Signals:
        files_changed: rows whose file is another one now, and rows whose file vanished.
        checked: a look is over.
    """

    files_changed = Signal(object, object)
    checked = Signal()

    _folders_wanted = Signal(object)

    def __init__(self, session: Session, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._looking = JobSlot(session.jobs, "look for changes", self)
        self._due: set[Path] = set()
        self._pause_until = 0.0
        self._settle = QTimer(self, singleShot=True)
        self._settle.timeout.connect(self._look_at_what_is_due)
        self._thread = QThread(self)
        self._watcher = _Watcher()
        self._watcher.moveToThread(self._thread)
        self._folders_wanted.connect(self._watcher.watch)
        self._watcher.folder_changed.connect(self._on_watcher_folder_changed)
        self._thread.finished.connect(self._watcher.deleteLater)
        self._thread.start()
        session.pipeline.photos_reset.connect(self._on_pipeline_photos_reset)
        session.pipeline.scan_finished.connect(self._watch_folders)

    def close(self) -> None:
        """Watch nothing any more."""
        self._settle.stop()
        self._due.clear()
        self._looking.drop()
        self._thread.quit()
        self._thread.wait()

    @Slot()
    def look_again(self) -> None:
        """Look at everything that is open; a little later, if that was just done."""
        self._due.update(self._session.pipeline.roots)
        self._look_soon()

    @property
    def is_looking(self) -> bool:
        """Whether a look is going on."""
        return self._looking.is_running

    @Slot(str)
    def _on_watcher_folder_changed(self, folder: str) -> None:
        self._due.add(Path(folder))
        self._look_soon()

    def _look_soon(self) -> None:
        pause_s = self._pause_until - time.monotonic()
        self._settle.start(max(_SETTLE_MS, round(1000 * pause_s)))

    @Slot()
    def _look_at_what_is_due(self) -> None:
        if self.is_looking or self._session.pipeline.is_scanning or not self._due:
            return  # when that is over, it is looked at what is due
        places = sorted(self._due)
        self._due.clear()
        photos, started = self._session.photos, time.monotonic()
        work = look_for_changes(
            places,
            photos.files(),
            photos.gone.copy(),
            recursive=bool(self._settings.value(INCLUDE_SUBFOLDERS)),
        )
        self._looking.run(
            lambda: work, on_values=self._take_changes, on_end=lambda: self._finish(started)
        )

    def _take_changes(self, parts: Sequence[FileChanges]) -> None:
        for changes in filter(None, parts):
            changed = tuple(change.row for change in changes.changed)
            self.files_changed.emit(changed, changes.vanished)
            self._session.take_changes(changes)

    def _finish(self, started: float) -> None:
        took = time.monotonic() - started
        self._pause_until = time.monotonic() + max(_SHORTEST_PAUSE_S, took / _SHARE_OF_TIME)
        self._watch_folders()
        self.checked.emit()
        if self._due:
            self._look_soon()

    @Slot()
    def _watch_folders(self) -> None:
        """The opened folders first, then those with photos, as many as there are watches for."""
        photos = self._session.photos
        roots = [str(root) for root in self._session.pipeline.roots if photos.row_of(root) is None]
        tops = tuple(os.path.join(root, "") for root in roots)  # noqa: PTH118 - adds the separator
        inside = [folder for folder in photos.files().folders if folder.startswith(tops)]
        wanted = dict.fromkeys([*roots, *inside])
        self._folders_wanted.emit(list(wanted)[:MAX_WATCHED])
        if self._due:
            self._look_soon()

    @Slot()
    def _on_pipeline_photos_reset(self) -> None:
        self._due.clear()
        self._looking.drop()
        self._pause_until = 0.0
        self._folders_wanted.emit([])


class _Watcher(QObject):
    """Lives in a thread of its own: asking to be told of a folder asks the disk, which may stall.

    Signals:
        folder_changed: something happened in this folder.
    """

    folder_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._watcher: QFileSystemWatcher | None = None

    @Slot(object)
    def watch(self, folders: list[str]) -> None:
        """Watch these folders and no others."""
        if self._watcher is None:
            self._watcher = QFileSystemWatcher(self)
            self._watcher.directoryChanged.connect(self.folder_changed)
        before = set(self._watcher.directories())
        wanted = set(folders)
        if before - wanted:
            self._watcher.removePaths(list(before - wanted))
        if wanted - before:
            self._watcher.addPaths(list(wanted - before))
