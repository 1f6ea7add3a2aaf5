"""Taking over tags that were made elsewhere: previewed first, then stored in batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.activity import Activity, MovingRate, Progress
from csra_gui.base.jobs import JobSlot, JobTold, Policy
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Topic
from engine.api.errors import EngineError
from engine.interchange.importing.tag_files import find_tag_files
from engine.interchange.importing.tag_values import TagProgress, TagReport, TagWish
from engine.interchange.importing.tags import import_tags, preview_tags
from engine.library.store import Library
from engine.library.values import LibraryModel
from engine.records.inventory import models_here
from engine.records.models import default_store
from engine.texts import display_text, photos_text, remaining_text

_STEPS = 1000


@dataclass(frozen=True, slots=True)
class TagRequest:
    """What the person chose: files or folders with results, and how they are taken over."""

    places: tuple[Path, ...]
    wish: TagWish


class TagImports(QObject):
    """Looks at results, and takes them over.

    Signals:
        state_changed: work began or ended.
        ended: the ``TagReport``.
    """

    state_changed = Signal()
    ended = Signal(object)

    def __init__(self, session: Session, notifier: Notifier, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._notifier = session, notifier
        self._slot = JobSlot(session.jobs, "import results", self, Policy.IGNORE)
        self._imported = 0
        self._was_tagging = self._is_tagging_due = self._has_ended = False
        session.tagger.freed.connect(self._on_tagger_freed)
        self.activity = Activity(self, cancel=self.cancel, name="Import of results")

    @property
    def is_busy(self) -> bool:
        """Whether tags are being taken over."""
        return self._slot.is_running

    @property
    def can_import(self) -> bool:
        """Whether there is a library, and time for it."""
        return not self.is_busy and self._session.library.library is not None

    def preview(
        self, slot: JobSlot, request: TagRequest, see: JobTold[Progress, TagReport]
    ) -> None:
        """Say what an import would do, in a slot of the caller's; nothing is changed."""
        own = self._model_in_use()

        def begin(library: Library) -> None:
            follow = self._follower("Looking at the results", see.progressed)
            work = _work(library, request, own, is_preview=True)
            slot.run(lambda: work, see.ended, see.failed, None, follow)

        # In the library's own queue first: behind what is still on its way to it.
        self._session.library.submit(lambda library: library, begin, see.failed)

    def start(self, request: TagRequest) -> None:
        """Take tags over; tagging waits meanwhile, so that nothing is tagged that comes."""
        self._session.library.submit(
            lambda library: library,
            lambda library: self._run(library, request),
            self._tell_failed,
        )

    @Slot()
    def cancel(self) -> None:
        """Stop after the batch that is being stored."""
        self._slot.cancel()

    def _model_in_use(self) -> tuple[LibraryModel, ...]:
        model = self._session.engine.model
        return () if model is None else (LibraryModel.of(model),)

    def _run(self, library: Library, request: TagRequest) -> None:
        if self.is_busy:
            return
        tagger = self._session.tagger
        self._was_tagging = tagger.is_running and not tagger.is_held_back
        if self._was_tagging:
            tagger.pause()
        self._imported, self._has_ended = 0, False
        text = "Importing results"
        own = self._model_in_use()
        self._slot.run(
            lambda: self._noted(_work(library, request, own, is_preview=False)),
            self._tell,
            self._tell_failed,
            self._finish,
            self._follower(text, self.activity.set_progress),
        )
        self.activity.set_progress(Progress(text))
        self.state_changed.emit()

    def _noted(
        self, work: Generator[TagProgress, None, TagReport]
    ) -> Generator[TagProgress, None, TagReport]:
        """The same; in the worker, how many are stored is noted also if nobody hears of it."""
        try:
            while True:
                try:
                    progress = next(work)
                except StopIteration as end:
                    report: TagReport = end.value
                    return report
                self._imported = progress.imported
                yield progress
        finally:
            work.close()

    @staticmethod
    def _follower(
        text: str, show: Callable[[Progress], object]
    ) -> Callable[[tuple[TagProgress, ...]], None]:
        rate = MovingRate()

        def follow(values: tuple[TagProgress, ...]) -> None:
            last = values[-1]
            per_s = rate.add(time.monotonic(), last.done)
            parts = [f"{last.rows:,} rows"]
            if per_s and last.done < last.total:
                parts.append(remaining_text((last.total - last.done) / per_s))
            done = _STEPS * last.done // max(last.total, 1)  # bytes are too many for a bar
            show(Progress(text, " · ".join(filter(None, parts)), done, _STEPS))

        return follow

    def _tell(self, report: TagReport) -> None:
        self._has_ended = True
        text = display_text(" ".join(filter(None, (report.text(), report.model_text()))))
        if report.problems:
            text = f"{text} {display_text(report.problems[0][1])}"
            self._notifier.warning(text, Topic.NOTE)
        else:
            self._notifier.info(text, Topic.NOTE)
        self.ended.emit(report)

    def _tell_failed(self, error: EngineError) -> None:
        self._has_ended = True
        text = display_text(str(error))
        if self._imported:
            text = f"{text} {photos_text(self._imported)} got their tags before."
        self._notifier.error(text, Topic.NOTE)

    @Slot()
    def _finish(self) -> None:
        if not self._has_ended:
            self._notifier.info(
                f"Import stopped: {photos_text(self._imported)} got their tags, the rest did not. "
                "The same import again goes on from there.",
                Topic.NOTE,
            )
        pipeline = self._session.pipeline
        if self._imported:
            pipeline.take_stored()
        tagger = self._session.tagger
        if self._was_tagging and tagger.is_running:  # it has not come to its pause yet
            self._is_tagging_due = True
        elif self._was_tagging and tagger.is_paused:
            pipeline.tag()
        self.activity.set_progress(None)
        self.state_changed.emit()

    @Slot()
    def _on_tagger_freed(self) -> None:
        if self._is_tagging_due:
            self._is_tagging_due = False
            self._session.pipeline.tag()


def _work(
    library: Library, request: TagRequest, own: tuple[LibraryModel, ...], *, is_preview: bool
) -> Generator[TagProgress, None, TagReport]:
    """All of it in the worker: also looking for files, and for the models that are here."""
    files = find_tag_files(request.places)
    models = (*own, *models_here(default_store()))
    run = preview_tags if is_preview else import_tags
    report = yield from run(library, files, request.wish, models)
    return report
