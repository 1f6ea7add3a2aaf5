"""What is open now: the one view model behind the window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.engine_client import EngineClient, EngineFactory
from csra_gui.evidence_cache import EvidenceCache
from csra_gui.model_keeper import ModelKeeper, ModelState
from csra_gui.photo_scan import PhotoScan
from csra_gui.photo_table import PhotoTable, ScoredLabel
from csra_gui.settings import INCLUDE_SUBFOLDERS, TAG_ON_OPENING, Settings
from csra_gui.tagger import Tagger
from csra_gui.tagging import TagSummary
from csra_gui.thresholds import LabelThresholds
from csra_gui.workers.job import JobRunner
from engine.data.scan import ScanProblem
from engine.errors import EngineError
from engine.values import ModelInfo, PositionScores

__all__ = ["ModelState", "Session"]


class Session(QObject):
    """The photos, what the model said of them, and what the person is looking at.

    Signals (facts, all in the GUI thread):
        photos_reset: another folder is being opened; there are no photos now.
        photos_added: half-open range of new rows.
        scan_started, scan_finished: of one folder or drop; the second carries what was skipped.
        predictions_changed: a tuple of rows; an empty one means any of them.
        tagging_started, tagging_progressed, tagging_finished: of one run.
        model_changed: the ``ModelState``; also when another model is being opened.
        current_changed: the row being looked at, or ``None``.
        category_changed: the category whose map is shown, or ``None``.
        pinned_changed: the category whose map stays, or ``None``.
        evidence_changed: the position scores of the current photo have come, or will not.
        threshold_changed: what counts as a label.
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
    threshold_changed = Signal()

    def __init__(
        self, engine_factory: EngineFactory, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self.jobs = JobRunner(self)
        self.engine = EngineClient(engine_factory, self.jobs, self)
        self.models = ModelKeeper(self.engine, settings, self)
        self.thresholds = LabelThresholds(settings, self)
        self.photos = PhotoTable()
        self.current: int | None = None
        self.evidence_error = ""
        self.roots: list[Path] = []
        self._hovered: int | None = None
        self._pinned: int | None = None
        self._evidence = EvidenceCache()
        self._scan = PhotoScan(self.jobs, self)
        self._tagger = Tagger(self.engine, self.photos, self)
        self._tag_when_possible = False
        self._connect()

    def _connect(self) -> None:
        self.models.about_to_switch.connect(self._tagger.drop)
        self.models.switched.connect(self._on_models_switched)
        self.models.state_changed.connect(self._on_models_state_changed)
        self.thresholds.changed.connect(self.threshold_changed)
        self.engine.scores_explained.connect(self._on_engine_scores_explained)
        self.engine.explain_failed.connect(self._on_engine_explain_failed)
        self._tagger.started.connect(self.tagging_started)
        self._tagger.progressed.connect(self.tagging_progressed)
        self._tagger.rows_changed.connect(self.predictions_changed)
        self._tagger.finished.connect(self._on_tagger_finished)
        self._scan.paths_found.connect(self._on_scan_paths_found)
        self._scan.finished.connect(self._on_scan_finished)

    # Opening.

    def open(self, roots: Sequence[Path]) -> None:
        """Close what is open and look for photos in these files and folders."""
        self._scan.drop()
        self._tagger.drop()
        self.set_current(None)
        self.set_pinned(None)
        self.roots = []
        self.photos.clear()
        self._evidence.clear()
        self.skipped.clear()
        self.photos_reset.emit()
        self.add(roots)

    def add(self, roots: Sequence[Path]) -> None:
        """Look for photos in these files and folders too."""
        self.roots += [root for root in roots if root not in self.roots]
        if self._scan.is_running:  # two at once would mix their rows: look through all again
            roots = self.roots
            self.skipped.clear()
        self._scan.start(roots, recursive=bool(self._settings.value(INCLUDE_SUBFOLDERS)))
        self._tag_when_possible = bool(self._settings.value(TAG_ON_OPENING))
        self.scan_started.emit()

    def rescan(self) -> None:
        """Open the same files and folders again."""
        if self.roots:
            self.open(tuple(self.roots))

    @property
    def is_scanning(self) -> bool:
        """Whether photos are being looked for."""
        return self._scan.is_running

    @property
    def skipped(self) -> list[ScanProblem]:
        """Files and folders that could not be looked at."""
        return self._scan.skipped

    # The model and tagging.

    @property
    def model(self) -> ModelInfo | None:
        """The model in use."""
        return self.models.model

    @property
    def model_state(self) -> ModelState:
        """Whether there is a model to ask."""
        return self.models.state

    @property
    def is_tagging(self) -> bool:
        """Whether a run is going on."""
        return self._tagger.is_running

    def tag(self) -> None:
        """Tag the photos that have no labels yet; if there are none, tag them all again."""
        self._tagger.start()

    def cancel_tagging(self) -> None:
        """Stop tagging within one batch; what is tagged stays."""
        self._tagger.cancel()

    def cancel_work(self) -> None:
        """Stop what is going on: looking for photos, or tagging them."""
        if self._scan.is_running:
            self._tag_when_possible = False
            self._scan.cancel()
        self.cancel_tagging()

    # What the person looks at.

    def labels(self, row: int) -> list[ScoredLabel]:
        """The labels of a photo at the threshold, best first."""
        return self.photos.labels(row, self.thresholds.values)

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
        if path is None or self.model is None:
            return None
        return self._evidence.get(self.model.id, path)

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
        self._scan.drop()
        self._tagger.drop()
        self.engine.explain(None)
        self.jobs.cancel_all()  # before the engine, which may take a while to close
        closed = self.engine.close(timeout_s / 2)
        return self.jobs.shut_down(timeout_s / 2) and closed

    # Slots.

    @Slot(object)
    def _on_models_switched(self, old: ModelInfo | None) -> None:
        model = self.model
        if model is None:
            return
        pinned = "" if old is None or self._pinned is None else str(old.categories[self._pinned])
        self.photos.use_model(model.id, model.categories)
        self.thresholds.set_model(model)
        self.evidence_error = ""
        self._hovered = None
        known = pinned in model.categories
        self.set_pinned(model.categories.index_of(pinned) if known else None)
        self.predictions_changed.emit(())
        self.threshold_changed.emit()
        self._request_evidence()
        self.evidence_changed.emit()
        if old is not None:
            self._tag_when_possible = bool(self._settings.value(TAG_ON_OPENING))

    @Slot()
    def _on_models_state_changed(self) -> None:
        self.model_changed.emit(self.model_state)
        self._tag_if_wanted()

    @Slot(object)
    def _on_engine_scores_explained(self, scores: PositionScores) -> None:
        if self.photos.row_of(scores.path) is None:
            return
        self._evidence.add(scores)
        if scores.path == self.current_path:
            self.evidence_changed.emit()

    @Slot(object, object)
    def _on_engine_explain_failed(self, path: Path, error: EngineError) -> None:
        if path == self.current_path:
            self.evidence_error = str(error)
            self.evidence_changed.emit()

    @Slot(object)
    def _on_scan_paths_found(self, paths: list[Path]) -> None:
        first, end = self.photos.add(paths)
        if end > first:
            self.photos_added.emit(first, end)

    @Slot()
    def _on_scan_finished(self) -> None:
        self.scan_finished.emit(tuple(self.skipped))
        self._tag_if_wanted()

    @Slot(object)
    def _on_tagger_finished(self, summary: TagSummary | None) -> None:
        self.tagging_finished.emit(summary)
        if summary is not None and summary.is_complete:  # photos may have been added meanwhile
            self._tag_if_wanted()
        elif summary is not None:  # cancelled or failed: it goes on when the person says so
            self._tag_when_possible = False

    # Helpers.

    def _tag_if_wanted(self) -> None:
        if not self._tag_when_possible or self._scan.is_running or self.model is None:
            return
        if self.photos.untagged_rows():
            self.tag()

    def _request_evidence(self) -> None:
        unreadable = self.current is not None and self.photos.error(self.current) is not None
        there = self.current_evidence is not None or unreadable
        self.engine.explain(None if there else self.current_path)

    def _tell_category(self, before: int | None) -> None:
        if self.shown_category != before:
            self.category_changed.emit(self.shown_category)
