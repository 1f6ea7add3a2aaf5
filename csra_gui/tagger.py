"""Tagging the open photos: one run at a time, its results into the table."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.engine_client import EngineClient
from csra_gui.photo_table import PhotoTable
from csra_gui.tagging import TagRun, TagSummary
from engine.values import Prediction


class Tagger(QObject):
    """Starts and ends runs.

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

    def __init__(self, engine: EngineClient, photos: PhotoTable, parent: QObject) -> None:
        super().__init__(parent)
        self._engine = engine
        self._photos = photos
        self._run: TagRun | None = None

    @property
    def is_running(self) -> bool:
        """Whether a run is going on."""
        return self._run is not None

    def start(self) -> None:
        """Tag the photos that have no labels yet; if there are none, tag them all again."""
        photos = self._photos
        if self._run is not None or self._engine.model is None or not len(photos):
            return
        rows = photos.untagged_rows()
        if not rows:
            photos.forget_results()
            self.rows_changed.emit(())
            rows = list(range(len(photos)))
        paths = [photos.paths[row] for row in rows]
        self._run = run = TagRun(self._engine.predict(paths), len(paths), self)
        run.predictions_arrived.connect(self._on_run_predictions_arrived)
        run.progress_changed.connect(self.progressed)
        run.finished.connect(self._on_run_finished)
        self.started.emit(len(paths))
        run.start()

    def cancel(self) -> None:
        """Stop within one batch; what is tagged stays."""
        if self._run is not None:
            self._run.cancel()

    @Slot()
    def drop(self) -> None:
        """End a run whose results nobody waits for; those that have arrived are kept."""
        if self._run is not None:
            run, self._run = self._run, None
            run.cancel()
            run.predictions_arrived.disconnect(self._on_run_predictions_arrived)
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
        self.rows_changed.emit(tuple(rows))

    @Slot(object)
    def _on_run_finished(self, summary: TagSummary) -> None:
        self._run = None
        self.finished.emit(summary)
