"""Writes from the window: one at a time, in a worker, told at the end, and taken back."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.activity import Activity, MovingRate, Progress, counted
from csra_gui.base.jobs import JobSlot, JobTold, Policy
from csra_gui.base.settings import EXIFTOOL, Settings
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.api.errors import EngineError
from engine.api.label_measures import suggestions
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.values import WhichLabels
from engine.interchange.writing.job import Steps, preview, recover, undo, write
from engine.interchange.writing.values import WriteOptions, WriteProgress, WriteReport
from engine.library.columns import IntArray
from engine.library.store import Library
from engine.library.values import ImageFile, LibraryModel
from engine.library.written import LabelWrite
from engine.texts import display_text

_RETRY_S = 1.0
_NAMED = 3
_Begin: TypeAlias = Callable[[Library], Steps]


@dataclass(frozen=True, slots=True, eq=False)
class WriteRequest:
    """What the person chose.

    Attributes:
        rows: of the photos.
        which: whose labels.
        options: how they are written.
        is_quiet: nothing is said at the end: what was left alone is shown by whoever asked.
        image_ids: the library's numbers of the photos, in place of their rows.
        ended: is called in the end, whatever happened; ``None`` if it came to no end.
    """

    rows: IntArray
    which: WhichLabels = WhichLabels.ACCEPTED
    options: WriteOptions = field(default_factory=WriteOptions)
    is_quiet: bool = False
    image_ids: IntArray | None = None
    ended: Callable[[WriteReport | None], object] | None = None


class LabelWrites(QObject):
    """Writes labels beside photos, and takes writes back.

    Signals:
        state_changed: work began or ended, or another write can be undone.
        ended: the ``WriteReport`` of a write or an undo that came to its end.
        undone: the ``LabelWrite`` that was taken back.
    """

    state_changed = Signal()
    ended = Signal(object)
    undone = Signal(object)

    def __init__(
        self, session: Session, settings: Settings, notifier: Notifier, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self._notifier = notifier
        self._slot = JobSlot(session.jobs, "write labels", self, Policy.IGNORE)
        self._stopped = threading.Event()
        # Beside what a job yields, of which nothing comes any more once it is cancelled.
        self._rewritten: queue.SimpleQueue[tuple[ImageFile, ImageFile]] = queue.SimpleQueue()
        self._is_paused = False
        self._reports: dict[WriteRequest | None, WriteReport] = {}
        self.last: LabelWrite | None = None
        self.activity = Activity(self, cancel=self.cancel, name="Writing labels")
        session.library.opened.connect(self._on_library_opened)

    @property
    def is_busy(self) -> bool:
        """Whether something is being written or taken back."""
        return self._slot.is_running

    @property
    def can_write(self) -> bool:
        """Whether there are photos and a library, and time for it."""
        has_photos = len(self._session.photos) > 0
        return has_photos and not self.is_busy and self._session.library.library is not None

    def start(self, request: WriteRequest) -> None:
        """Write, once all that was said until now is in the library."""
        choose = self._choice(request)
        self._submit(
            lambda library: write(library, choose(library), request.options),
            "Writing labels",
            request,
        )

    def preview(
        self,
        slot: JobSlot,
        request: WriteRequest,
        see: JobTold[tuple[WriteProgress, ...], WriteReport],
    ) -> None:
        """Look what a write would do, in a slot of the caller's; nothing is written."""
        choose = self._choice(request)

        def begin(library: Library) -> None:
            slot.run(
                lambda: preview(library, choose(library), request.options),
                see.ended,
                see.failed,
                None,
                see.progressed,
            )

        self._session.library.submit(lambda library: library, begin, see.failed)

    @Slot()
    def undo(self) -> None:
        """Take back the last write."""
        exiftool = str(self._settings.value(EXIFTOOL))
        self._submit(lambda library: undo(library, exiftool), "Taking labels back")

    @Slot()
    def cancel(self) -> None:
        """Stop after the file at hand; what is written stays, and can be undone."""
        self._stopped.set()
        self._slot.cancel()

    def _choice(self, request: WriteRequest) -> Callable[[Library], ExportChoice]:
        session = self._session
        ids = request.image_ids
        if ids is None:
            ids = session.photos.image_ids[request.rows]
        model = session.models.model
        thresholds = None if model is None else session.thresholds.of_model(model).copy()

        def choose(library: Library) -> ExportChoice:
            known = {other.fingerprint for other in library.models()}
            used = None if model is None or model.id not in known else LibraryModel.of(model)
            return ExportChoice(
                np.asarray(ids[ids > 0], dtype=np.int64),
                request.which,
                used,
                None if used is None else thresholds,
                suggestions=() if used is None or model is None else suggestions(model.measures),
            )

        return choose

    def _submit(self, begin: _Begin, text: str, request: WriteRequest | None = None) -> None:
        # In the library's own queue first: behind decisions that are still on their way to it.
        self._session.library.submit(
            lambda library: library,
            lambda library: self._run(library, begin, text, request),
            self._tell_failed,
        )

    def _run(
        self, library: Library, begin: _Begin, text: str, request: WriteRequest | None
    ) -> None:
        if self.is_busy:
            _end(request, None)
            return
        self._stopped.clear()
        self._is_paused = False
        rate, stopped = MovingRate(), self._stopped

        def work() -> Generator[WriteProgress, None, WriteReport]:
            steps = begin(library)
            try:
                while True:
                    try:
                        progress = next(steps)
                    except StopIteration as end:
                        report: WriteReport = end.value
                        return report
                    for pair in progress.rewritten:
                        self._rewritten.put(pair)
                    yield progress
                    if progress.paused:
                        stopped.wait(_RETRY_S)
            finally:
                steps.close()

        def follow(values: tuple[WriteProgress, ...]) -> None:
            last = values[-1]
            self._take_rewritten()
            speed = rate.add(time.monotonic(), last.done)
            shown = "Waiting for room on the disk" if last.paused else text
            self.activity.set_progress(counted(shown, last.done, last.total, speed))
            self._note_pause(last.paused)

        self._slot.run(
            work,
            partial(self._tell, request),
            self._tell_failed,
            partial(self._finish, request),
            follow,
        )
        self.activity.set_progress(Progress(text))
        self.state_changed.emit()

    def _take_rewritten(self) -> None:
        """Know photos that we changed ourselves: there is nothing in them to be tagged again."""
        photos = self._session.photos
        while not self._rewritten.empty():
            before, after = self._rewritten.get()
            row = photos.row_of(before.path)
            if row is not None and photos.file(row) == before:
                photos.set_file(row, after)

    def _note_pause(self, why: str) -> None:
        if why and not self._is_paused:
            self._notifier.warning(
                f"{display_text(why)} Writing goes on by itself once there is room.", Topic.NOTE
            )
        self._is_paused = bool(why)

    def _tell(self, request: WriteRequest | None, report: WriteReport) -> None:
        self._reports[request] = report
        text = display_text(report.text())
        if request is not None and request.is_quiet:
            pass
        elif report.refused:
            reasons = [display_text(why) for _, why in report.refused[:_NAMED]]
            more = len(report.refused) - len(reasons)
            reasons += [f"And {more:,} more."] if more else []
            self._notifier.warning(" ".join([text, *reasons]), Topic.NOTE)
        else:
            remedy = Remedy("Undo", self.undo) if report.written and not report.is_undo else None
            self._notifier.info(text, Topic.NOTE, remedy)
        self.ended.emit(report)
        if report.is_undo and self.last is not None:
            self.undone.emit(self.last)

    def _tell_failed(self, error: EngineError) -> None:
        self._notifier.error(display_text(str(error)), Topic.NOTE)

    def _finish(self, request: WriteRequest | None) -> None:
        self._take_rewritten()
        self.activity.set_progress(None)
        self.state_changed.emit()
        _end(request, self._reports.pop(request, None))
        self.read_last()

    @Slot()
    def read_last(self) -> None:
        """Look which write is the last one now."""
        self._session.library.submit(lambda library: library.last_write(), self._on_last_read)

    @Slot()
    def _on_library_opened(self) -> None:
        def settle(library: Library) -> LabelWrite | None:
            recover(library)
            return library.last_write()

        self._session.library.submit(settle, self._on_last_read, self._session.library.report)

    def _on_last_read(self, last: LabelWrite | None) -> None:
        self.last = last
        self.state_changed.emit()


def _end(request: WriteRequest | None, report: WriteReport | None) -> None:
    if request is not None and request.ended is not None:
        request.ended(report)
