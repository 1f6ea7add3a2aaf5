"""What is open now: the one view model behind the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Slot

from csra_gui.base.engine_client import EngineClient, EngineFactory
from csra_gui.base.jobs import JobRunner
from csra_gui.base.settings import Settings
from csra_gui.session.active_model import ActiveModel, ModelState
from csra_gui.session.change_job import FileChanges
from csra_gui.session.decisions import Decisions
from csra_gui.session.focus import MapFocus
from csra_gui.session.library_client import LibraryClient, library_file
from csra_gui.session.photo_table import PhotoTable, ScoredLabel
from csra_gui.session.photo_view_order import ShownPhotos
from csra_gui.session.pipeline import Pipeline
from csra_gui.session.retag_plan import RetagMode, RetagPlan
from csra_gui.session.retagger import Retagger
from csra_gui.session.session_facts import SessionFacts
from csra_gui.session.threshold_store import ThresholdStore
from csra_gui.session.thresholds import LabelThresholds
from engine.api.values import FloatArray, ModelInfo, PositionScores
from engine.data.scan import ScanProblem
from engine.library.values import Verdict

__all__ = ["ModelState", "Session"]


class Session(SessionFacts):
    """The photos, what models and people said of them, and what the person is looking at."""

    def __init__(
        self, engine_factory: EngineFactory, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self.jobs = JobRunner(self)
        self.engine = EngineClient(engine_factory, self.jobs, self)
        self.models = ActiveModel(self.engine, settings, self)
        self.thresholds = LabelThresholds(settings, self)
        self.photos = PhotoTable()
        self.library = LibraryClient(library_file(), self)
        self.decisions = Decisions(self.library, self.photos, self)
        self.shown = ShownPhotos(self.photos, self._threshold_of_each, self.jobs, self)
        self.focus = MapFocus(self.engine, self.photos, self)
        self.selection: tuple[int, ...] = ()
        self.retagger = Retagger(self.engine, self.photos, self.library, self.thresholds, self)
        self.work = Pipeline(
            self.engine,
            self.library,
            self.photos,
            self.decisions,
            self.retagger,
            settings,
        )
        self._own_thresholds = ThresholdStore(self.library, self.thresholds, self)
        self._connect()

    def _connect(self) -> None:
        self.models.about_to_switch.connect(self.work.drop_run)
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
        self.work.photos_added.connect(self.photos_added)
        self.work.photos_added.connect(self.shown.refresh)
        self.work.scan_started.connect(self.scan_started)
        self.work.scan_finished.connect(self.scan_finished)
        self.work.rows_changed.connect(self.predictions_changed)
        self.work.tagging_started.connect(self.tagging_started)
        self.work.tagging_progressed.connect(self.tagging_progressed)
        self.work.tagging_finished.connect(self.tagging_finished)
        self.work.storing_failed.connect(self.storing_failed)
        self.decisions.failed.connect(self.storing_failed)
        self._own_thresholds.failed.connect(self.storing_failed)
        self.retagger.accepted.connect(self._on_retagger_accepted)

    # Opening.

    def open(self, roots: Sequence[Path]) -> None:
        """Close what is open and look for photos in these files and folders."""
        self.work.drop()
        self.focus.clear()
        self.set_selection(())
        self.photos.clear()
        self.shown.reset()
        self.photos_reset.emit()
        self.add(roots)

    def add(self, roots: Sequence[Path]) -> None:
        """Look for photos in these files and folders too."""
        self.work.add(roots)

    def take_changes(self, changes: FileChanges) -> None:
        """Take in what happened to the open files since they were found."""
        self.work.take_changes(changes)
        self.shown.refresh()
        if self.current in [*changes.vanished, *(change.row for change in changes.changed)]:
            self.focus.read_again()

    def rescan(self) -> None:
        """Open the same files and folders again."""
        if self.roots:
            self.open(tuple(self.roots))

    @property
    def roots(self) -> list[Path]:
        """The files and folders that are open."""
        return self.work.roots

    @property
    def is_scanning(self) -> bool:
        """Whether photos are being looked for."""
        return self.work.is_scanning

    @property
    def skipped(self) -> list[ScanProblem]:
        """Files and folders that could not be looked at."""
        return self.work.skipped

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
        return self.work.is_tagging

    @property
    def is_paused(self) -> bool:
        """Whether a run waits to be gone on with."""
        return self.work.is_paused

    @property
    def paused_at(self) -> tuple[int, int]:
        """How many photos of a paused run are done, and how many it has."""
        return self.work.paused_at

    @property
    def is_looking_up(self) -> bool:
        """Whether the library is still being asked about photos that were found."""
        return len(self.photos) > 0 and self.work.is_looking_up

    def tag(self) -> None:
        """Tag the photos that have no labels yet, or go on with a run that was paused."""
        self.work.tag()

    def retag(self, plan: RetagPlan) -> None:
        """Tag photos again: what comes out counts once ``retagger`` is told to accept it.

        Skipping photos that have labels changes none, so it needs nobody to agree.
        """
        if plan.mode is not RetagMode.SKIP:
            self.work.retag(plan)
        elif plan.source is None:
            self.work.tag(self.retagger.rows(plan))
        else:
            self.models.use(plan.source)

    def pause_tagging(self) -> None:
        """Stop tagging within one batch, to go on later."""
        self.work.pause()

    def cancel_tagging(self) -> None:
        """Stop tagging within one batch; what is tagged stays."""
        self.work.cancel_tagging()

    def cancel_work(self) -> None:
        """Stop what is going on: looking for photos, or tagging them."""
        self.work.cancel()

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
        self.work.drop()
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
        self.work.use_model(model, is_first=old is None)
        self.thresholds.set_model(model)
        self._own_thresholds.set_model(model)
        known = pinned in model.categories
        self.focus.forget_model(model.categories.index_of(pinned) if known else None)
        self.predictions_changed.emit(())
        self.threshold_changed.emit()
        self.focus.ask_again()

    @Slot()
    def _on_models_state_changed(self) -> None:
        self.model_changed.emit(self.model_state)
        self.work.proceed()

    @Slot(object, object)
    def _on_retagger_accepted(self, rows: tuple[int, ...], source: str | None) -> None:
        if source is not None:
            self.models.use(source)
        self.predictions_changed.emit(rows)

    # Helpers.

    def _threshold_of_each(self) -> FloatArray:
        """(C,) float32, for the model in use."""
        values = np.asarray(self.thresholds.values, dtype=np.float32)
        return np.broadcast_to(values, (len(self.photos.categories),))
