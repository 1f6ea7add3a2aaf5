"""Looking for photos in files and folders, one scan at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from csra_gui.base.jobs import Job, JobRunner
from csra_gui.session.scan_job import FoundPhotos, scan_work
from engine.api.errors import EngineError
from engine.data.scan import ScanProblem
from engine.library.values import ImageFile

#: Photos that are handed on at once; the worker may find many more while the window is busy.
_PER_TURN = 500


class PhotoScan(QObject):
    """Runs the scan job and collects what could not be looked at.

    Signals:
        photos_found: a list of new paths as they come, and a list of their files.
        finished: the scan is over, or was cancelled.
    """

    photos_found = Signal(object, object)
    finished = Signal()

    def __init__(self, jobs: JobRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._job: Job | None = None
        self._ended: Job | None = None  # while what it found has not been handed on
        self._waiting: deque[FoundPhotos] = deque()
        self._next_turn = QTimer(self, singleShot=True, interval=0)
        self._next_turn.timeout.connect(self._deliver_some)
        self._first_root = Path()
        self.skipped: list[ScanProblem] = []
        self.is_complete = False
        self._has_failed = False

    @property
    def is_running(self) -> bool:
        """Whether photos are being looked for."""
        return self._job is not None

    def start(self, roots: Sequence[Path], *, recursive: bool) -> None:
        """Look through files and folders; a scan that goes on is given up, silently."""
        self.drop()
        self.is_complete = self._has_failed = False
        self._first_root = roots[0]
        self._job = job = self._jobs.prepare(scan_work(roots, recursive=recursive), "scan")
        job.yielded.connect(self._on_job_yielded)
        job.failed.connect(self._on_job_failed)
        job.finished.connect(lambda: self._on_job_finished(job))
        job.start()

    def cancel(self) -> None:
        """Stop; what was found stays, and ``finished`` comes."""
        if self._job is not None:
            self._job.cancel()

    def drop(self) -> None:
        """Stop without ``finished``."""
        job, self._job = self._job, None
        self._waiting.clear()
        self._ended = None
        self._next_turn.stop()
        if job is not None:
            job.cancel()

    @Slot(object)
    def _on_job_yielded(self, batches: tuple[FoundPhotos, ...]) -> None:
        self._waiting += batches
        if not self._next_turn.isActive():
            self._deliver_some()

    @Slot()
    def _deliver_some(self) -> None:
        """Hand on what the window can take in without a halt, and leave the rest for later."""
        paths: list[Path] = []
        files: list[ImageFile | None] = []
        while self._waiting and len(paths) < _PER_TURN:
            batch = self._waiting.popleft()
            paths += batch.paths
            files += batch.files
            self.skipped += batch.skipped
        self.photos_found.emit(paths, files)
        if self._waiting:
            self._next_turn.start()
        elif self._ended is not None:
            self._on_job_finished(self._ended)

    @Slot(object)
    def _on_job_failed(self, error: EngineError) -> None:
        self._has_failed = True
        self.skipped.append(ScanProblem(self._first_root, str(error)))

    def _on_job_finished(self, job: Job) -> None:
        if job is self._job:
            self._ended = job if self._waiting else None
        if job is self._job and not self._waiting:
            self._job = None
            self.is_complete = not (job.is_cancelled or self._has_failed)
            self.finished.emit()
