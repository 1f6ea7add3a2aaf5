"""Reading what cameras wrote into the open photos, behind everything else that goes on."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.session.library_client import LibraryClient
from csra_gui.session.photo_files import PhotoFiles
from csra_gui.session.photo_table import PhotoTable
from engine.api.errors import EngineError
from engine.library.cameras import taken_ns
from engine.library.columns import IntArray
from engine.library.store import Library
from engine.metadata.camera_reading import AskedFile, read_and_keep

#: After each few files nothing is done for as long as they took: the window has the other half.
_REST = 1.0


@dataclass(frozen=True, eq=False)
class ReadRows:
    """What some files say.

    Attributes:
        rows: (M,) of the table.
        taken_ns: (M,) since 1970, or ``NOT_TAKEN``.
        cameras: M names.
    """

    rows: IntArray
    taken_ns: IntArray
    cameras: tuple[str, ...]


def read_rows(
    library: Library, files: PhotoFiles, rows: IntArray
) -> Generator[ReadRows, None, None]:
    """Read photos, a folder after another, in a worker.

    Raises:
        LibraryError: the file or the disk of the library fails.
    """
    by_folder = rows[np.argsort(files.folder_of[rows], kind="stable")]
    for part in read_and_keep(library, _asked(files, by_folder), rest=_REST):
        yield ReadRows(
            np.fromiter(part.facts, dtype=np.int64, count=len(part.facts)),
            np.array([taken_ns(said.taken) for said in part.facts.values()], dtype=np.int64),
            tuple(said.camera for said in part.facts.values()),
        )


def _asked(files: PhotoFiles, rows: IntArray) -> Iterator[AskedFile]:
    for row in rows.tolist():
        file = files.file(row)
        if file is not None:
            yield AskedFile(row, int(files.image_ids[row]), file)


class CameraReading(QObject):
    """Reads each photo once: what was read is kept in the library until its file changes.

    Signals:
        rows_read: a tuple of rows that are known now.
        finished: there is nothing left to read.
    """

    rows_read = Signal(object)
    finished = Signal()

    def __init__(
        self, library: LibraryClient, photos: PhotoTable, jobs: JobRunner, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._photos = photos
        self._slot = JobSlot(jobs, "read dates", self)
        self._gave_up = False

    @property
    def remaining(self) -> int:
        """How many photos nobody has read yet; 0 if they cannot be."""
        is_hopeless = self._library.library is None and self._library.error is not None
        return 0 if self._gave_up or is_hopeless else len(self._photos.unread_rows())

    @Slot()
    def refresh(self) -> None:
        """There may be photos that nobody has read."""
        library, rows = self._library.library, self._photos.unread_rows()
        if library is None or self._slot.is_running or self._gave_up or not len(rows):
            return
        files, generation = self._photos.files(), self._photos.generation
        files = replace(
            files,
            sizes=files.sizes.copy(),
            mtimes_ns=files.mtimes_ns.copy(),
            image_ids=files.image_ids.copy(),
        )
        self._slot.run(
            lambda: read_rows(library, files, rows),
            on_values=lambda parts: self._take(parts, files, generation),
            on_failure=self._take_error,
            on_end=self._go_on,
        )

    def drop(self) -> None:
        """Stop; the table is being emptied."""
        self._slot.drop()
        self._gave_up = False

    def _take(self, parts: tuple[ReadRows, ...], files: PhotoFiles, generation: int) -> None:
        if generation != self._photos.generation:
            return
        now = self._photos.files()
        same = now.sizes[: len(files)] == files.sizes
        same &= now.mtimes_ns[: len(files)] == files.mtimes_ns
        read: list[int] = []
        for part in parts:
            kept = np.flatnonzero(same[part.rows])  # the others have another file since
            rows, cameras = part.rows[kept], [part.cameras[place] for place in kept.tolist()]
            self._photos.set_cameras(rows, part.taken_ns[kept], cameras)
            read += rows.tolist()
        if read:
            self.rows_read.emit(tuple(read))

    def _take_error(self, error: EngineError) -> None:
        self._gave_up = True
        self._library.report(error)

    def _go_on(self) -> None:
        self.refresh()
        if not self._slot.is_running:
            self.finished.emit()
