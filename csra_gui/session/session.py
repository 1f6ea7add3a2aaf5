"""What is open now: the one view model behind the window, made of parts that tell of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal, SignalInstance, Slot

from csra_gui.base.engine_client import EngineClient, EngineFactory
from csra_gui.base.jobs import JobRunner
from csra_gui.base.settings import Settings
from csra_gui.session.active_model import ActiveModel
from csra_gui.session.attribute_reader import AttributeReader
from csra_gui.session.change_job import FileChanges
from csra_gui.session.chosen import ChosenPhotos
from csra_gui.session.comparing import PhotoComparing, ReadingAhead
from csra_gui.session.decisions import Decisions
from csra_gui.session.focus import MapFocus
from csra_gui.session.followed_links import FollowedLinks
from csra_gui.session.library_client import LibraryClient
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.photo_view_order import ShownPhotos
from csra_gui.session.pipeline import Pipeline
from csra_gui.session.placed_labels import PlacedLabels
from csra_gui.session.retag_plan import RetagMode, RetagPlan
from csra_gui.session.retagger import Retagger
from csra_gui.session.scored_label import ScoredLabel
from csra_gui.session.sort_keys import FOUND
from csra_gui.session.tagger import Tagger
from csra_gui.session.thresholds import LabelThresholds
from engine.api.values import FloatArray, ModelInfo
from engine.library.filters.completion import quoted


@dataclass(frozen=True, slots=True)
class ViewState:
    """What the person looks at, to come back to it.

    Attributes:
        roots: the files and folders that are open.
        filter_text: what is asked for.
        sort_key: the order.
        descending: whether the greatest comes first.
        current: the photo.
        pinned: the category whose map stays; empty for none.
    """

    roots: tuple[Path, ...]
    filter_text: str
    sort_key: str
    descending: bool
    current: Path | None
    pinned: str


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
        followed_links: where links that lead out of data sets are followed.
        decisions: what the person says, and takes back.
        shown: which photos are shown, in which order.
        comparing: what photos are compared by.
        reading_ahead: reads that before anybody asks.
        focus: the photo and the category that are looked at.
        chosen: the photo that is looked at and those selected, among those that are shown.
        leaving: photos that this program is taking away: nobody need be told that they are gone.

    Signals:
        photos_lost: rows whose files have vanished, and are nowhere else in what is open.
        filter_dropped: the filter that is off now, so that what was opened is seen.
    """

    photos_lost = Signal(object)
    filter_dropped = Signal(str)

    def __init__(
        self, engine_factory: EngineFactory, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.jobs = JobRunner(self)
        self.engine = EngineClient(engine_factory, self.jobs, self)
        self.models = ActiveModel(self.engine, settings, self)
        self.photos = PhotoTable()
        self.library = LibraryClient(settings.library, self)
        self.followed_links = FollowedLinks(settings)
        self.thresholds = LabelThresholds(settings, self.library, self.photos, self)
        self.decisions = Decisions(self.library, self.photos, self)
        self._placed_labels = PlacedLabels(settings, self.library, self.decisions)
        self.comparing = PhotoComparing(self.engine, self.library)
        self.shown = ShownPhotos(
            self.photos, self._threshold_of_each, self.jobs, self, self.comparing.index
        )
        self.focus = MapFocus(self.engine, self.photos, self)
        self.tagger = Tagger(self.engine, self.photos, self.library, self)
        self.retagger = Retagger(
            self.tagger, self.engine, self.photos, self.library, self.thresholds
        )
        self.pipeline = Pipeline(
            self.engine, self.library, self.photos, self.decisions, self.tagger, settings
        )
        self.reading_ahead = ReadingAhead(
            self.comparing, self.pipeline, self.tagger, self.jobs, self
        )
        self._attribute_reader = AttributeReader(
            self.library, self.photos, self.decisions, self.jobs, self
        )
        self.chosen = ChosenPhotos(self.focus, self.shown, self.photos, self.pipeline)
        self.leaving: set[Path] = set()
        self._before: ViewState | None = None
        self._connect()

    def _connect(self) -> None:
        self.models.about_to_switch.connect(self.tagger.drop)
        self.models.about_to_switch.connect(self.retagger.discard)
        self.models.switched.connect(self._on_models_switched)
        self.engine.model_opened.connect(self.pipeline.proceed)  # when all know of the model
        self.pipeline.photos_reset.connect(self.shown.reset)
        self.pipeline.photos_reset.connect(self._attribute_reader.reset)
        self.pipeline.looked_up.connect(self._attribute_reader.proceed)
        self._attribute_reader.changed.connect(self.pipeline.predictions_changed)
        for fact in (
            self.pipeline.photos_added,
            self.pipeline.predictions_changed,
            self.decisions.changed,
            self.thresholds.changed,
        ):
            fact.connect(self.shown.refresh)
        self.pipeline.predictions_changed.connect(self._on_pipeline_predictions_changed)
        self.pipeline.cameras.rows_read.connect(self._on_cameras_rows_read)
        self.decisions.names_changed.connect(self._on_decisions_names_changed)
        self.retagger.accepted.connect(self._on_retagger_accepted)
        self.tagger.freed.connect(self._on_tagger_freed)

    # Opening.

    def open(self, roots: Sequence[Path]) -> None:
        """Close what is open and look for photos in these files and folders, without a filter."""
        self._before = None
        self._open(roots)
        self._drop_filter()

    def add(self, roots: Sequence[Path]) -> None:
        """Look for photos in these files and folders too, and leave none out."""
        self.pipeline.add(roots)
        self._drop_filter()

    def _drop_filter(self) -> None:
        """Whoever opens photos wants to see them: one that was asked of others may fit none."""
        if self.shown.is_everything:
            return
        text = self.shown.filter_text.strip()
        self.shown.show_all()
        if text:
            self.filter_dropped.emit(text)

    def _open(self, roots: Sequence[Path]) -> None:
        self.retagger.discard()
        self.focus.clear()
        self.chosen.clear()
        self.pipeline.open(roots)

    def take_changes(self, changes: FileChanges) -> None:
        """Take in what happened to the open files since they were found."""
        known = self.photos.gone[list(changes.vanished)]  # told by two who looked at once
        moved = self.photos.moved(changes.vanished)
        self.chosen.set_moved(moved)
        self._attribute_reader.read_again([change.row for change in changes.changed])
        self.pipeline.take_changes(changes)
        self.shown.refresh()
        if self.focus.current in [change.row for change in changes.changed]:
            self.focus.read_again()
        news = [row for row, is_known in zip(changes.vanished, known, strict=True) if not is_known]
        lost = tuple(row for row in news if row not in moved and not self._is_leaving(row))
        if lost:
            self.photos_lost.emit(lost)

    def take_turned(self, rows: Sequence[int]) -> None:
        """Take in that photos stand otherwise than before: a model is to look at them again."""
        self.pipeline.take_turned(rows)
        if self.focus.current in rows:
            self.focus.read_again()

    def _is_leaving(self, row: int) -> bool:
        return bool(self.leaving) and self.photos.paths[row] in self.leaving

    def reopen(self) -> None:
        """Look for the photos of the open files and folders anew; what is looked at stays."""
        if self.pipeline.roots:
            self._restore(self._state(), reopens=True)

    # What is looked at.

    @property
    def selection(self) -> tuple[int, ...]:
        """Rows of the selected photos, in shown order."""
        return self.chosen.selection

    @property
    def selection_changed(self) -> SignalInstance:
        """Which photos are selected."""
        return self.chosen.selection_changed

    def set_selection(self, rows: Sequence[int]) -> None:
        """Select photos."""
        self.chosen.select(rows)

    def go_to(self, row: int) -> None:
        """Look at a photo alone; if a filter leaves it out, that is told."""
        self.chosen.go_to(self.photos.paths[row])

    def visit(self, roots: Sequence[Path]) -> None:
        """Open other files and folders for a while; ``go_back`` opens again what is open now."""
        before = self._before or self._state()
        self._open(roots)
        self._before = before

    def show_only(
        self, rows: Sequence[int], caption: str, notes: Mapping[int, str] | None = None
    ) -> None:
        """Show just these photos for a while; ``go_back`` shows again what is shown now."""
        self._before = self._before or self._state()
        self.shown.show_only(rows, caption, notes)

    def find_similar(self, row: int) -> None:
        """Show the photos that are alike to one, the most alike first."""
        path = self.photos.paths[row]
        alone = self.photos.count_named(path.name) == 1
        self.shown.set_sort(FOUND)
        self.shown.set_filter(f"similar:{quoted(path.name if alone else str(path))}")

    def look_again(self, rows: Sequence[int]) -> None:
        """Have the model look at photos of which nothing is known that could be compared."""
        self.tagger.look_again([row for row in rows if self.photos.error(row) is None])

    def go_back(self) -> None:
        """Show what was shown before ``visit`` or ``show_only``, as it was looked at."""
        before, self._before = self._before, None
        if before is not None:
            self._restore(before)

    def show_all(self) -> None:
        """Show every photo that the person opened, in the order that is chosen."""
        self.go_back()
        self.shown.show_all()

    def _state(self) -> ViewState:
        shown, pinned = self.shown, self.focus.pinned
        return ViewState(
            tuple(self.pipeline.roots),
            shown.filter_text,
            shown.sort_key,
            shown.descending,
            self.focus.current_path,
            "" if pinned is None else self.photos.categories[pinned],
        )

    def _restore(self, state: ViewState, *, reopens: bool = False) -> None:
        if state.roots and (reopens or state.roots != tuple(self.pipeline.roots)):
            self._open(state.roots)
        self.shown.restore(state.filter_text, state.sort_key, state.descending)
        names = list(self.photos.categories)
        self.focus.set_pinned(names.index(state.pinned) if state.pinned in names else None)
        if state.current is not None:
            self.chosen.go_to(state.current, tells=False)

    # Models.

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
        labels, model = self.photos.labels(row, self.thresholds.values), self.models.model
        measures = None if model is None else model.measures
        if measures is None or len(measures) != len(self.photos.categories):
            return labels
        return [replace(x, status=measures[x.index].status) if x.index >= 0 else x for x in labels]

    def main_labels(self, row: int) -> list[ScoredLabel]:
        """The same for little room: "dog" without the "animal" that follows from it.

        Of the machine's these are the best, as many as are listed beside a photo; what the person
        said is always among them.
        """
        labels, model = self.labels(row), self.models.model
        if model is not None and len(model.categories) == len(self.photos.categories):
            known = (label.index for label in labels if label.index >= 0)
            implied = {place for index in known for place in model.parents.ancestors(index)}
            labels = [x for x in labels if x.verdict is not None or x.index not in implied]
        machine = [label for label in labels if label.verdict is None]
        left_out = machine[self.thresholds.most_labels or len(machine) :]
        return [label for label in labels if label not in left_out]

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

    @Slot(object)
    def _on_pipeline_predictions_changed(self, rows: tuple[int, ...]) -> None:
        if not rows:  # perhaps those of another model
            self.thresholds.refresh()

    @Slot()
    def _on_tagger_freed(self) -> None:
        if self.shown.asks_for_similar:  # the last photos were written to the library after all
            self.shown.refresh()

    @Slot()
    def _on_cameras_rows_read(self) -> None:
        if self.shown.asks_the_camera:
            self.shown.refresh()

    @Slot()
    def _on_decisions_names_changed(self) -> None:
        self.pipeline.predictions_changed.emit(())

    @Slot(object, object)
    def _on_retagger_accepted(self, rows: tuple[int, ...], source: str | None) -> None:
        if source is not None:
            self.models.use(source)
        self.pipeline.predictions_changed.emit(rows)

    def _threshold_of_each(self) -> FloatArray:
        """(C,) float32, for the model in use."""
        values = np.asarray(self.thresholds.values, dtype=np.float32)
        return np.broadcast_to(values, (len(self.photos.categories),))
