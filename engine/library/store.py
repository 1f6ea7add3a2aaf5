"""The library as the program uses it: one object, from any thread."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from engine.library import (
    awaited,
    cameras,
    chosen,
    columns,
    decisions,
    descriptors,
    exports,
    images,
    imported,
    labels,
    names,
    places,
    predictions,
    ratings,
    respelling,
    second_files,
    written,
)
from engine.library.backup import back_up_before_change
from engine.library.connections import connect_reading, transact
from engine.library.errors import LibraryError, translated
from engine.library.lock import LibraryLock
from engine.library.rescue.log import salt_of

P = ParamSpec("P")
T = TypeVar("T")
_IDLE_READERS = 4
_CLOSED = "The library is closed."


def _reads(
    question: Callable[Concatenate[sqlite3.Connection, P], T],
) -> Callable[Concatenate[Library, P], T]:
    """A method that asks the tables; all it reads is of one moment."""

    @functools.wraps(question)
    def read(self: Library, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self._reading() as connection:
            return question(connection, *args, **kwargs)

    return read


def _writes(
    work: Callable[Concatenate[sqlite3.Connection, P], T],
) -> Callable[Concatenate[Library, P], T]:
    """A method that changes the tables, all or nothing; the disk has it when it returns."""

    @functools.wraps(work)
    def write(self: Library, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._write(lambda connection: work(connection, *args, **kwargs))

    return write


class Library:
    """An open library; made by ``engine.library.opening.open_library``.

    Every method may be called from any thread and blocks until the disk has it, so a window
    calls them in a worker. What a writing method returned for survives a crash and a power cut.
    All raise ``LibraryError`` when the file or the disk fails; what was there before stays.

    Attributes:
        path: of its file.
        notice: what the person should know of how it was found; usually empty.
    """

    def __init__(
        self, path: Path, lock: LibraryLock, writer: sqlite3.Connection, busy_timeout_s: float
    ) -> None:
        self.path = path
        self.notice = ""
        self._is_log_noted = False
        self._lock = lock
        self._writer = writer
        self._busy_timeout_s = busy_timeout_s
        self._write_lock = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is being written, and let others in; more than once does no harm."""
        with self._readers_lock:
            self._is_closed = True
            idle, self._readers = self._readers, []
        for reader in idle:
            reader.close()
        with self._write_lock:
            if self._is_log_noted:  # before the log goes: a note without a log means a loss
                self._lock.forget()
                self._is_log_noted = False
            self._writer.close()
        self._lock.release()

    def back_up(self) -> Path:
        """Copy the library as it is now, before much of it changes; where the copy is."""
        with translated(self.path):
            connection = self._take_reader()
            try:
                return back_up_before_change(connection, self.path)
            finally:
                self._give_reader_back(connection)

    # Images.
    add_images = _writes(images.add_images)
    mark_missing = _writes(images.mark_missing)
    files = _reads(images.read_files)
    images_below = _reads(images.images_below)
    ids_below = _reads(chosen.ids_below)
    files_of = _reads(chosen.files_of)
    lookalikes = _reads(images.lookalikes)
    same_content = _reads(images.same_content)
    images_without_hash = _reads(images.without_hash)
    set_hashes = _writes(images.set_hashes)
    note_rewritten = _writes(images.note_rewritten)
    take_over_unhashed = _writes(images.take_over_unhashed)
    not_placed = _reads(places.not_placed)
    known_elsewhere = _reads(places.known_elsewhere)
    place_folders = _writes(places.place_folders)
    volumes_of = _reads(places.volumes_of)
    known_names = _reads(respelling.known_names)
    folder_spellings = _reads(respelling.folder_spellings)
    respell = _writes(respelling.respell)

    other_files = _reads(second_files.other_files)
    set_other_files = _writes(second_files.set_other_files)
    camera_facts = _reads(cameras.camera_facts)
    dates_and_cameras = _reads(cameras.dates_and_cameras)
    set_camera_facts = _writes(cameras.set_camera_facts)

    # What models say.
    add_model = _writes(predictions.add_model)
    use_model = _writes(predictions.use_model)
    models = _reads(predictions.models)
    record_predictions = _writes(predictions.record)
    forget_predictions = _writes(predictions.forget_predictions)
    take_over_scores = _writes(predictions.take_over_scores)
    known_scores = _reads(imported.known_scores)
    record_scores = _writes(imported.record_scores)
    count_descriptors = _reads(descriptors.count_descriptors)
    descriptor_page = _reads(descriptors.descriptor_page)
    descriptors_of = _reads(descriptors.descriptors_of)
    own_thresholds = _reads(predictions.own_thresholds)
    set_own_thresholds = _writes(predictions.set_own_thresholds)

    # What people say.
    decide = _writes(decisions.decide)
    take_over_labels = _writes(decisions.take_over_labels)
    undo = _writes(decisions.undo)
    redo = _writes(decisions.redo)
    next_captions = _reads(decisions.next_captions)
    decided_labels = _reads(chosen.decided_labels)
    note_examples = _writes(decisions.note_examples)
    examples = _reads(decisions.examples)

    # Ratings, colour labels and titles.
    rate = _writes(decisions.rate)
    shown_attributes = _reads(ratings.shown_attributes)
    own_attributes = _reads(ratings.own_attributes)
    read_stamps = _reads(ratings.read_stamps)
    note_file_attributes = _writes(ratings.note_file_attributes)
    note_written_attributes = _writes(ratings.note_written_attributes)
    note_taken_back = _writes(ratings.note_taken_back)

    # What was written into files beside photos.
    begin_write = _writes(written.begin_write)
    note_files = _writes(written.note_files)
    note_digest = _writes(written.note_digest)
    settle_files = _writes(written.settle_files)
    end_write = _writes(written.end_write)
    last_write = _reads(written.last_write)
    files_of_write = _reads(written.files_of_write)
    paths_of_write = _reads(written.paths_of_write)
    begun_files = _reads(written.begun_files)
    own_entries = _reads(written.own_entries)
    forget_old_writes = _writes(written.forget_old_writes)
    await_writes = _writes(awaited.await_writes)
    settle_awaited = _writes(awaited.settle_awaited)
    awaited_writes = _reads(awaited.awaited_writes)
    begin_export = _writes(exports.begin_export)
    end_export = _writes(exports.end_export)
    begun_exports = _reads(exports.begun_exports)

    # What labels are called.
    label_names = _reads(names.label_names)
    label_uses = _reads(labels.label_uses)
    count_images = _reads(labels.count_images)
    rename_labels = _writes(labels.rename_labels)
    delete_labels = _writes(labels.delete_labels)

    # Both.
    stored = _reads(columns.load_stored)

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._write_lock, translated(self.path):
            if self._is_closed:
                raise LibraryError(_CLOSED)
            outcome = transact(self._writer, work)
            if not self._is_log_noted:
                self._note_log()
            return outcome

    def _note_log(self) -> None:
        # Reading the log is harmless: SQLite has its locks on the file and on the index of the log.
        salt = salt_of(self.path.with_name(f"{self.path.name}-wal"))
        if salt is not None:
            self._lock.note(salt)
            self._is_log_noted = True

    @contextlib.contextmanager
    def _reading(self) -> Generator[sqlite3.Connection, None, None]:
        """A connection that sees one state of the library throughout the block."""
        with translated(self.path):
            connection = self._take_reader()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._give_reader_back(connection)

    def _take_reader(self) -> sqlite3.Connection:
        with self._readers_lock:
            if self._is_closed:
                raise LibraryError(_CLOSED)
            if self._readers:
                return self._readers.pop()
        return connect_reading(self.path, self._busy_timeout_s)

    def _give_reader_back(self, connection: sqlite3.Connection) -> None:
        with self._readers_lock:
            if not self._is_closed and len(self._readers) < _IDLE_READERS:
                self._readers.append(connection)
                return
        connection.close()
