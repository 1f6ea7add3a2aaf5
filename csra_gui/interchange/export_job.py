"""Exports from the window: one at a time, in a worker, told at the end."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.activity import Activity, MovingRate, Progress, counted
from csra_gui.base.desktop import open_folder, show_files
from csra_gui.base.jobs import JobSlot, Policy, Work
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.api.errors import EngineError
from engine.api.label_measures import suggestions
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.job import export, recover
from engine.interchange.exporting.values import (
    ExportOptions,
    ExportProgress,
    ExportReport,
    WhichLabels,
)
from engine.library.columns import IntArray
from engine.library.store import Library
from engine.library.values import LibraryModel
from engine.texts import display_name, display_text


@dataclass(frozen=True, slots=True, eq=False)
class ExportRequest:
    """What the person chose.

    Attributes:
        rows: of the photos, in the order wanted.
        which: whose labels.
        format_name: of ``FORMATS``.
        options: of the format.
    """

    rows: IntArray
    which: WhichLabels
    format_name: str
    options: ExportOptions


class LabelExports(QObject):
    """Writes what the library knows of photos.

    Signals:
        state_changed: work began or ended.
        written: the ``ExportReport``.
    """

    state_changed = Signal()
    written = Signal(object)

    def __init__(self, session: Session, notifier: Notifier, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._notifier = notifier
        self._writing = JobSlot(session.jobs, "export labels", self, Policy.IGNORE)
        self.activity = Activity(self, cancel=self.cancel, name="Export")
        session.library.opened.connect(self._on_library_opened)

    @property
    def is_busy(self) -> bool:
        """Whether something is being written."""
        return self._writing.is_running

    @property
    def can_export(self) -> bool:
        """Whether there are photos and a library, and time for it."""
        has_photos = len(self._session.photos) > 0
        return has_photos and not self.is_busy and self._session.library.library is not None

    def start(self, request: ExportRequest, target: Path) -> None:
        """Write, once all that was said until now is in the library."""
        ids = self._session.photos.image_ids[request.rows]
        model = self._session.models.model
        thresholds = None if model is None else self._session.thresholds.of_model(model).copy()

        def work(library: Library) -> Generator[ExportProgress, None, ExportReport]:
            known = {other.fingerprint for other in library.models()}
            used = None if model is None or model.id not in known else LibraryModel.of(model)
            choice = ExportChoice(
                np.asarray(ids[ids > 0], dtype=np.int64),
                request.which,
                used,
                None if used is None else thresholds,
                suggestions=() if used is None or model is None else suggestions(model.measures),
            )
            options = request.options
            return (yield from export(library, choice, request.format_name, target, options))

        missing = int(np.count_nonzero(ids == 0))
        # In the library's own queue first: behind decisions that are still on their way to it.
        self._session.library.submit(
            lambda library: library,
            lambda library: self._run(lambda: work(library), target, missing),
            self._tell_failed,
        )

    @Slot()
    def cancel(self) -> None:
        """Stop; nothing is left of what was begun."""
        self._writing.cancel()

    @Slot()
    def _on_library_opened(self) -> None:
        self._session.library.submit(recover, lambda _: None, self._session.library.report)

    def _run(self, work: Work, target: Path, missing: int) -> None:
        if self.is_busy:
            return
        text, rate = f"Exporting to {display_name(target)}", MovingRate()

        def follow(values: tuple[ExportProgress, ...]) -> None:
            last = values[-1]
            speed = rate.add(time.monotonic(), last.done)
            self.activity.set_progress(counted(text, last.done, last.total, speed))

        self._writing.run(
            work,
            lambda report: self._tell_written(report, missing),
            self._tell_failed,
            self._finish,
            follow,
        )
        self.activity.set_progress(Progress(text))
        self.state_changed.emit()

    def _tell_written(self, report: ExportReport, missing: int) -> None:
        text = display_text(report.text())
        if missing:
            text += f" {missing:,} photos are not in the library yet and were left out."
        show = Remedy("Show in file manager", lambda: self._show(report.target))
        self._notifier.info(text, Topic.NOTE, show)
        self.written.emit(report)

    def _show(self, target: Path) -> None:
        self._session.jobs.run(
            lambda: show_files([target]),
            "show in file manager",
            lambda shown: None if shown else open_folder(target.parent),
        )

    def _tell_failed(self, error: EngineError) -> None:
        self._notifier.error(display_text(str(error)), Topic.NOTE)

    def _finish(self) -> None:
        self.activity.set_progress(None)
        self.state_changed.emit()
