"""Tagging the open photos: one run at a time, its results into the table and the library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.engine_client import EngineClient
from csra_gui.session.library_client import LibraryClient
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.tag_job import FileChanged, Outcome, kept_predictions
from csra_gui.session.tag_run import TagRun, TagSummary
from engine.api.engine import TaggingEngine
from engine.api.values import Prediction

#: A file that changes more often than this while it is tagged is left alone.
_MAX_CHANGES = 3
_KEEPS_CHANGING = "The file keeps changing; tag it again when it is finished."


class Tagger(QObject):
    """Starts, pauses and ends runs.

    Signals:
        started: how many photos the run has.
        progressed: a ``TagProgress``.
        rows_changed: a tuple of rows; an empty one means any of them.
        finished: a ``TagSummary``, or ``None`` for a run that was dropped.
    """

    started = Signal(int)
    progressed = Signal(object)
    rows_changed = Signal(object)
    finished = Signal(object)

    def __init__(
        self, engine: EngineClient, photos: PhotoTable, library: LibraryClient, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._photos = photos
        self._library = library
        self._run: TagRun | None = None
        self._paused: TagSummary | None = None
        self._changes: Counter[int] = Counter()

    @property
    def is_running(self) -> bool:
        """Whether a run is going on."""
        return self._run is not None

    @property
    def is_paused(self) -> bool:
        """Whether a run waits to be gone on with."""
        return self._paused is not None

    @property
    def paused_at(self) -> tuple[int, int]:
        """How many photos of a paused run are done, and how many it has; 0 without one."""
        paused = self._paused
        return (0, 0) if paused is None else (paused.tagged + paused.unreadable, paused.total)

    def start(self, among: Sequence[int] | None = None) -> None:
        """Tag the photos that have no labels yet, or go on with a run that was paused.

        Args:
            among: only these rows, also if the model could not be run on them before.
        """
        photos, model = self._photos, self._engine.model
        if self._run is not None or model is None:
            return
        if among is not None:
            photos.forget_errors(among)
        rows = photos.untagged_rows()
        if among is not None:
            rows = sorted(set(rows) & set(among))
        before, self._paused = self._paused, None
        if not rows:
            return
        done = 0 if before is None else before.tagged + before.unreadable
        files = photos.files()

        def tag(engine: TaggingEngine) -> Generator[Outcome, None, None]:
            predictions = engine.predict(model.id, files.paths(rows))
            return kept_predictions(predictions, rows, files, lambda: self._library.library)

        job = self._engine.jobs.prepare(self._engine.ask(tag), "predict")
        self._run = run = TagRun(job, done + len(rows), self, before)
        run.predictions_arrived.connect(self._on_run_predictions_arrived)
        run.files_changed.connect(self.take_changes)
        run.storing_failed.connect(self._library.report)
        run.progress_changed.connect(self.progressed)
        run.finished.connect(self._on_run_finished)
        self.started.emit(done + len(rows))
        run.start()

    def cancel(self) -> None:
        """Stop within one batch; what is tagged stays."""
        paused, self._paused = self._paused, None
        if self._run is not None:
            self._run.cancel()
        elif paused is not None:
            self.finished.emit(replace(paused, paused=False, cancelled=True))

    def pause(self) -> None:
        """Stop within one batch, to go on later."""
        if self._run is not None:
            self._run.pause()

    @Slot()
    def drop(self) -> None:
        """End a run whose results nobody waits for; those that have arrived are kept."""
        self._paused = None
        self._changes.clear()
        if self._run is not None:
            run, self._run = self._run, None
            run.cancel()
            run.predictions_arrived.disconnect(self._on_run_predictions_arrived)
            run.files_changed.disconnect(self.take_changes)
            run.storing_failed.disconnect(self._library.report)
            run.progress_changed.disconnect(self.progressed)
            run.finished.disconnect(self._on_run_finished)
            self.finished.emit(None)

    @Slot(object)
    def _on_run_predictions_arrived(self, predictions: tuple[Prediction, ...]) -> None:
        rows: list[int] = []
        for prediction in predictions:
            row = self._photos.row_of(prediction.path)
            if row is None:
                continue
            rows.append(row)
            if prediction.error is not None:
                self._photos.set_error(row, prediction.error)
            else:
                self._photos.set_scores(row, prediction.scores)
        if rows:
            self.rows_changed.emit(tuple(rows))

    @Slot(object)
    def take_changes(self, changes: Sequence[FileChanged]) -> None:
        """The library forgets what models said of the file before, and so does the table."""
        photos, files = self._photos, [change.file for change in changes]
        rows = [change.row for change in changes]
        self._library.submit(lambda library: library.add_images(files), None, self._library.report)
        photos.forget_results(rows)
        for change in changes:
            photos.set_file(change.row, change.file)
            self._changes[change.row] += 1
            if self._changes[change.row] > _MAX_CHANGES:
                photos.set_error(change.row, _KEEPS_CHANGING)
        self.rows_changed.emit(tuple(rows))

    @Slot(object)
    def _on_run_finished(self, summary: TagSummary) -> None:
        self._run = None
        if summary.paused:
            self._paused = summary
        self.finished.emit(summary)
