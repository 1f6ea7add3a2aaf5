"""Looking for photos in files and folders, one scan at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.workers.job import Job, JobRunner
from csra_gui.workers.scan_job import FoundPhotos, scan_work
from engine.data.scan import ScanProblem
from engine.errors import EngineError
from engine.library.values import ImageFile


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
        if job is not None:
            job.cancel()

    @Slot(object)
    def _on_job_yielded(self, batches: tuple[FoundPhotos, ...]) -> None:
        paths: list[Path] = []
        files: list[ImageFile | None] = []
        for batch in batches:
            paths += batch.paths
            files += batch.files
            self.skipped += batch.skipped
        self.photos_found.emit(paths, files)

    @Slot(object)
    def _on_job_failed(self, error: EngineError) -> None:
        self._has_failed = True
        self.skipped.append(ScanProblem(self._first_root, str(error)))

    def _on_job_finished(self, job: Job) -> None:
        if job is self._job:
            self._job = None
            self.is_complete = not (job.is_cancelled or self._has_failed)
            self.finished.emit()
