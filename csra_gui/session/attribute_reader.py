"""Reads what files say of ratings, colour labels and titles, behind everything else."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import chain

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.session.decisions import Decisions
from csra_gui.session.library_client import LibraryClient
from csra_gui.session.library_maintenance import give_way
from csra_gui.session.photo_files import PhotoFiles
from csra_gui.session.photo_table import PhotoTable
from engine.data.patience import patiently
from engine.library.columns import IntArray, Stored
from engine.library.store import Library
from engine.library.values import Attribute
from engine.metadata.attributes import read_file_attributes


def read_rows(
    library: Library, files: PhotoFiles, rows: IntArray
) -> Generator[tuple[int, ...], None, bool]:
    """Read the files of photos that are new or changed, in a worker; the numbers of those read.

    Raises:
        LibraryError: the library fails.
    """
    return patiently(_read(library, files, rows), ())


def _read(
    library: Library, files: PhotoFiles, rows: IntArray
) -> Generator[tuple[int, ...], None, None]:
    give_way()
    asked = ((int(files.image_ids[row]), files.file(int(row))) for row in rows)
    images = ((image, file) for image, file in asked if image and file is not None)
    yield from read_file_attributes(library, images)


class AttributeReader(QObject):
    """Goes through the open photos once the library knows them, from the first to the last.

    Signals:
        changed: a tuple of rows whose files were read: what they say is in the table.
    """

    changed = Signal(object)

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
        self._slot = JobSlot(jobs, "read ratings", self)
        self._done = 0
        self._again: set[int] = set()
        library.opened.connect(self.reset)

    @Slot()
    def reset(self) -> None:
        """Begin again at the first row: the table is another one, or the library is."""
        self._slot.drop()
        self._done = 0
        self._again.clear()

    def read_again(self, rows: Sequence[int]) -> None:
        """Look again at photos whose files may say something else."""
        self._again.update(row for row in rows if row < self._done)

    @Slot()
    def proceed(self) -> None:
        """Go on, if the library knows photos that were not looked at."""
        library = self._library.library
        count = len(self._photos)
        if self._slot.is_running or library is None:
            return
        again = np.array(sorted(self._again), dtype=np.int64)
        rows = np.concatenate([again, np.arange(self._done, count)])
        self._again.clear()
        self._done = count
        if not len(rows):
            return
        files = self._photos.files()
        # Nothing is lost when it fails: the next start tries again.
        self._slot.run(
            lambda: read_rows(library, files, rows), on_values=self._take, on_end=self.proceed
        )

    def _take(self, parts: tuple[tuple[int, ...], ...]) -> None:
        ids = list(chain.from_iterable(parts))
        if not ids:
            return
        generation = self._photos.generation

        def done(stored: Stored) -> None:
            if generation == self._photos.generation:
                self._show(ids, stored)

        # In the library's own queue: behind what the person says meanwhile.
        self._library.submit(lambda library: library.stored(ids), done, self._library.report)

    def _show(self, ids: list[int], stored: Stored) -> None:
        photos = self._photos
        rows = photos.rows_of_images(ids)
        numbers = photos.image_ids[np.asarray(rows, dtype=np.int64)].tolist()
        said = {(image, attribute): value for image, attribute, value in stored.attributes}
        news = [
            row
            for image, row in zip(numbers, rows, strict=True)
            if any(said.get((image, a), "") != photos.attributes.value(row, a) for a in Attribute)
        ]
        if news:  # most files say nothing
            self._decisions.take(rows, stored, dict(zip(numbers, rows, strict=True)))
            self.changed.emit(tuple(news))
