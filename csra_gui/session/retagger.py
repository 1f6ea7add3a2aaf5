"""Tagging photos again, with a look at what would change before it counts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.engine_client import EngineClient
from csra_gui.base.jobs import JobSlot
from csra_gui.session.library_client import LibraryClient
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.retag_plan import Difference, Retagged, RetagMode, RetagPlan, difference
from csra_gui.session.tag_run import TagSummary
from csra_gui.session.tagger import Tagger
from csra_gui.session.thresholds import LabelThresholds
from engine.api.errors import EngineError
from engine.api.facts import Fact
from engine.api.values import ModelInfo, Prediction
from engine.library.columns import IntArray
from engine.library.predictions import HalfArray
from engine.library.store import Library
from engine.library.values import LibraryModel

_CHUNK = 1000


class Retagger(QObject):
    """Takes what a model says of photos again, until the person accepts or discards it.

    Signals:
        ready: the ``Difference`` to look at.
        accepted: rows whose scores count now, and the name of the model to use from now on or
            ``None`` if it is the one in use.
        settled: ``difference`` is no more: it was accepted or discarded.
    """

    ready = Signal(object)
    accepted = Signal(object, object)
    settled = Signal()

    is_held_back = True

    def __init__(
        self,
        tagger: Tagger,
        engine: EngineClient,
        photos: PhotoTable,
        library: LibraryClient,
        thresholds: LabelThresholds,
    ) -> None:
        super().__init__(tagger)
        self._tagger = tagger
        self._engine = engine
        self._photos = photos
        self._library = library
        self._thresholds = thresholds
        self._comparing = JobSlot(engine.jobs, "compare labels", self)
        self._plan = RetagPlan(RetagMode.UPDATE)
        self._model: ModelInfo | None = None
        self._scores: HalfArray | None = None
        self._errors: dict[int, str] = {}
        self._facts: dict[int, Fact] = {}
        self.difference: Difference | None = None

    def start(self, plan: RetagPlan) -> None:
        """Ask the model about photos; ``ready`` follows if nothing goes wrong."""
        rows = self.rows(plan)
        if self._tagger.is_running or self._engine.model is None or not rows:
            return
        self.discard()
        self._plan = plan
        self._tagger.ask(rows, self, plan.source)

    def rows(self, plan: RetagPlan) -> list[int]:
        """The photos that a plan asks the model about."""
        photos = self._photos
        asked = ~photos.gone
        if plan.folders is not None:
            columns = photos.columns()
            wanted = [i for i, name in enumerate(columns.folders) if name in plan.folders]
            asked &= np.isin(columns.folder_of, wanted)
        return [int(row) for row in np.flatnonzero(asked)]

    @Slot()
    def discard(self) -> None:
        """Let everything be as it was."""
        model = self._model
        self._comparing.drop()
        self._forget()
        if model is not None:
            self._engine.release(model.id)

    def _forget(self) -> None:
        was_ready = self.difference is not None
        self.difference, self._model, self._scores = None, None, None
        self._errors, self._facts = {}, {}
        if was_ready:
            self.settled.emit()

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
        self._photos.set_facts(self._facts)
        self._write(model, outcome.rows, scores, errors)
        self._forget()

    def _write(
        self, model: ModelInfo, rows: IntArray, scores: HalfArray, errors: dict[int, str]
    ) -> None:
        source, files = self._plan.source, self._photos.files()
        known = LibraryModel.of(model)
        changed = (*rows.tolist(), *errors)
        nothing, facts = np.empty(0, dtype=np.float32), self._facts

        def work(library: Library) -> None:
            library.add_model(known)
            for first in range(0, len(changed), _CHUNK):
                batch = [
                    Prediction(files.path(row), model.id, nothing, error=errors[row])
                    if place >= len(rows)
                    else Prediction(
                        *(files.path(row), model.id, scores[place].astype(np.float32)),
                        facts=facts.get(row),
                    )
                    for place, row in enumerate(changed[first : first + _CHUNK], first)
                ]
                library.record_predictions(model.id, batch)

        def failed(error: EngineError) -> None:
            self._library.report(error)
            self.accepted.emit(changed, source)

        self._library.submit(work, lambda _none: self.accepted.emit(changed, source), failed)

    # As a sink of the tagger.

    def library(self) -> Library | None:
        """None: nothing is written before it is accepted."""
        return None

    def take(self, predictions: Sequence[Prediction]) -> None:
        """Put it beside what counts now."""
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
            if prediction.facts is not None:
                self._facts[row] = prediction.facts

    def finish(
        self, summary: TagSummary, model: ModelInfo | None, done: Callable[[], None]
    ) -> None:
        """Compare, if the model has been through all photos."""
        self._model = model
        if summary.is_complete and self._scores is not None:
            self._compare(self._scores, done)
        else:
            self.discard()
            done()

    def _compare(self, scores: HalfArray, done: Callable[[], None]) -> None:
        """Work out what would change, in a worker: there may be 100,000 photos."""
        model, in_use, mode = self._model, self._engine.model, self._plan.mode
        assert model is not None and in_use is not None  # noqa: S101 - a run has ended
        thresholds, now = self._thresholds.of_model(model), self._thresholds.of_model(in_use)
        before, errors = self._photos.columns(), dict(self._errors)
        labels = before.label_names.labels(model.categories)

        def work() -> Difference:
            rows = np.flatnonzero(~np.isnan(scores[:, 0]))
            after = Retagged(rows, scores[rows], errors, labels, thresholds)
            return difference(before, now, after, mode)

        def take(outcome: Difference) -> None:
            self.difference = outcome
            done()
            self.ready.emit(outcome)

        self._comparing.run(work, take)
