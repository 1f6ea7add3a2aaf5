"""Looking for photos in files and folders, one scan at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.session.change_job import devices_of
from engine.api.errors import EngineError
from engine.data.kinds import LeftOut
from engine.data.pairs import Companion
from engine.data.patience import Alive, Patience
from engine.data.scan import ScanProblem, scan
from engine.library.values import ImageFile, look_at

#: Photos that are handed on at once; the worker may find many more while the window is busy.
_PER_TURN = 500
#: Asking for the devices of what is opened may hold it up so long (s); it goes on beside it.
_DEVICES_S = 0.5


@dataclass(frozen=True)
class _Found:
    """The next part of a scan.

    Attributes:
        paths: of photos, in order.
        files: their sizes and times, as many; ``None`` for one that cannot be looked at.
        skipped: what could not be looked at at all.
        left_out: files of kinds that cannot be opened.
        companions: second files of photos.
        devices: on which device each file or folder that was asked for is, if it is there.
    """

    paths: tuple[Path, ...] = ()
    files: tuple[ImageFile | None, ...] = ()
    skipped: tuple[ScanProblem, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    companions: tuple[Companion, ...] = ()
    devices: Mapping[Path, int] = field(default_factory=dict)


class PhotoScan(QObject):
    """Looks through files and folders in a job, and collects what is no photo to open.

    Attributes:
        is_running: whether photos are being looked for.
        is_complete: whether the last scan came to its end.
        skipped: what could not be looked at.
        left_out: files of kinds that cannot be opened, each once, as keys.
        devices: on which device each file or folder was that was looked through.

    Signals:
        companions_found: second files of photos, before or after those.
        photos_found: a list of new paths as they come, and a list of their files.
        finished: the scan is over, or was cancelled.
    """

    companions_found = Signal(object)
    photos_found = Signal(object, object)
    finished = Signal()

    def __init__(self, jobs: JobRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._slot = JobSlot(jobs, "scan", self)
        self._waiting: deque[_Found] = deque()
        self._next_turn = QTimer(self, singleShot=True, interval=0)
        self._next_turn.timeout.connect(self._deliver_some)
        self._first_root = Path()
        self._has_failed = False
        self.is_running = False
        self.is_complete = False
        self.skipped: list[ScanProblem] = []
        self.left_out: dict[LeftOut, None] = {}
        self.devices: dict[Path, int] = {}

    def start(self, roots: Sequence[Path], *, recursive: bool) -> None:
        """Look through files and folders; a scan that goes on is given up, silently."""
        self.drop()
        self.is_running, self.is_complete, self._has_failed = True, False, False
        self._first_root = roots[0]
        roots = tuple(roots)
        self._slot.run(
            lambda: _found(roots, recursive=recursive),
            on_values=self._take,
            on_failure=self._take_error,
            on_end=self._finish_if_done,
        )

    def cancel(self) -> None:
        """Stop; what was found stays, and ``finished`` comes."""
        self._slot.cancel()

    def drop(self) -> None:
        """Stop without ``finished``."""
        self.is_running = False
        self._waiting.clear()
        self._next_turn.stop()
        self._slot.drop()

    def forget(self) -> None:
        """Forget what was no photo to open, and where all was."""
        self.skipped.clear()
        self.left_out.clear()
        self.devices.clear()

    def _take(self, batches: tuple[_Found, ...]) -> None:
        self._waiting += batches
        if not self._next_turn.isActive():
            self._deliver_some()

    @Slot()
    def _deliver_some(self) -> None:
        """Hand on what the window can take in without a halt, and leave the rest for later."""
        paths: list[Path] = []
        files: list[ImageFile | None] = []
        companions: list[Companion] = []
        taken = 0
        while self._waiting and taken < _PER_TURN:
            batch = self._waiting.popleft()
            taken += len(batch.paths) + len(batch.left_out)
            paths += batch.paths
            files += batch.files
            companions += batch.companions
            self.skipped += batch.skipped
            self.left_out |= dict.fromkeys(batch.left_out)
            self.devices |= batch.devices
        if companions:
            self.companions_found.emit(companions)
        self.photos_found.emit(paths, files)
        if self._waiting:
            self._next_turn.start()
        self._finish_if_done()

    def _take_error(self, error: EngineError) -> None:
        self._has_failed = True
        self.skipped.append(ScanProblem(self._first_root, str(error)))

    def _finish_if_done(self) -> None:
        if self.is_running and not self._slot.is_running and not self._waiting:
            self.is_running = False
            self.is_complete = not (self._slot.is_cancelled or self._has_failed)
            self.finished.emit()


def _found(roots: Sequence[Path], *, recursive: bool) -> Generator[_Found, None, None]:
    """The photos in files and folders, in a worker, as they are found."""
    devices: dict[Path, int] = {}
    with Patience() as patience, Patience() as beside:
        # First of all: a drive that is pulled out at any time after that is missed.
        for _ in beside.begin(partial(_note_devices, roots, devices)).wait(_DEVICES_S):
            yield _Found()
        yield _Found(devices=dict(devices))
        for batch in scan(roots, recursive=recursive):
            looked = _Looked()
            attempt = patience.begin(partial(looked.look, batch.paths))
            for _ in attempt.wait():
                yield _Found()
            files = tuple(looked.files[: len(batch.paths)])  # a copy: it may still go on
            unanswered = tuple(
                ScanProblem(path, patience.sentence()) for path in batch.paths[len(files) :]
            )
            skipped = (*batch.skipped, *unanswered)
            paths = batch.paths[: len(files)]
            yield _Found(paths, files, skipped, batch.left_out, batch.companions)
    yield _Found(devices=dict(devices))


def _note_devices(roots: Sequence[Path], devices: dict[Path, int], alive: Alive) -> None:
    for root in roots:
        devices.update(devices_of([root]))
        alive()


class _Looked:
    """Size and time of one photo after another, as far as the disk answers."""

    def __init__(self) -> None:
        self.files: list[ImageFile | None] = []

    def look(self, paths: Sequence[Path], alive: Alive) -> None:
        for path in paths:
            # A path keeps its text. Working it out is most of what adding 100,000 photos to a
            # table costs, and here it does not hold up the window.
            os.fspath(path)
            self.files.append(look_at(path))
            alive()
