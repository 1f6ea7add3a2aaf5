"""Notices what other programs do to the folders that are open."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import (
    QEventLoop,
    QFileSystemWatcher,
    QObject,
    Qt,
    QThread,
    QTimer,
    Signal,
    Slot,
)
from shiboken6 import delete

from csra_gui.base.jobs import JobSlot
from csra_gui.base.settings import INCLUDE_SUBFOLDERS, Settings
from csra_gui.browse.mount_watch import MountWatch
from csra_gui.session.change_job import FileChanges, Opened, look_for_changes
from csra_gui.session.session import Session
from engine.api.passing import PASSING

#: Systems have few watches, and programs share them; beyond these, only coming back helps.
MAX_WATCHED = 256
#: Other programs write one file after another: wait until they pause.
_SETTLE_MS = 700
#: Looking again may take this share of the time at most.
_SHARE_OF_TIME = 0.1
_SHORTEST_PAUSE_S = 2.0
# A watcher whose disk does not answer may take so long to end.
_END_S = 0.5
_NONE_MISSING: tuple[tuple[Path, ...], tuple[Path, ...]] = ((), ())


class FolderWatch(QObject):
    """Looks again at a folder in which something happened, and at all when the person comes back.

    Signals:
        files_changed: rows whose file is another one now, and rows whose file vanished.
        roots_missing: what was opened and is not there any more, and what cannot be reached.
        checked: a look is over.
        answered: a look that the person asked for is over; how many files are new, and changed.
    """

    files_changed = Signal(object, object)
    roots_missing = Signal(object, object)
    checked = Signal()
    answered = Signal(int, int)

    _folders_wanted = Signal(object, object)

    def __init__(self, session: Session, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._looking = JobSlot(session.jobs, "look for changes", self)
        self._due: set[Path] = set()
        self._pause_until = 0.0
        self._is_asked = False
        self._new = self._changed = 0
        self._missing = self._missing_now = _NONE_MISSING
        self._devices: dict[Path, int] = {}
        self._settle = QTimer(self, singleShot=True)
        self._settle.timeout.connect(self._look_at_what_is_due)
        self._watcher = _Watcher()
        self._folders_wanted.connect(self._watcher.watch)
        self._watcher.folder_changed.connect(self._on_watcher_folder_changed)
        self._thread = _WatchThread(self._watcher)
        self._mounts = MountWatch(self)
        self._mounts.changed.connect(self._on_mounts_changed)
        session.pipeline.photos_reset.connect(self._on_pipeline_photos_reset)
        session.pipeline.scan_finished.connect(self._on_pipeline_scan_finished)

    def close(self) -> None:
        """Watch nothing any more."""
        self._mounts.close()
        self._settle.stop()
        self._due.clear()
        self._looking.drop()
        self._thread.close()

    @Slot()
    def look_again(self) -> None:
        """Look at everything that is open; a little later, if that was just done."""
        self._due.update(self._session.pipeline.roots)
        self._look_soon()

    @Slot()
    def look_now(self) -> None:
        """Look at everything that is open, at once; ``answered`` follows."""
        self._is_asked = True
        self._pause_until = 0.0
        self.look_again()

    @property
    def is_looking(self) -> bool:
        """Whether a look is going on."""
        return self._looking.is_running

    @Slot()
    def _on_mounts_changed(self) -> None:
        """A drive came or went: perhaps one that what is open lies on."""
        if self._session.pipeline.roots:
            self.look_again()

    @Slot(str)
    def _on_watcher_folder_changed(self, folder: str) -> None:
        self._due.add(Path(folder))
        self._look_soon()

    def _look_soon(self) -> None:
        pause_s = self._pause_until - time.monotonic()
        self._settle.start(0 if self._is_asked else max(_SETTLE_MS, round(1000 * pause_s)))

    @Slot()
    def _look_at_what_is_due(self) -> None:
        if self.is_looking or self._session.pipeline.is_scanning or not self._due:
            return  # when that is over, it is looked at what is due
        places = tuple(self._due)
        self._due.clear()
        self._new = self._changed = 0
        photos, started = self._session.photos, time.monotonic()
        opened = Opened(
            tuple(self._session.pipeline.roots),
            bool(self._settings.value(INCLUDE_SUBFOLDERS)),
            dict(self._devices),
            tuple(row for row, error in photos.errors.items() if error in PASSING),
        )
        work = look_for_changes(places, photos.files(), photos.gone.copy(), opened)
        self._looking.run(
            lambda: work, on_values=self._take_changes, on_end=lambda: self._finish(started)
        )

    def take(self, changes: FileChanges) -> None:
        """Take in what is known to have happened, without looking."""
        changed = tuple(change.row for change in changes.changed)
        self.files_changed.emit(changed, changes.vanished)
        self._session.take_changes(changes)

    def _take_changes(self, parts: Sequence[FileChanges]) -> None:
        for changes in filter(None, parts):
            self._new += len(changes.new)
            self._changed += len(changes.changed)
            self.take(changes)
        self._missing_now = parts[-1].removed, parts[-1].unreachable
        self._devices |= parts[-1].devices
        for root in parts[-1].removed:  # what is there one day may lie elsewhere
            self._devices.pop(root, None)

    def _finish(self, started: float) -> None:
        took = time.monotonic() - started
        self._pause_until = time.monotonic() + max(_SHORTEST_PAUSE_S, took / _SHARE_OF_TIME)
        self._watch_folders()
        if self._missing_now != self._missing:
            self._missing = self._missing_now
            row_of = self._session.photos.row_of
            folders = [[p for p in paths if row_of(p) is None] for paths in self._missing]
            self.roots_missing.emit(*folders)
        self.checked.emit()
        if self._is_asked and not self._due:
            self._is_asked = False
            self.answered.emit(self._new, self._changed)
        if self._due:
            self._look_soon()

    @Slot()
    def _on_pipeline_scan_finished(self) -> None:
        self._devices = {**self._session.pipeline.devices, **self._devices}
        self._watch_folders()

    def _watch_folders(self) -> None:
        """The opened folders first, then those with photos, as many as there are watches for."""
        photos = self._session.photos
        roots = [str(root) for root in self._session.pipeline.roots if photos.row_of(root) is None]
        tops = tuple(os.path.join(root, "") for root in roots)  # noqa: PTH118 - adds the separator
        files = photos.files()
        in_use = [files.folders[number] for number in np.unique(files.folder_of[~photos.gone])]
        inside = [folder for folder in in_use if folder.startswith(tops)]
        wanted = dict.fromkeys([*roots, *inside])
        self._folders_wanted.emit(list(wanted)[:MAX_WATCHED], roots)
        if self._due:
            self._look_soon()

    @Slot()
    def _on_pipeline_photos_reset(self) -> None:
        self._due.clear()
        self._looking.drop()
        self._pause_until = 0.0
        self._is_asked = False
        self._missing = self._missing_now = _NONE_MISSING
        self._devices.clear()
        self._folders_wanted.emit([], [])


class _WatchThread:
    """Where the watcher lives. Unlike a ``QThread`` it may be left behind when a disk hangs."""

    def __init__(self, watcher: _Watcher) -> None:
        self._watcher = watcher
        self._place: queue.SimpleQueue[QThread] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="folder watch", daemon=True)
        self._thread.start()
        watcher.moveToThread(self._place.get())

    def close(self) -> None:
        """End it, unless the disk that it asks does not answer."""
        self._watcher.stop_wanted.emit()
        self._thread.join(_END_S)

    def _run(self) -> None:
        loop = QEventLoop()
        self._watcher.stopped.connect(loop.quit, Qt.ConnectionType.DirectConnection)
        self._place.put(QThread.currentThread())
        loop.exec()


class _Watcher(QObject):
    """Lives in a thread of its own: asking to be told of a folder asks the disk, which may stall.

    A folder that gets another name says nothing of it, but the one around it does.

    Signals:
        folder_changed: something happened in this folder, or it is gone, or back.
        stop_wanted: nothing shall be watched any more.
        stopped: nothing is.
    """

    folder_changed = Signal(str)
    stop_wanted = Signal()
    stopped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._watcher: QFileSystemWatcher | None = None
        self._wanted: set[str] = set()
        self._roots: dict[str, bool] = {}
        self.stop_wanted.connect(self._stop)

    @Slot()
    def _stop(self) -> None:
        if self._watcher is not None:
            delete(self._watcher)  # here, where it lives
            self._watcher = None
        self.stopped.emit()

    @Slot(object, object)
    def watch(self, folders: list[str], roots: list[str]) -> None:
        """Watch these folders and no others, and whether the roots among them are there."""
        if self._watcher is None:
            self._watcher = QFileSystemWatcher(self)
            self._watcher.directoryChanged.connect(self._on_watcher_directory_changed)
        self._wanted = set(folders)
        roots = [root for root in roots if root in self._wanted]
        self._roots = {root: self._roots.get(root, os.path.isdir(root)) for root in roots}  # noqa: PTH112
        before = set(self._watcher.directories())
        wanted = self._wanted | {os.path.dirname(root) for root in self._roots}  # noqa: PTH120
        if before - wanted:
            self._watcher.removePaths(list(before - wanted))
        if wanted - before:
            self._watcher.addPaths(list(wanted - before))
        self._look_at_roots()

    @Slot(str)
    def _on_watcher_directory_changed(self, folder: str) -> None:
        if folder in self._wanted:
            self.folder_changed.emit(folder)
        if any(os.path.dirname(root) == folder for root in self._roots):  # noqa: PTH120
            self._look_at_roots()

    def _look_at_roots(self) -> None:
        for root, was_there in self._roots.items():
            if os.path.isdir(root) != was_there:  # noqa: PTH112
                self._roots[root] = not was_there
                # Under the old name, the system would go on telling of the folder that had it.
                if self._watcher is not None:
                    self._watcher.removePath(root)
                self.folder_changed.emit(root)
