"""Imports from the window: what files say is read first, then taken over as one edit."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.activity import Activity, MovingRate, Progress, counted
from csra_gui.base.jobs import JobSlot, JobTold, Policy
from csra_gui.session.library_client import who
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.api.errors import EngineError
from engine.interchange.importing.job import import_labels, read_keywords, read_lists
from engine.interchange.importing.mapping import KnownLabels, propose
from engine.interchange.importing.values import (
    FoundLabels,
    ImportProgress,
    ImportReport,
    ImportSource,
)
from engine.library.columns import IntArray
from engine.library.store import Library
from engine.texts import display_text


@dataclass(frozen=True, slots=True, eq=False)
class ReadRequest:
    """What the person chose.

    Attributes:
        rows: of the photos whose keywords are read.
        sources: which of their files.
        lists: files that list photos, or folders of data sets, to be read instead.
    """

    rows: IntArray
    sources: tuple[ImportSource, ...] = ()
    lists: tuple[Path, ...] = ()


@dataclass(frozen=True)
class ReadLabels:
    """What was read, and what its names probably mean."""

    found: FoundLabels
    known: KnownLabels
    proposed: dict[str, str]


class LabelImports(QObject):
    """Reads labels in files, and takes them over.

    Signals:
        state_changed: work began or ended.
        ended: the ``ImportReport``.
    """

    state_changed = Signal()
    ended = Signal(object)

    def __init__(self, session: Session, notifier: Notifier, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._notifier = session, notifier
        self._slot = JobSlot(session.jobs, "import labels", self, Policy.IGNORE)
        self.activity = Activity(self, cancel=self.cancel, name="Import")

    @property
    def is_busy(self) -> bool:
        """Whether labels are being taken over."""
        return self._slot.is_running

    @property
    def can_import(self) -> bool:
        """Whether there is a library, and time for it."""
        return not self.is_busy and self._session.library.library is not None

    def read(self, slot: JobSlot, request: ReadRequest, see: JobTold[Progress, ReadLabels]) -> None:
        """Read in a slot of the caller's; nothing is changed."""
        photos = self._session.photos
        paths = [photos.paths[row] for row in request.rows.tolist()]
        others = {
            path: [path.with_name(name) for name in names]
            for path, row in zip(paths, request.rows.tolist(), strict=True)
            if (names := photos.other_files(row))
        }

        def work(library: Library) -> Generator[ImportProgress, None, ReadLabels]:
            if request.lists:
                found = yield from read_lists(request.lists)
            else:
                found = yield from read_keywords(library, paths, request.sources, others)
            known = KnownLabels.of(library)
            return ReadLabels(found, known, propose([use.name for use in found.uses], known))

        rate = MovingRate()

        def follow(values: tuple[ImportProgress, ...]) -> None:
            last = values[-1]
            speed = rate.add(time.monotonic(), last.done)
            see.progressed(counted("Reading", last.done, last.total, speed))

        def begin(library: Library) -> None:
            slot.run(lambda: work(library), see.ended, see.failed, None, follow)

        # In the library's own queue first: behind decisions that are still on their way to it.
        self._session.library.submit(lambda library: library, begin, see.failed)

    def start(self, found: FoundLabels, mapping: dict[str, str], caption: str) -> None:
        """Take labels over as one edit."""
        names = dict(mapping)
        self._session.library.submit(
            lambda library: library,
            lambda library: self._run(library, found, names, caption),
            self._tell_failed,
        )

    @Slot()
    def cancel(self) -> None:
        """Stop; nothing was taken over then."""
        self._slot.cancel()

    def _run(
        self, library: Library, found: FoundLabels, mapping: dict[str, str], caption: str
    ) -> None:
        if self.is_busy:
            return
        text, rate = "Importing labels", MovingRate()

        def follow(values: tuple[ImportProgress, ...]) -> None:
            last = values[-1]
            speed = rate.add(time.monotonic(), last.done)
            self.activity.set_progress(counted(text, last.done, last.total, speed))

        self._slot.run(
            lambda: import_labels(library, found, mapping, who=who(), caption=caption),
            lambda report: self._tell(report, [photo.path for photo in found.photos], caption),
            self._tell_failed,
            self._finish,
            follow,
        )
        self.activity.set_progress(Progress(text))
        self.state_changed.emit()

    def _undo(self, caption: str) -> None:
        """Take the import back, and nothing that was done since."""
        decisions = self._session.decisions
        if decisions.undo_caption == caption:
            decisions.undo()
        else:
            self._notifier.info(
                "Other changes came after the import. Edit ▸ Undo takes them back first.",
                Topic.NOTE,
            )

    def _tell(self, report: ImportReport, paths: Sequence[Path], caption: str) -> None:
        if report.edit_id:
            photos = self._session.photos
            rows = (photos.row_of(path) for path in paths)
            self._session.decisions.show_edit_of_others([r for r in rows if r is not None])
        undo = Remedy("Undo", lambda: self._undo(caption)) if report.edit_id else None
        self._notifier.info(display_text(report.text()), Topic.NOTE, undo)
        self.ended.emit(report)

    def _tell_failed(self, error: EngineError) -> None:
        self._notifier.error(display_text(str(error)), Topic.NOTE)

    def _finish(self) -> None:
        self.activity.set_progress(None)
        self.state_changed.emit()
