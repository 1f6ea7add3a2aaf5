"""What is open now: the one view model behind the window, made of parts that tell of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.engine_client import EngineClient, EngineFactory
from csra_gui.base.jobs import JobRunner
from csra_gui.base.settings import Settings
from csra_gui.session.active_model import ActiveModel
from csra_gui.session.change_job import FileChanges
from csra_gui.session.decisions import Decisions
from csra_gui.session.focus import MapFocus
from csra_gui.session.library_client import LibraryClient, library_file
from csra_gui.session.photo_table import PhotoTable, ScoredLabel
from csra_gui.session.photo_view_order import ShownPhotos
from csra_gui.session.pipeline import Pipeline
from csra_gui.session.retag_plan import RetagMode, RetagPlan
from csra_gui.session.retagger import Retagger
from csra_gui.session.tagger import Tagger
from csra_gui.session.thresholds import LabelThresholds
from engine.api.values import FloatArray, ModelInfo


class Session(QObject):
    """Makes the parts, and does what takes several of them.

    Attributes:
        photos: what is known of each photo; ``pipeline`` tells when it changes.
        pipeline: finds the photos, looks them up and has them tagged.
        tagger: asks a model about them, one run at a time.
        retagger: holds back what a model says again.
        models: the model in use.
        thresholds: from which score on something is a label.
        library: where everything is written to.
        decisions: what the person says, and takes back.
        shown: which photos are shown, in which order.
        focus: the photo and the category that are looked at.
        selection: rows; the photo that is looked at is another matter.

    Signals:
        selection_changed: which photos are selected.
    """

    selection_changed = Signal()

    def __init__(
        self, engine_factory: EngineFactory, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.jobs = JobRunner(self)
        self.engine = EngineClient(engine_factory, self.jobs, self)
        self.models = ActiveModel(self.engine, settings, self)
        self.photos = PhotoTable()
        self.library = LibraryClient(library_file(), self)
        self.thresholds = LabelThresholds(settings, self.library, self)
        self.decisions = Decisions(self.library, self.photos, self)
        self.shown = ShownPhotos(self.photos, self._threshold_of_each, self.jobs, self)
        self.focus = MapFocus(self.engine, self.photos, self)
        self.selection: tuple[int, ...] = ()
        self.tagger = Tagger(self.engine, self.photos, self.library, self)
        self.retagger = Retagger(
            self.tagger, self.engine, self.photos, self.library, self.thresholds
        )
        self.pipeline = Pipeline(
            self.engine, self.library, self.photos, self.decisions, self.tagger, settings
        )
        self._connect()

    def _connect(self) -> None:
        self.models.about_to_switch.connect(self.tagger.drop)
        self.models.about_to_switch.connect(self.retagger.discard)
        self.models.switched.connect(self._on_models_switched)
        self.engine.model_opened.connect(self.pipeline.proceed)  # when all know of the model
        self.pipeline.photos_reset.connect(self.shown.reset)
        for fact in (
            self.pipeline.photos_added,
            self.pipeline.predictions_changed,
            self.decisions.changed,
            self.thresholds.changed,
        ):
            fact.connect(self.shown.refresh)
        self.retagger.accepted.connect(self._on_retagger_accepted)

    # Opening.

    def open(self, roots: Sequence[Path]) -> None:
        """Close what is open and look for photos in these files and folders."""
        self.retagger.discard()
        self.focus.clear()
        self.set_selection(())
        self.pipeline.open(roots)

    def take_changes(self, changes: FileChanges) -> None:
        """Take in what happened to the open files since they were found."""
        self.pipeline.take_changes(changes)
        self.shown.refresh()
        touched = [*changes.vanished, *(change.row for change in changes.changed)]
        if self.focus.current in touched:
            self.focus.read_again()

    def rescan(self) -> None:
        """Open the same files and folders again."""
        if self.pipeline.roots:
            self.open(tuple(self.pipeline.roots))

    def retag(self, plan: RetagPlan) -> None:
        """Tag photos again: what comes out counts once ``retagger`` is told to accept it.

        Skipping photos that have labels changes none, so it needs nobody to agree.
        """
        if plan.mode is not RetagMode.SKIP:
            self.retagger.start(plan)
        elif plan.source is None:
            self.pipeline.tag_rows(self.retagger.rows(plan))
        else:
            self.models.use(plan.source)

    def labels(self, row: int) -> list[ScoredLabel]:
        """The labels of a photo that count: the machine's at the threshold, and the person's."""
        return self.photos.labels(row, self.thresholds.values)

    def set_selection(self, rows: Sequence[int]) -> None:
        """Select photos."""
        selection = tuple(rows)
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit()

    def shut_down(self, timeout_s: float = 4.0) -> bool:
        """End every job and the engine; ``False`` if something would not end in time."""
        self.pipeline.drop()
        self.engine.explain(None)
        self.jobs.cancel_all()  # before the engine, which may take a while to close
        closed = self.engine.close(timeout_s / 2)
        ended = self.jobs.shut_down(timeout_s / 2)
        return self.library.close(timeout_s) and ended and closed

    @Slot(object)
    def _on_models_switched(self, old: ModelInfo | None) -> None:
        """All parts go by the new model before the first of them tells anyone."""
        model = self.models.model
        if model is None:
            return
        before = self.photos.categories
        self.pipeline.use_model(model, is_first=old is None)
        self.thresholds.set_model(model)
        self.focus.use_model(before, model)
        self.pipeline.predictions_changed.emit(())
        self.thresholds.changed.emit()
        self.focus.ask_again()

    @Slot(object, object)
    def _on_retagger_accepted(self, rows: tuple[int, ...], source: str | None) -> None:
        if source is not None:
            self.models.use(source)
        self.pipeline.predictions_changed.emit(rows)

    def _threshold_of_each(self) -> FloatArray:
        """(C,) float32, for the model in use."""
        values = np.asarray(self.thresholds.values, dtype=np.float32)
        return np.broadcast_to(values, (len(self.photos.categories),))
