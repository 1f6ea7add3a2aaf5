"""Bringing the open photos and the library together: who they are, and what is known of them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.session.decisions import Decisions
from csra_gui.session.folder_spots import FolderSpots
from csra_gui.session.library_client import LibraryClient
from csra_gui.session.photo_files import PhotoFiles
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.spellings import Spellings
from engine.api.errors import EngineError
from engine.library.cameras import DatesAndCameras
from engine.library.columns import IntArray, Stored
from engine.library.errors import NoRoomError
from engine.library.predictions import TAKEN_AT_ONCE
from engine.library.store import Library
from engine.library.values import LibraryModel
from engine.library.volumes import Probe

#: Photos that are registered and read together: some milliseconds of work, one write to the disk.
CHUNK = 1000
#: So often a full disk is asked whether there is room again.
TRY_AGAIN_MS = 1000


@dataclass(frozen=True, eq=False)
class SyncedRows:
    """What came out of the library for rows of the table.

    Attributes:
        rows: (M,) which.
        ids: (M,) their numbers in the library, 0 for a file that is not there.
        new: (M,) whether they had no number before.
        stored: what is known of them.
        known: what their cameras say, as far as they were read.
    """

    rows: IntArray
    ids: IntArray
    new: IntArray
    stored: Stored
    known: DatesAndCameras

    @property
    def row_of(self) -> dict[int, int]:
        """The rows by the images' numbers."""
        return dict(zip(self.ids.tolist(), self.rows.tolist(), strict=True))


def sync_rows(
    library: Library,
    files: PhotoFiles,
    rows: Sequence[int],
    model: LibraryModel | None,
    probe: Probe | None = None,
) -> Generator[SyncedRows, None, None]:
    """Register photos and read what is known of them, a chunk at a time, in a worker.

    Args:
        library: that knows them.
        files: all photos.
        rows: of those that are wanted.
        model: whose scores are wanted.
        probe: see ``FolderSpots``.

    Raises:
        LibraryError: the file or the disk fails.
    """
    if model is not None:
        library.use_model(model)
        while library.take_over_scores(model.fingerprint, model.taught_from) == TAKEN_AT_ONCE:
            pass
    fingerprint = None if model is None else model.fingerprint
    spots, spellings = FolderSpots(library, probe), Spellings(library)
    for first in range(0, len(rows), CHUNK):
        chunk = np.asarray(rows[first : first + CHUNK], dtype=np.int64)
        ids = files.image_ids[chunk].copy()
        new = ids == 0
        found = [(place, files.file(int(chunk[place]))) for place in np.flatnonzero(new)]
        there = [(place, file) for place, file in found if file is not None]
        if there:
            found_files = [file for _, file in there]
            spots.tell(found_files)
            spellings.tell(found_files)
            places = [place for place, _ in there]
            ids[places] = library.add_images(found_files)
        _tell_other_files(library, files, chunk, ids)
        there_ids = ids[ids > 0].tolist()
        stored, known = library.stored(there_ids, fingerprint), library.dates_and_cameras(there_ids)
        yield SyncedRows(chunk, ids, new, stored, known)


def _tell_other_files(library: Library, files: PhotoFiles, rows: IntArray, ids: IntArray) -> None:
    """Let the library know which photos have a second file, where it thinks otherwise."""
    known = library.other_files(ids[ids > 0].tolist())
    now = {
        int(image_id): files.other_files.get(int(row), ())
        for row, image_id in zip(rows, ids, strict=True)
        if image_id > 0
    }
    changed = {
        image_id: names for image_id, names in now.items() if names != known.get(image_id, ())
    }
    if changed:
        library.set_other_files(changed)


class LibrarySync(QObject):
    """Registers photos as they are found, and shows their stored scores, errors and decisions.

    One job at a time, from the first row to the last; another model starts again at the first.

    Signals:
        rows_loaded: a tuple of rows whose scores or decisions have come; empty means any.
        settled: nothing is left to do; also when the library cannot do it.
    """

    rows_loaded = Signal(object)
    settled = Signal()

    def __init__(
        self,
        library: LibraryClient,
        photos: PhotoTable,
        decisions: Decisions,
        jobs: JobRunner,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._photos = photos
        self._decisions = decisions
        self._jobs = jobs
        self._slot = JobSlot(jobs, "library", self)
        self._done = 0
        self._model: LibraryModel | None = None
        self._gave_up = False
        self._loading = 0
        self._again = QTimer(self, singleShot=True, interval=TRY_AGAIN_MS)
        self._again.timeout.connect(self.refresh)
        library.opened.connect(self._on_library_opened)
        library.problem_changed.connect(self._on_library_problem_changed)

    @property
    def is_settled(self) -> bool:
        """Whether all that the library has of the open photos is in the table."""
        if self._library.library is None:
            return self._library.error is not None
        is_through = not self._slot.is_running and self._done == len(self._photos)
        return not self._loading and (self._gave_up or is_through)

    def set_model(self, model: LibraryModel) -> None:
        """Show what another model said."""
        self._model = model
        self.reset()
        self.refresh()

    def reset(self) -> None:
        """Begin again at the first row; the table is another one, or its scores are."""
        self._slot.drop()
        self._done = 0
        self._gave_up = False
        self._go_on_writing()

    @Slot()
    def refresh(self) -> None:
        """There may be new rows."""
        library = self._library.library
        if self._again.isActive() or self._slot.is_running or library is None or self._gave_up:
            return
        if self._done == len(self._photos):
            return
        rows = range(self._done, len(self._photos))
        work = sync_rows(library, self._photos.files(), rows, self._model)
        self._slot.run(
            lambda: work,
            on_values=self._take_next,
            on_failure=self._take_error,
            on_end=self._go_on,
        )

    def load(self, rows: Sequence[int]) -> None:
        """Read again what the library has of some photos that it knows."""
        library = self._library.library
        if library is None or not rows:
            return
        work = sync_rows(library, self._photos.files(), tuple(rows), self._model)
        job = self._jobs.prepare(lambda: work, "load photos")
        then = self._photos.generation, self._model

        def take(parts: tuple[SyncedRows, ...]) -> None:
            if then == (self._photos.generation, self._model):
                self._take_all(parts)

        self._loading += 1
        job.yielded.connect(take)
        job.finished.connect(self._on_loaded)
        job.start()

    @Slot()
    def _on_loaded(self) -> None:
        self._loading -= 1
        if self.is_settled:
            self.settled.emit()

    def _take_next(self, parts: tuple[SyncedRows, ...]) -> None:
        self._go_on_writing()
        self._take_all(parts)
        self._done = int(parts[-1].rows[-1]) + 1

    def _take_all(self, parts: tuple[SyncedRows, ...]) -> None:
        """Take in what has come, and tell of it once: who hears of it looks at all photos."""
        for part in parts:
            self._take(part)
        self.rows_loaded.emit(tuple(chain.from_iterable(part.rows.tolist() for part in parts)))

    def _take(self, part: SyncedRows) -> None:
        photos, row_of = self._photos, part.row_of
        photos.set_image_ids(part.rows, part.ids)
        known = part.known
        if part.new.any() and len(known.image_ids):
            rows = [row_of[image] for image in known.image_ids.tolist()]
            photos.set_cameras(rows, known.taken_ns, known.cameras)
        photos.set_facts({row_of[image]: bits for image, bits in part.stored.facts})
        if part.new.any():
            self._decisions.take(part.rows[part.new].tolist(), part.stored, row_of)
        if part.stored.scores.shape[1] == len(photos.categories):
            rows = [row_of[image] for image in part.stored.scored.tolist()]
            if rows:
                photos.set_many_scores(rows, part.stored.scores, part.stored.provisional)
            for image, message in part.stored.errors.items():
                photos.set_error(row_of[image], message)

    def _take_error(self, error: EngineError) -> None:
        if isinstance(error, NoRoomError):
            self._library.tell_waiting(self, error)
            self._again.start()
            return
        self._gave_up = True
        self._library.report(error)

    def _go_on_writing(self) -> None:
        self._again.stop()
        self._library.tell_waiting(self, None)

    def _go_on(self) -> None:
        self.refresh()
        if self.is_settled:
            self.settled.emit()

    @Slot()
    def _on_library_opened(self) -> None:
        self.reset()
        self._photos.forget_image_ids()
        self.refresh()
        if self.is_settled:
            self.settled.emit()

    @Slot()
    def _on_library_problem_changed(self) -> None:
        if self.is_settled:
            self.settled.emit()
