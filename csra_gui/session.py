"""What is open now: the one view model behind the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.decisions import Decisions
from csra_gui.engine_client import EngineClient, EngineFactory
from csra_gui.library_client import LibraryClient, library_file
from csra_gui.map_focus import MapFocus
from csra_gui.model_keeper import ModelKeeper, ModelState
from csra_gui.photo_scan import PhotoScan
from csra_gui.photo_table import PhotoTable, ScoredLabel
from csra_gui.settings import INCLUDE_SUBFOLDERS, TAG_ON_OPENING, Settings
from csra_gui.shown_photos import ShownPhotos
from csra_gui.tagger import Tagger
from csra_gui.tagging import TagSummary
from csra_gui.thresholds import LabelThresholds
from csra_gui.workers.job import JobRunner
from engine.data.scan import ScanProblem
from engine.library.values import Verdict
from engine.values import FloatArray, ModelInfo, PositionScores

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
        decisions_changed: a tuple of rows of which the person said something; empty means any.
        undo_changed: what can be undone or redone.
        selection_changed: which photos are selected.
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
    decisions_changed = Signal(object)
    undo_changed = Signal()
    selection_changed = Signal()

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
        self.library = LibraryClient(library_file(), self)
        self.decisions = Decisions(self.library, self.photos, self)
        self.shown = ShownPhotos(self.photos, self._threshold_of_each, self.jobs, self)
        self.focus = MapFocus(self.engine, self.photos, self)
        self.roots: list[Path] = []
        self.selection: tuple[int, ...] = ()
        self._scan = PhotoScan(self.jobs, self)
        self._tagger = Tagger(self.engine, self.photos, self)
        self._tag_when_possible = False
        self._connect()

    def _connect(self) -> None:
        self.models.about_to_switch.connect(self._tagger.drop)
        self.models.switched.connect(self._on_models_switched)
        self.models.state_changed.connect(self._on_models_state_changed)
        self.thresholds.changed.connect(self.threshold_changed)
        self.decisions.changed.connect(self.decisions_changed)
        self.decisions.undo_changed.connect(self.undo_changed)
        self.focus.current_changed.connect(self.current_changed)
        self.focus.category_changed.connect(self.category_changed)
        self.focus.pinned_changed.connect(self.pinned_changed)
        self.focus.evidence_changed.connect(self.evidence_changed)
        for fact in (self.predictions_changed, self.decisions_changed, self.threshold_changed):
            fact.connect(self.shown.refresh)
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
        self.focus.clear()
        self.set_selection(())
        self.roots = []
        self.photos.clear()
        self.decisions.forget()
        self.skipped.clear()
        self.shown.reset()
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
        """The labels of a photo that count: the machine's at the threshold, and the person's."""
        return self.photos.labels(row, self.thresholds.values)

    @property
    def current(self) -> int | None:
        """The row being looked at."""
        return self.focus.current

    def set_current(self, row: int | None) -> None:
        """Look at another photo, or at none."""
        self.focus.set_current(row)

    @property
    def current_path(self) -> Path | None:
        """The photo being looked at."""
        return self.focus.current_path

    @property
    def current_evidence(self) -> PositionScores | None:
        """The position scores of the current photo, if they are there."""
        return self.focus.evidence

    @property
    def evidence_error(self) -> str:
        """Why there are no position scores of the current photo; empty if nothing went wrong."""
        return self.focus.evidence_error

    @property
    def shown_category(self) -> int | None:
        """The category whose map is over the photo: the one pointed at, else the pinned one."""
        return self.focus.category

    @property
    def pinned_category(self) -> int | None:
        """The category whose map stays."""
        return self.focus.pinned

    def set_hovered(self, category: int | None) -> None:
        """Show the map of the category pointed at; ``None`` when the pointer leaves."""
        self.focus.set_hovered(category)

    def set_pinned(self, category: int | None) -> None:
        """Keep the map of a category, also on other photos; ``None`` lets it go."""
        self.focus.set_pinned(category)

    def set_selection(self, rows: Sequence[int]) -> None:
        """Select photos; the one being looked at is another matter."""
        selection = tuple(rows)
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit()

    # What the person says.

    def decide(
        self,
        rows: Sequence[int],
        verdicts: Mapping[str, Verdict | None],
        *,
        caption: str,
        reviewed: bool | None = None,
    ) -> None:
        """Say the same of labels of photos, as one edit that can be undone.

        Args:
            rows: the photos.
            verdicts: what is said, by category; ``None`` takes back what was said.
            caption: for the Undo menu.
            reviewed: the new mark, if it changes.
        """
        self.decisions.decide(rows, verdicts, caption=caption, reviewed=reviewed)

    def undo(self) -> None:
        """Take back the last edit, of whichever photos."""
        self.decisions.undo()

    def redo(self) -> None:
        """Make again what was undone last."""
        self.decisions.redo()

    @property
    def undo_caption(self) -> str:
        """What undo would take back; empty for nothing."""
        return self.decisions.undo_caption

    @property
    def redo_caption(self) -> str:
        """What redo would make again; empty for nothing."""
        return self.decisions.redo_caption

    def shut_down(self, timeout_s: float = 4.0) -> bool:
        """End every job and the engine; ``False`` if something would not end in time."""
        self._scan.drop()
        self._tagger.drop()
        self.engine.explain(None)
        self.jobs.cancel_all()  # before the engine, which may take a while to close
        closed = self.engine.close(timeout_s / 2)
        ended = self.jobs.shut_down(timeout_s / 2)
        return self.library.close(timeout_s) and ended and closed

    # Slots.

    @Slot(object)
    def _on_models_switched(self, old: ModelInfo | None) -> None:
        model = self.model
        if model is None:
            return
        kept = self.pinned_category
        pinned = "" if old is None or kept is None else str(old.categories[kept])
        self.photos.use_model(model.id, model.categories)
        self.thresholds.set_model(model)
        known = pinned in model.categories
        self.focus.forget_model(model.categories.index_of(pinned) if known else None)
        self.predictions_changed.emit(())
        self.threshold_changed.emit()
        self.focus.ask_again()
        if old is not None:
            self._tag_when_possible = bool(self._settings.value(TAG_ON_OPENING))

    @Slot()
    def _on_models_state_changed(self) -> None:
        self.model_changed.emit(self.model_state)
        self._tag_if_wanted()

    @Slot(object)
    def _on_scan_paths_found(self, paths: list[Path]) -> None:
        first, end = self.photos.add(paths)
        if end > first:
            self.photos_added.emit(first, end)
            self.shown.refresh()

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

    def _threshold_of_each(self) -> FloatArray:
        """(C,) float32, for the model in use."""
        values = np.asarray(self.thresholds.values, dtype=np.float32)
        return np.broadcast_to(values, (len(self.photos.categories),))
