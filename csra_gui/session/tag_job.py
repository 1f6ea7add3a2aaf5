"""What a tagging job does with predictions: keep them in the library, batch by batch."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from csra_gui.session.photo_files import PhotoFiles
from engine.api.errors import EngineError
from engine.api.passing import FILE_GONE, PASSING
from engine.api.values import Prediction
from engine.library.errors import LibraryError, NoRoomError
from engine.library.store import Library
from engine.library.values import ImageFile, look_at

_log = logging.getLogger(__name__)

#: A batch is written when it has so many predictions, or when its first one is so old.
BATCH = 64
BATCH_S = 1.0
#: So often a full disk is asked whether there is room again (s); in between, it can be ended.
TRY_AGAIN_S = 1.0
_STEPS = 10


@dataclass(frozen=True)
class FileChanged:
    """A photo that is not the one any more that was looked at before: it has to be tagged again.

    Attributes:
        row: in the table.
        file: what it is like now.
    """

    row: int
    file: ImageFile


@dataclass(frozen=True)
class NotStored:
    """Predictions could not be written; it is tried again with the next ones."""

    error: EngineError


@dataclass(frozen=True)
class Waiting:
    """The disk of the library takes no more, so that all waits; ``None`` when it goes on."""

    error: NoRoomError | None


Outcome = Prediction | FileChanged | NotStored | Waiting


def kept_predictions(
    predictions: Generator[Prediction, None, None],
    rows: Sequence[int],
    files: PhotoFiles,
    library: Callable[[], Library | None],
) -> Generator[Outcome, None, None]:
    """Hand predictions on and write them to the library; at the end, however it comes, the last.

    While its disk has no room this waits, and says so again and again, so that it can be ended.

    A file that is another one than before tagging began is reported instead: nobody knows which
    of the two the model saw.

    Args:
        predictions: one per row, in order.
        rows: of the table.
        files: as they were when tagging began.
        library: the one to write to now; without one nothing is written.
    """
    batch = _Batch(library)
    try:
        for row, prediction in zip(rows, predictions, strict=False):
            then, now = files.file(row), _file_now(prediction)
            if now is not None and then is not None and now != then:
                yield FileChanged(row, now)
                continue
            if now is not None:
                batch.add(prediction)
            yield prediction if now is not None else _not_there(prediction)
            yield from batch.written_if_due()
        yield from batch.written()
    finally:
        predictions.close()
        batch.write_last()


def _file_now(prediction: Prediction) -> ImageFile | None:
    """What the file is like; ``None`` also if its disk is away, which is no fault of it."""
    return None if prediction.error in PASSING else look_at(prediction.path)


def _not_there(prediction: Prediction) -> Prediction:
    """A prediction of a file that is gone by now: it is asked for again when it is back."""
    if prediction.error is not None:
        return prediction
    none = np.zeros(0, np.float32)
    return Prediction(prediction.path, prediction.model_id, none, error=FILE_GONE)


class _Batch:
    """Predictions that wait to be written together; those that could not be stay."""

    def __init__(self, library: Callable[[], Library | None]) -> None:
        self._library = library
        self._waiting: list[Prediction] = []
        self._next_size = BATCH
        self._since = time.monotonic()
        self._has_failed = False

    def add(self, prediction: Prediction) -> None:
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(prediction)

    def written_if_due(self) -> Iterable[NotStored | Waiting]:
        old = bool(self._waiting) and time.monotonic() - self._since >= BATCH_S
        if len(self._waiting) >= self._next_size or (old and not self._has_failed):
            return self.written()
        return ()

    def written(self) -> Generator[NotStored | Waiting, None, None]:
        """Write what waits, as soon as there is room; the problem, if it could not be, as news."""
        is_late = False
        while True:
            try:
                self._write()
            except NoRoomError as error:
                is_late = True
                for _ in range(_STEPS):
                    yield Waiting(error)
                    time.sleep(TRY_AGAIN_S / _STEPS)
                continue
            except LibraryError as error:
                told, self._has_failed = self._has_failed, True
                self._next_size = len(self._waiting) + BATCH
                if not told:
                    yield NotStored(error)
            break
        if is_late:
            yield Waiting(None)

    def write_last(self) -> None:
        """Write what waits, if that is possible now."""
        try:
            self._write()
        except LibraryError as error:
            _log.info("The last predictions were not stored: %s", error)

    def _write(self) -> None:
        library = self._library()
        if library is not None and self._waiting:
            library.record_predictions(self._waiting[0].model_id, self._waiting)
        self._waiting = []
        self._next_size, self._has_failed = BATCH, False
