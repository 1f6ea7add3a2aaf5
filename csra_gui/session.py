"""What is open now: the one view model behind the window."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.engine_client import EngineClient, EngineFactory
from csra_gui.photo_table import PhotoTable, ScoredLabel
from csra_gui.settings import INCLUDE_SUBFOLDERS, TAG_ON_OPENING, THRESHOLD, Settings
from csra_gui.tagging import TagRun, TagSummary
from csra_gui.workers.job import Job, JobRunner
from csra_gui.workers.scan_job import scan_work
from engine.data.scan import ScanBatch, ScanProblem
from engine.errors import EngineError
from engine.values import ModelInfo, PositionScores, Prediction

_log = logging.getLogger(__name__)

#: Photos whose position scores are kept, so that their maps are there at once.
KEPT_POSITION_SCORES = 200


class ModelState(Enum):
    """Whether there is a model to ask."""

    LOADING = auto()
    READY = auto()
    FAILED = auto()


class Session(QObject):
    """The photos, what the model said of them, and what the person is looking at.

    Signals (facts, all in the GUI thread):
        photos_reset: another folder is being opened; there are no photos now.
        photos_added: half-open range of new rows.
        scan_started, scan_finished: of one folder or drop; the second carries what was skipped.
        predictions_changed: a tuple of rows; an empty one means any of them.
        tagging_started, tagging_progressed, tagging_finished: of one run.
        model_changed: the state of the model.
        current_changed: the row being looked at, or ``None``.
        category_changed: the category whose map is shown, or ``None``.
        pinned_changed: the category whose map stays, or ``None``.
        evidence_changed: the position scores of the current photo have come, or will not.
        threshold_changed: the new threshold.
    """

    photos_reset = Signal()
    photos_added = Signal(int, int)
    scan_started = Signal()
    scan_finished = Signal(object)
    predictions_changed = Signal(object)
    tagging_started = Signal(int)
    tagging_progressed = Signal(object)
    tagging_finished = Signal(object)
    model_changed = Signal(object)
    current_changed = Signal(object)
    category_changed = Signal(object)
    pinned_changed = Signal(object)
    evidence_changed = Signal()
    threshold_changed = Signal(float)

    def __init__(
        self, engine_factory: EngineFactory, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._jobs = JobRunner(self)
        self.engine = EngineClient(engine_factory, self._jobs, self)
        self.photos = PhotoTable()
        self.model: ModelInfo | None = None
        self.model_state = ModelState.LOADING
        self.model_error = ""
        self.current: int | None = None
        self.evidence_error = ""
        self.roots: list[Path] = []
        self._threshold = float(settings.value(THRESHOLD))
        self._hovered: int | None = None
        self._pinned: int | None = None
        self._position_scores: OrderedDict[Path, PositionScores] = OrderedDict()
        self._scan: Job | None = None
        self.skipped: list[ScanProblem] = []
        self._run: TagRun | None = None
        self._tag_after_scan = False
        self.engine.opening_started.connect(self._on_engine_opening_started)
        self.engine.model_opened.connect(self._on_engine_model_opened)
        self.engine.model_failed.connect(self._on_engine_model_failed)
        self.engine.scores_explained.connect(self._on_engine_scores_explained)
        self.engine.explain_failed.connect(self._on_engine_explain_failed)
        settings.setting_changed.connect(self._on_settings_changed)

    # Opening.

    def open(self, roots: Sequence[Path]) -> None:
        """Close what is open and look for photos in these files and folders."""
        self._stop_work()
        self.set_current(None)
        self.set_pinned(None)
        self.roots = []
        self.photos.clear()
        self._position_scores.clear()
        self.skipped.clear()
        self.photos_reset.emit()
        self.add(roots)

    def add(self, roots: Sequence[Path]) -> None:
        """Look for photos in these files and folders too."""
        self.roots += [root for root in roots if root not in self.roots]
        if self._scan is not None:  # two scans at once would mix their rows: look through all again
            self._scan.cancel()
            roots = self.roots
        recursive = bool(self._settings.value(INCLUDE_SUBFOLDERS))
        self._scan = job = self._jobs.prepare(scan_work(roots, recursive=recursive), "scan")
        self._tag_after_scan = bool(self._settings.value(TAG_ON_OPENING))
        job.yielded.connect(self._on_scan_yielded)
        job.failed.connect(self._on_scan_failed)
        job.finished.connect(lambda: self._on_scan_finished(job))
        self.scan_started.emit()
        job.start()

    def rescan(self) -> None:
        """Open the same files and folders again."""
        if self.roots:
            self.open(tuple(self.roots))

    @property
    def is_scanning(self) -> bool:
        """Whether photos are being looked for."""
        return self._scan is not None

    # The model and tagging.

    def load_model(self) -> None:
        """Make the engine and load its model; may be called again after a failure."""
        self.engine.open()

    @property
    def is_tagging(self) -> bool:
        """Whether a run is going on."""
        return self._run is not None

    def tag(self) -> None:
        """Tag the photos that have no labels yet; if there are none, tag them all again."""
        if self._run is not None or self.model is None or not len(self.photos):
            return
        rows = self.photos.untagged_rows()
        if not rows:
            self.photos.forget_results()
            self.predictions_changed.emit(())
            rows = list(range(len(self.photos)))
        paths = [self.photos.paths[row] for row in rows]
        self._run = run = TagRun(self.engine.predict(paths), len(paths), self)
        run.predictions_arrived.connect(self._on_run_predictions_arrived)
        run.progress_changed.connect(self.tagging_progressed)
        run.finished.connect(self._on_run_finished)
        self.tagging_started.emit(len(paths))
        run.start()

    def cancel_tagging(self) -> None:
        """Stop tagging within one batch; what is tagged stays."""
        if self._run is not None:
            self._run.cancel()

    def cancel_work(self) -> None:
        """Stop what is going on: looking for photos, or tagging them."""
        if self._scan is not None:
            self._tag_after_scan = False
            self._scan.cancel()
        self.cancel_tagging()

    # What the person looks at.

    @property
    def threshold(self) -> float:
        """From which score on a label is shown."""
        return self._threshold

    def set_threshold(self, threshold: float) -> None:
        """Label everything anew; the model is not asked again."""
        if threshold != self._threshold:
            self._threshold = threshold
            self._settings.set_value(THRESHOLD, threshold)
            self.threshold_changed.emit(threshold)

    def labels(self, row: int) -> list[ScoredLabel]:
        """The labels of a photo at the threshold, best first."""
        return self.photos.labels(row, self._threshold)

    def set_current(self, row: int | None) -> None:
        """Look at another photo, or at none."""
        if row == self.current:
            return
        self.current = row
        self.evidence_error = ""
        self._request_evidence()
        self.current_changed.emit(row)

    @property
    def current_path(self) -> Path | None:
        """The photo being looked at."""
        return None if self.current is None else self.photos.paths[self.current]

    @property
    def current_evidence(self) -> PositionScores | None:
        """The position scores of the current photo, if they are there."""
        path = self.current_path
        return None if path is None else self._position_scores.get(path)

    @property
    def shown_category(self) -> int | None:
        """The category whose map is over the photo: the one pointed at, else the pinned one."""
        return self._pinned if self._hovered is None else self._hovered

    @property
    def pinned_category(self) -> int | None:
        """The category whose map stays."""
        return self._pinned

    def set_hovered(self, category: int | None) -> None:
        """Show the map of the category pointed at; ``None`` when the pointer leaves."""
        before = self.shown_category
        self._hovered = category
        self._tell_category(before)

    def set_pinned(self, category: int | None) -> None:
        """Keep the map of a category, also on other photos; ``None`` lets it go."""
        before, changed = self.shown_category, category != self._pinned
        self._pinned = category
        if changed:
            self.pinned_changed.emit(category)
        self._tell_category(before)

    def shut_down(self, timeout_s: float = 4.0) -> bool:
        """End every job and the engine; ``False`` if something would not end in time."""
        self._stop_work()
        self.engine.explain(None)
        closed = self.engine.close(timeout_s / 2)
        return self._jobs.shut_down(timeout_s / 2) and closed

    # Slots.

    @Slot()
    def _on_engine_opening_started(self) -> None:
        self._set_model_state(ModelState.LOADING)

    @Slot(object)
    def _on_engine_model_opened(self, info: ModelInfo) -> None:
        self.model = info
        self.photos.set_categories(info.categories)
        self._position_scores.clear()
        self._set_model_state(ModelState.READY)
        self.predictions_changed.emit(())
        self._request_evidence()
        self._tag_when_ready()

    @Slot(object)
    def _on_engine_model_failed(self, error: EngineError) -> None:
        self.model_error = str(error)
        self._set_model_state(ModelState.FAILED)

    @Slot(object)
    def _on_engine_scores_explained(self, scores: PositionScores) -> None:
        if self.photos.row_of(scores.path) is None:
            return
        self._position_scores[scores.path] = scores
        while len(self._position_scores) > KEPT_POSITION_SCORES:
            self._position_scores.popitem(last=False)
        if scores.path == self.current_path:
            self.evidence_changed.emit()

    @Slot(object, object)
    def _on_engine_explain_failed(self, path: Path, error: EngineError) -> None:
        if path == self.current_path:
            self.evidence_error = str(error)
            self.evidence_changed.emit()

    @Slot(object)
    def _on_scan_yielded(self, batches: tuple[ScanBatch, ...]) -> None:
        paths: list[Path] = []
        for batch in batches:
            paths += batch.paths
            self.skipped += batch.skipped
        first, end = self.photos.add(paths)
        if end > first:
            self.photos_added.emit(first, end)

    @Slot(object)
    def _on_scan_failed(self, error: EngineError) -> None:
        self.skipped.append(ScanProblem(self.roots[0], str(error)))

    def _on_scan_finished(self, job: Job) -> None:
        if job is not self._scan:
            return
        self._scan = None
        self.scan_finished.emit(tuple(self.skipped))
        self._tag_when_ready()

    @Slot(object)
    def _on_run_predictions_arrived(self, predictions: tuple[Prediction, ...]) -> None:
        rows: list[int] = []
        for prediction in predictions:
            row = self.photos.row_of(prediction.path)
            if row is None:
                continue
            rows.append(row)
            if prediction.error is not None:
                self.photos.set_error(row, prediction.error)
            else:
                self.photos.set_scores(row, prediction.scores)
        self.predictions_changed.emit(tuple(rows))

    @Slot(object)
    def _on_run_finished(self, summary: TagSummary) -> None:
        self._run = None
        self.tagging_finished.emit(summary)
        if summary.is_complete:  # photos may have been added meanwhile
            self._tag_when_ready()

    @Slot(str, object)
    def _on_settings_changed(self, key: str, value: object) -> None:
        if key == THRESHOLD.key:
            self.set_threshold(float(str(value)))

    # Helpers.

    def _stop_work(self) -> None:
        if self._scan is not None:
            scan, self._scan = self._scan, None
            scan.cancel()
        if self._run is not None:
            run, self._run = self._run, None
            run.cancel()
            run.predictions_arrived.disconnect(self._on_run_predictions_arrived)
            run.progress_changed.disconnect(self.tagging_progressed)
            run.finished.disconnect(self._on_run_finished)
            self.tagging_finished.emit(None)

    def _tag_when_ready(self) -> None:
        if self._tag_after_scan and self._scan is None and self.photos.untagged_rows():
            if self.model is None:
                return
            self.tag()

    def _set_model_state(self, state: ModelState) -> None:
        self.model_state = state
        self.model_changed.emit(state)

    def _request_evidence(self) -> None:
        path = self.current_path
        if path is not None and path in self._position_scores:
            self._position_scores.move_to_end(path)
        unreadable = self.current is not None and self.photos.error(self.current) is not None
        there = path is None or path in self._position_scores or unreadable
        self.engine.explain(None if there else path)

    def _tell_category(self, before: int | None) -> None:
        if self.shown_category != before:
            self.category_changed.emit(self.shown_category)
