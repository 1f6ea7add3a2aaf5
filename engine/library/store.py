"""The library as the program uses it: one object, from any thread."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np

from engine.api.values import FloatArray, Prediction
from engine.library import decisions, images, predictions
from engine.library.backup import back_up
from engine.library.columns import (
    Columns,
    ScoreMatrix,
    effective_labels,
    load_columns,
    load_scores,
)
from engine.library.connections import connect_reading, transact
from engine.library.errors import LibraryError, translated
from engine.library.lock import LibraryLock
from engine.library.stored import Stored, load_stored
from engine.library.values import (
    Edit,
    ImageFile,
    ImageLabel,
    LibraryImage,
    LibraryModel,
    Moved,
    Wish,
)

T = TypeVar("T")
_IDLE_READERS = 4
_CLOSED = "The library is closed."


class Library:
    """An open library; made by ``engine.library.opening.open_library``.

    Every method may be called from any thread and blocks until the disk has it, so a window
    calls them in a worker. What a writing method returned for survives a crash and a power cut.
    All raise ``LibraryError`` when the file or the disk fails; what was there before stays.
    """

    def __init__(
        self, path: Path, lock: LibraryLock, writer: sqlite3.Connection, busy_timeout_s: float
    ) -> None:
        self.path = path
        self._lock = lock
        self._writer = writer
        self._busy_timeout_s = busy_timeout_s
        self._write_lock = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._is_closed = False

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is being written, and let others in; more than once does no harm."""
        with self._readers_lock:
            self._is_closed = True
            idle, self._readers = self._readers, []
        for reader in idle:
            reader.close()
        with self._write_lock:
            self._writer.close()
        self._lock.release()

    # Folders and images.

    def note_opened(self, folder: Path) -> None:
        """Remember that a person opened this folder."""
        self._write(lambda c: images.note_opened(c, folder))

    def recent_folders(self, limit: int = 10) -> list[Path]:
        """The folders that a person opened, the last one first."""
        with self._reading() as connection:
            return images.recent_folders(connection, limit)

    def add_images(self, files: Sequence[ImageFile]) -> list[int]:
        """Add images, or update those whose size or time changed; their ids, in order.

        A changed file loses what models said of it, not what people said.
        """
        return self._write(lambda c: images.add_images(c, files))

    def find_image(self, path: Path) -> int | None:
        """The id of the image with this path, or ``None``."""
        with self._reading() as connection:
            return images.find_image(connection, path)

    def mark_missing(self, image_ids: Iterable[int]) -> None:
        """Note that files have vanished; what is known of them waits for them."""
        ids = tuple(image_ids)
        self._write(lambda c: images.mark_missing(c, ids))

    def files(self) -> dict[int, ImageFile]:
        """All images that have not vanished, with size and time, by id."""
        with self._reading() as connection:
            return images.read_files(connection)

    def images_below(self, folder: Path, *, recursive: bool) -> list[LibraryImage]:
        """The images in a folder that have not vanished, as far as the library knows."""
        with self._reading() as connection:
            return images.images_below(connection, folder, recursive)

    def lookalikes(self, image_ids: Iterable[int]) -> list[tuple[LibraryImage, LibraryImage]]:
        """Images not hashed yet, each with a hashed one of the same size and time."""
        with self._reading() as connection:
            return images.lookalikes(connection, image_ids)

    def same_content(self, digest: bytes) -> list[LibraryImage]:
        """The images of this content hash that have not vanished."""
        with self._reading() as connection:
            return images.same_content(connection, digest)

    def images_without_hash(self, limit: int = 500, after: int = 0) -> list[LibraryImage]:
        """Images above an id whose content is still to be hashed, for a worker."""
        with self._reading() as connection:
            return images.without_hash(connection, limit, after)

    def set_hashes(self, hashes: Sequence[tuple[int, bytes]]) -> tuple[Moved, ...]:
        """Store content hashes by image id; says which images turn out to have moved."""
        return self._write(lambda c: images.set_hashes(c, hashes))

    # What models say.

    def add_model(self, model: LibraryModel) -> None:
        """Make a model known; needed before its predictions."""
        self._write(lambda c: predictions.add_model(c, model))

    def models(self) -> list[LibraryModel]:
        """The models that the library has something of."""
        with self._reading() as connection:
            return predictions.models(connection)

    def record_predictions(self, fingerprint: str, batch: Sequence[Prediction]) -> int:
        """Store one batch of a model, all or nothing, in place of what it said before.

        Returns:
            How many; images that are no longer in the library are passed over.
        """
        return self._write(lambda c: predictions.record(c, fingerprint, batch))

    def untagged(
        self, fingerprint: str, limit: int, below: Path | None = None
    ) -> list[LibraryImage]:
        """The next images that this model has not been through: where a run goes on.

        Args:
            fingerprint: of the model.
            limit: the most images.
            below: only in this folder and its subfolders.
        """
        with self._reading() as connection:
            return predictions.untagged(connection, fingerprint, limit, below)

    def errors(self, fingerprint: str) -> dict[int, str]:
        """What went wrong with images that the model could not be run on, by image id."""
        with self._reading() as connection:
            return predictions.errors(connection, fingerprint)

    def thresholds(self, fingerprint: str) -> FloatArray:
        """(C,) float32 in [0, 1]; what was never set is 0.5."""
        with self._reading() as connection:
            return predictions.thresholds(connection, fingerprint)

    def set_thresholds(self, fingerprint: str, values: FloatArray) -> None:
        """Keep the thresholds of a model, (C,) in [0, 1]."""
        self._write(lambda c: predictions.set_thresholds(c, fingerprint, values))

    def own_thresholds(self, fingerprint: str) -> dict[int, float]:
        """The thresholds that a person set, by the category's index."""
        with self._reading() as connection:
            return predictions.own_thresholds(connection, fingerprint)

    def set_own_thresholds(self, fingerprint: str, values: Mapping[int, float]) -> None:
        """Keep thresholds of some categories, each in [0, 1], and forget those of others."""
        wanted = dict(values)
        self._write(lambda c: predictions.set_own_thresholds(c, fingerprint, wanted))

    # What people say.

    def decide(
        self,
        wishes: Iterable[Wish] = (),
        *,
        who: str,
        caption: str,
        reviewed: Mapping[int, bool] | None = None,
    ) -> Edit | None:
        """Note what a person said, of any number of labels and images, as one edit.

        Args:
            wishes: what is said of labels.
            who: the person.
            caption: of the edit, for the Undo menu.
            reviewed: the new marks, by image id.

        Returns:
            What changed; ``None`` if all was so already.
        """
        wished, marks = tuple(wishes), dict(reviewed or {})

        def work(connection: sqlite3.Connection) -> Edit | None:
            at_ms = _now_ms()
            changes = decisions.plan(connection, wished, marks, who, at_ms)
            if not any(changes):
                return None
            edit = decisions.journal(connection, Edit(0, caption, *changes), at_ms)
            decisions.apply(connection, edit)
            return edit

        return self._write(work)

    def undo(self) -> Edit | None:
        """Take back the last edit that holds; the change made, ``None`` if there is none."""

        def work(connection: sqlite3.Connection) -> Edit | None:
            edit = decisions.next_to_undo(connection)
            if edit is None:
                return None
            decisions.apply(connection, edit.inverse())
            decisions.mark_undone(connection, edit.id, True)
            return edit.inverse()

        return self._write(work)

    def redo(self) -> Edit | None:
        """Make again the edit that was undone last; ``None`` if there is none."""

        def work(connection: sqlite3.Connection) -> Edit | None:
            edit = decisions.next_to_redo(connection)
            if edit is not None:
                decisions.apply(connection, edit)
                decisions.mark_undone(connection, edit.id, False)
            return edit

        return self._write(work)

    def next_captions(self) -> tuple[str, str]:
        """The captions of what undo would take back and redo make again; empty for nothing."""
        with self._reading() as connection:
            return decisions.next_captions(connection)

    # What counts.

    def labels(self, image_id: int, fingerprint: str) -> tuple[ImageLabel, ...]:
        """The labels of one image that count, those with the best scores first."""
        with self._reading() as connection:
            info = predictions.find_model(connection, fingerprint)[1]
            scores = predictions.scores_of(connection, fingerprint, image_id)
            limits = predictions.thresholds(connection, fingerprint)
            said = decisions.decisions_of(connection, image_id)
        if scores is None:
            scores = np.full(len(info.categories), np.nan, dtype=np.float16)
        return effective_labels(info.categories, scores, limits, said)

    def stored(self, image_ids: Iterable[int], fingerprint: str | None = None) -> Stored:
        """What is known of some images; without a model only what people said of them."""
        with self._reading() as connection:
            return load_stored(connection, image_ids, fingerprint)

    def score_matrix(self, fingerprint: str) -> ScoreMatrix:
        """All scores of a model."""
        with self._reading() as connection:
            return load_scores(connection, fingerprint)

    def columns(self, fingerprint: str) -> Columns:
        """Everything that filters, facets and sorting need, as one model sees it."""
        with self._reading() as connection:
            return load_columns(connection, fingerprint)

    def back_up(self) -> Path:
        """Make a copy of the library now, and drop the oldest; work may go on meanwhile."""
        with self._reading(in_transaction=False) as connection:
            return back_up(connection, self.path)

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work as one transaction, after those that others have begun; the disk has it then."""
        with self._write_lock, translated(self.path):
            if self._is_closed:
                raise LibraryError(_CLOSED)
            return transact(self._writer, work)

    @contextlib.contextmanager
    def _reading(self, *, in_transaction: bool = True) -> Generator[sqlite3.Connection, None, None]:
        """A connection that sees one state of the library throughout the block."""
        with translated(self.path):
            connection = self._take_reader()
            try:
                if in_transaction:
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


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
