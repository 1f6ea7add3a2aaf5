"""Tagging photos: one run at a time, whose results go into a sink."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.engine_client import EngineClient
from csra_gui.base.jobs import JobSlot
from csra_gui.base.paths import photo_feature_folder
from csra_gui.session.library_client import LibraryClient
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.tag_job import FileChanged, NotStored, Outcome, Waiting, kept_predictions
from csra_gui.session.tag_run import Sink, TagRun, TagSummary
from engine.api.config import DescriptorWish, PredictConfig, ThumbnailWish
from engine.api.engine import TaggingEngine
from engine.api.errors import EngineError
from engine.api.values import ModelInfo, Prediction
from engine.library.store import Library

#: A file that changes more often than this while it is tagged is left alone.
_MAX_CHANGES = 3
_KEEPS_CHANGING = "The file keeps changing; tag it again when it is finished."


class Tagger(QObject):
    """Starts, pauses and ends runs.

    Attributes:
        rates: photos per second of the latest long run of each model, by its file.
        thumbnails: says which thumbnails are to be made of the photos that are decoded anyway.
        measures: says whether these are measured, too.

    Signals:
        started: how many photos the run has.
        progressed: a ``TagProgress``.
        rows_changed: a tuple of rows that have other scores or errors.
        finished: a ``TagSummary``, or ``None`` for a run that was dropped.
        freed: the ``TagSummary`` again, when all have heard of it: another run may start.
        note_taken: what happened meanwhile that the person should know.
    """

    started = Signal(int)
    progressed = Signal(object)
    rows_changed = Signal(object)
    finished = Signal(object)
    freed = Signal(object)
    note_taken = Signal(str)

    def __init__(
        self, engine: EngineClient, photos: PhotoTable, library: LibraryClient, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._photos = photos
        self._library = library
        self.rates: dict[Path, float] = {}
        self.thumbnails: Callable[[], ThumbnailWish | None] = lambda: None
        self.measures: Callable[[], bool] = lambda: False
        self._slot = JobSlot(engine.jobs, "predict", self)
        self._run: TagRun | None = None
        self._paused: TagSummary | None = None
        self._changes: Counter[int] = Counter()

    @property
    def is_running(self) -> bool:
        """Whether a run is going on, or what came out of it is being made ready."""
        return self._run is not None

    @property
    def is_held_back(self) -> bool:
        """Whether that run only prepares what the person will be asked to accept."""
        return self._run is not None and self._run.sink.is_held_back

    @property
    def is_paused(self) -> bool:
        """Whether a run waits to be gone on with."""
        return self._paused is not None

    @property
    def paused_at(self) -> tuple[int, int]:
        """How many photos of a paused run are done, and how many it has; 0 without one."""
        paused = self._paused
        return (0, 0) if paused is None else (paused.tagged + paused.unreadable, paused.total)

    def tag(self, among: Sequence[int] | None = None) -> None:
        """Tag the photos that have no labels yet, or go on with a run that was paused.

        Args:
            among: only these rows, also if the model could not be run on them before.
        """
        if self._run is not None or self._engine.model is None:
            return
        if among is not None:
            self._photos.forget_errors(among)
        rows = self._photos.untagged_rows()
        if among is not None:
            rows = sorted(set(rows) & set(among))
        before, self._paused = self._paused, None
        if rows:
            sink = _IntoTable(self._photos, self._library, self.rows_changed.emit)
            self._start(TagRun(sink, len(rows), before), rows)

    def ask(self, rows: Sequence[int], sink: Sink, source: str | None = None) -> None:
        """Ask a model about photos, whatever is known of them.

        Args:
            rows: the photos.
            sink: takes what it says.
            source: the model's name or file; ``None`` is the one in use.
        """
        if self._run is None and self._engine.model is not None:
            self._start(TagRun(sink, len(rows)), rows, source)

    def look_again(self, rows: Sequence[int]) -> None:
        """Have the model look at photos, tagged or not, so that they can be compared."""
        if self._run is None and self._paused is None and self._engine.model is not None and rows:
            sink = _IntoTable(self._photos, self._library, self.rows_changed.emit)
            self._start(TagRun(sink, len(rows)), rows, descriptors="all")

    def _start(
        self,
        run: TagRun,
        rows: Sequence[int],
        source: str | None = None,
        descriptors: DescriptorWish = "along",
    ) -> None:
        files = self._photos.files()
        in_use = self._engine.model if source is None else None
        keeping = PredictConfig(
            features=photo_feature_folder(),
            thumbnails=self.thumbnails(),
            descriptors=descriptors,
            facts=self.measures(),
        )

        def work(engine: TaggingEngine) -> Generator[Outcome, None, None]:
            run.model = model = in_use or engine.open_model(source)
            predictions = engine.predict(model.id, files.paths(rows), keeping)
            return kept_predictions(predictions, rows, files, run.sink.library)

        self._run = run
        self.started.emit(run.total)
        self.progressed.emit(run.progress())
        self._slot.run(
            self._engine.ask(work),
            on_values=self._take,
            on_failure=self._take_error,
            on_end=self._finish,
        )

    def cancel(self) -> None:
        """Stop within one batch; what is tagged stays."""
        paused, self._paused = self._paused, None
        if paused is not None:
            self._tell(replace(paused, paused=False, cancelled=True))
        self._slot.cancel()

    def pause(self) -> None:
        """Stop within one batch, to go on later."""
        if self._run is not None and not self._run.sink.is_held_back:
            self._run.is_paused = True
            self._slot.cancel()

    @Slot()
    def drop(self) -> None:
        """End a run whose results nobody waits for; those that have arrived are kept."""
        self._paused = None
        self._changes.clear()
        self._slot.cancel()
        self._slot.drop()
        run, self._run = self._run, None
        self._library.tell_waiting(self, None)
        if run is not None:
            run.sink.discard()
            if run.model is not None:
                self._engine.release(run.model.id)
            self.finished.emit(None)

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

    def _take(self, outcomes: tuple[Outcome, ...]) -> None:
        run = self._run
        if run is None:
            return
        run.count(outcomes)
        changed = [x for x in outcomes if isinstance(x, FileChanged)]
        if changed:
            self.take_changes(changed)
        for outcome in outcomes:
            if isinstance(outcome, NotStored):
                self._library.report(outcome.error)
            if isinstance(outcome, Waiting):
                run.is_waiting = outcome.error is not None
                self._library.tell_waiting(self, outcome.error)
        predictions = [x for x in outcomes if isinstance(x, Prediction)]
        for note in filter(None, (prediction.note for prediction in predictions)):
            self.note_taken.emit(note)
        run.sink.take(predictions)
        progress = run.progress()
        if progress.rate_per_s and run.model is not None and run.model.path is not None:
            self.rates[run.model.path] = progress.rate_per_s
        self.progressed.emit(progress)

    def _take_error(self, error: EngineError) -> None:
        if self._run is not None:
            self._run.error = error

    def _finish(self) -> None:
        run = self._run
        if run is None:
            return
        self._library.tell_waiting(self, None)
        summary = run.summary(is_cancelled=self._slot.is_cancelled)

        def done() -> None:
            self._run = None
            if summary.paused:
                self._paused = summary
            self._tell(summary)

        run.sink.finish(summary, run.model, done)

    def _tell(self, summary: TagSummary) -> None:
        self.finished.emit(summary)
        self.freed.emit(summary)


class _IntoTable:
    """What a model says counts at once: it is shown, and written to the library.

    Args:
        photos: where it is shown.
        library: where it is written to.
        changed: is told of rows.
    """

    is_held_back = False

    def __init__(
        self,
        photos: PhotoTable,
        library: LibraryClient,
        changed: Callable[[tuple[int, ...]], object],
    ) -> None:
        self._photos = photos
        self._library = library
        self._changed = changed

    def library(self) -> Library | None:
        return self._library.library

    def take(self, predictions: Sequence[Prediction]) -> None:
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
            if prediction.facts is not None:
                self._photos.set_facts({row: prediction.facts})
        if rows:
            self._changed(tuple(rows))

    def finish(
        self, _summary: TagSummary, _model: ModelInfo | None, done: Callable[[], None]
    ) -> None:
        done()

    def discard(self) -> None:
        pass
