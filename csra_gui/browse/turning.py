"""Photos are turned without loss: by what their sidecars say, in a job, shown at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.activity import Activity, MovingRate, Progress, counted
from csra_gui.base.jobs import JobSlot, Policy
from csra_gui.browse.folder_watch import FolderWatch
from csra_gui.browse.view_mode import Browsing
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.api.errors import EngineError
from engine.data.decoding.turning import LEFT, RIGHT
from engine.interchange.writing.turning import CAPTION, TurnStep, turn
from engine.library.store import Library
from engine.library.written import LabelWrite
from engine.texts import display_text, photos_text

_NAMED = 3
_WORDS = {RIGHT: "to the right", LEFT: "to the left"}
_BACK = {RIGHT: LEFT, LEFT: RIGHT}


class PhotoTurns(QObject):
    """Turns the photos that commands are for, and those that were turned back.

    Signals:
        state_changed: work began or ended.
        noted: the journal of writes has one more.
    """

    state_changed = Signal()
    noted = Signal()

    def __init__(
        self,
        session: Session,
        browsing: Browsing,
        watch: FolderWatch,
        notifier: Notifier,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session, self._browsing = session, browsing
        self._watch, self._notifier = watch, notifier
        self._slot = JobSlot(session.jobs, "rotate", self, Policy.IGNORE)
        self._stopped = threading.Event()
        self.activity = Activity(self, cancel=self._stopped.set, name="Rotating photos")

    @property
    def is_busy(self) -> bool:
        """Whether photos are being turned."""
        return self._slot.is_running

    @Slot()
    def turn_right(self) -> None:
        """Turn the photos a quarter, as a clock goes."""
        self._turn([self._session.photos.paths[row] for row in self._browsing.targets], RIGHT)

    @Slot()
    def turn_left(self) -> None:
        """Turn the photos a quarter, against the clock."""
        self._turn([self._session.photos.paths[row] for row in self._browsing.targets], LEFT)

    @Slot(object)
    def take_undone(self, write: LabelWrite) -> None:
        """A write was taken back: if it turned photos, they stand as before."""
        if not write.caption.startswith(CAPTION):
            return
        photos = self._session.photos
        self._session.library.submit(
            lambda library: library.paths_of_write(write.id),
            lambda paths: self._take([row for path in paths for row in _rows_of(photos, path)]),
        )

    def _turn(self, photos: Sequence[Path], by: int) -> None:
        library = self._session.library.library
        if not photos or self.is_busy or library is None:
            return
        self._stopped.clear()
        steps: list[TurnStep] = []
        text, rate = "Rotating", MovingRate()

        def follow(values: tuple[TurnStep, ...]) -> None:
            steps.extend(values)
            found = (self._session.photos.row_of(v.photo) for v in values if not v.problem)
            self._take([row for row in found if row is not None])
            done = len(steps)
            speed = rate.add(time.monotonic(), done)
            self.activity.set_progress(counted(text, done, len(photos), speed))

        def end() -> None:
            self.activity.set_progress(None)
            self._tell(steps, by)
            self.state_changed.emit()
            self.noted.emit()

        work = _until(self._stopped, library, photos, by)
        self._slot.run(lambda: work, None, self._tell_failed, end, follow)
        self.activity.set_progress(Progress(text))
        self.state_changed.emit()

    def _take(self, rows: Sequence[int]) -> None:
        if rows:
            self._watch.files_changed.emit(tuple(rows), ())
            self._session.take_turned(rows)

    def _tell(self, steps: Sequence[TurnStep], by: int) -> None:
        turned = [step.photo for step in steps if not step.problem]
        problems = [display_text(step.problem) for step in steps if step.problem]
        if not steps:
            return
        text = f"{photos_text(len(turned))} rotated {_WORDS[by]}."
        remedy = Remedy("Undo", lambda: self._turn(turned, _BACK[by])) if turned else None
        if not problems:
            self._notifier.done(text, remedy)
            return
        more = len(problems) - _NAMED
        named = problems[:_NAMED] + ([f"And {more:,} more."] if more > 0 else [])
        self._notifier.warning(" ".join([text, *named]), Topic.NOTE, remedy)

    def _tell_failed(self, error: EngineError) -> None:
        self._notifier.error(display_text(str(error)), Topic.NOTE)


def _until(
    stopped: threading.Event, library: Library, photos: Sequence[Path], by: int
) -> Generator[TurnStep, None, None]:
    """Turn photos until the person wants no more; all that was turned is told."""
    steps = turn(library, photos, by)
    try:
        for step in steps:
            yield step
            if stopped.is_set():
                return
    finally:
        steps.close()


def _rows_of(photos: PhotoTable, sidecar: Path) -> list[int]:
    """The open photos that a sidecar may belong to, by its name."""
    bare = sidecar.with_suffix("")
    row = photos.row_of(bare)
    if row is not None:
        return [row]
    files = photos.files()
    if str(bare.parent) not in files.folders:
        return []
    beside = np.flatnonzero(files.folder_of == files.folders.index(str(bare.parent))).tolist()
    return [row for row in beside if Path(files.names[row]).stem == bare.name]
