"""Tagging photos again, with a look at what would change before it counts."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.engine_client import EngineClient
from csra_gui.base.jobs import Job
from csra_gui.session.library_client import LibraryClient
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.retag_plan import Difference, Retagged, RetagMode, RetagPlan, difference
from csra_gui.session.tag_job import Outcome, kept_predictions
from csra_gui.session.tag_run import TagRun, TagSummary
from csra_gui.session.thresholds import LabelThresholds
from engine.api.engine import TaggingEngine
from engine.api.errors import EngineError
from engine.api.values import ModelInfo, Prediction
from engine.library.columns import IntArray
from engine.library.predictions import HalfArray
from engine.library.store import Library
from engine.library.values import LibraryModel

_CHUNK = 1000


class Retagger(QObject):
    """One run at a time; its results are held back until the person accepts or discards them.

    Signals:
        started: how many photos the run has.
        progressed: a ``TagProgress``.
        finished: a ``TagSummary``, or ``None`` for a run that was dropped.
        ready: the ``Difference`` to look at.
        files_changed: ``FileChanged`` of photos that have to be looked at anew.
        accepted: rows whose scores count now, and the name of the model to use from now on or
            ``None`` if it is the one in use.
    """

    started = Signal(int)
    progressed = Signal(object)
    finished = Signal(object)
    ready = Signal(object)
    files_changed = Signal(object)
    accepted = Signal(object, object)

    def __init__(
        self,
        engine: EngineClient,
        photos: PhotoTable,
        library: LibraryClient,
        thresholds: LabelThresholds,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._photos = photos
        self._library = library
        self._thresholds = thresholds
        self._run: TagRun | None = None
        self._plan = RetagPlan(RetagMode.UPDATE)
        self._model: ModelInfo | None = None
        self._scores: HalfArray | None = None
        self._errors: dict[int, str] = {}
        self._comparing: Job | None = None
        self.difference: Difference | None = None

    @property
    def is_running(self) -> bool:
        """Whether a run is going on, or what came out of it is being compared."""
        return self._run is not None or self._comparing is not None

    def start(self, plan: RetagPlan) -> None:
        """Ask the model about photos; ``ready`` follows, or ``finished`` says why not."""
        rows = self.rows(plan)
        if self.is_running or self._engine.model is None or not rows:
            return
        self.discard()
        self._plan, self._errors = plan, {}
        self._model = in_use = self._engine.model if plan.source is None else None
        files = self._photos.files()

        def tag(engine: TaggingEngine) -> Generator[Outcome, None, None]:
            # Read in the GUI thread after the job has ended.
            self._model = model = in_use or engine.open_model(plan.source)
            predictions = engine.predict(model.id, files.paths(rows))
            return kept_predictions(predictions, rows, files, lambda: None)

        job = self._engine.jobs.prepare(self._engine.ask(tag), "predict again")
        self._run = run = TagRun(job, len(rows), self)
        run.predictions_arrived.connect(self._on_run_predictions_arrived)
        run.files_changed.connect(self.files_changed)
        run.progress_changed.connect(self.progressed)
        run.finished.connect(self._on_run_finished)
        self.started.emit(len(rows))
        run.start()

    def rows(self, plan: RetagPlan) -> list[int]:
        """The photos that a plan asks the model about."""
        photos = self._photos
        rows = np.arange(len(photos))
        if plan.folders is not None:
            columns = photos.columns()
            wanted = [i for i, name in enumerate(columns.folders) if name in plan.folders]
            rows = rows[np.isin(columns.folder_of, wanted)]
        return [int(row) for row in rows]

    def cancel(self) -> None:
        """Stop within one batch; nothing has changed."""
        if self._run is not None:
            self._run.cancel()

    def drop(self) -> None:
        """Stop, and forget what waits to be accepted: rows mean other photos from now on."""
        run, self._run = self._run, None
        was_running = run is not None or self._comparing is not None
        self.discard()
        if run is not None:
            run.cancel()
            run.predictions_arrived.disconnect(self._on_run_predictions_arrived)
            run.files_changed.disconnect(self.files_changed)
            run.progress_changed.disconnect(self.progressed)
            run.finished.disconnect(self._on_run_finished)
        if was_running:
            self.finished.emit(None)

    def discard(self) -> None:
        """Let everything be as it was."""
        model, self._model = self._model, None
        self.difference, self._scores, self._errors = None, None, {}
        job, self._comparing = self._comparing, None
        if job is not None:
            job.cancel()
        if model is not None:
            self._engine.release(model.id)

    def accept(self, categories: Collection[str]) -> None:
        """Let the new labels of some categories count; those of others stay as they were."""
        outcome, model = self.difference, self._model
        if outcome is None or model is None:
            return
        scores = outcome.accepted_scores(categories)
        is_in_use = model == self._engine.model
        # An update keeps what the model in use has said of a photo that it cannot read now.
        keeps = is_in_use and self._plan.mode is RetagMode.UPDATE
        errors = {} if keeps else outcome.errors
        if is_in_use:
            self._photos.set_many_scores(outcome.rows, scores)
            self._photos.forget_results(tuple(errors))
            for row, message in errors.items():
                self._photos.set_error(row, message)
        self._write(model, outcome.rows, scores, errors)
        self.difference, self._scores, self._model = None, None, None

    def _write(
        self, model: ModelInfo, rows: IntArray, scores: HalfArray, errors: dict[int, str]
    ) -> None:
        source, files = self._plan.source, self._photos.files()
        known = LibraryModel(model.id, model.name, model.categories)
        changed = (*rows.tolist(), *errors)
        nothing = np.empty(0, dtype=np.float32)

        def work(library: Library) -> None:
            library.add_model(known)
            for first in range(0, len(changed), _CHUNK):
                batch = [
                    Prediction(files.path(row), model.id, nothing, error=errors[row])
                    if place >= len(rows)
                    else Prediction(files.path(row), model.id, scores[place].astype(np.float32))
                    for place, row in enumerate(changed[first : first + _CHUNK], first)
                ]
                library.record_predictions(model.id, batch)

        def failed(error: EngineError) -> None:
            self._library.report(error)
            self.accepted.emit(changed, source)

        self._library.submit(work, lambda _none: self.accepted.emit(changed, source), failed)

    @Slot(object)
    def _on_run_predictions_arrived(self, predictions: Iterable[Prediction]) -> None:
        for prediction in predictions:
            row = self._photos.row_of(prediction.path)
            if row is None:
                continue
            if prediction.error is not None:
                self._errors[row] = prediction.error
                continue
            if self._scores is None:
                shape = (len(self._photos), len(prediction.scores))
                self._scores = np.full(shape, np.nan, dtype=np.float16)
            self._scores[row] = prediction.scores

    @Slot(object)
    def _on_run_finished(self, summary: TagSummary) -> None:
        self._run = None
        summary = replace(summary, is_held_back=True)
        if summary.is_complete and self._scores is not None:
            self._compare(self._scores, summary)
        else:
            self.discard()
            self.finished.emit(summary)

    def _compare(self, scores: HalfArray, summary: TagSummary) -> None:
        """Work out what would change, in a worker: there may be 100,000 photos."""
        model, in_use, mode = self._model, self._engine.model, self._plan.mode
        assert model is not None and in_use is not None  # noqa: S101 - a run has ended
        thresholds, now = self._thresholds.of_model(model), self._thresholds.of_model(in_use)
        before, errors = self._photos.columns(), dict(self._errors)

        def work() -> Difference:
            rows = np.flatnonzero(~np.isnan(scores[:, 0]))
            after = Retagged(rows, scores[rows], errors, model.categories, thresholds)
            return difference(before, now, after, mode)

        self._comparing = job = self._engine.jobs.prepare(work, "compare labels")
        job.returned.connect(lambda outcome: self._on_compared(job, outcome, summary))
        job.start()

    def _on_compared(self, job: Job, outcome: Difference, summary: TagSummary) -> None:
        if job is self._comparing:
            self._comparing = None
            self.difference = outcome
            self.finished.emit(summary)
            self.ready.emit(outcome)
