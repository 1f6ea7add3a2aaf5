"""Photos that are nearly the same, found in a job and shown group by group."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.activity import Activity, MovingRate, Progress, counted
from csra_gui.base.jobs import JobSlot, Policy
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.api.errors import EngineError
from engine.library.columns import IntArray
from engine.library.neighbours import DescriptorIndex, GroupingProgress, Groups, near_duplicates
from engine.texts import photos_text

_TEXT = "Comparing photos"


@dataclass(frozen=True, eq=False)
class _Found:
    """Groups of rows, and (M,) rows of the photos that could not be compared."""

    groups: Groups
    unknown: IntArray


class NearDuplicates(QObject):
    """Looks for groups among the open photos, and shows them.

    Signals:
        state_changed: the work began or ended.
    """

    state_changed = Signal()

    def __init__(self, session: Session, notifier: Notifier, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._notifier = notifier
        self._slot = JobSlot(session.jobs, "near-duplicates", self, Policy.IGNORE)
        self.activity = Activity(self, cancel=self._slot.cancel, name="Comparing photos")
        session.pipeline.photos_reset.connect(self._on_photos_reset)

    @property
    def is_busy(self) -> bool:
        """Whether photos are being compared."""
        return self._slot.is_running

    def find(self) -> None:
        """Compare all open photos with each other."""
        session = self._session
        index, photos = session.comparing.index(), session.photos
        if self.is_busy:
            return
        if index is None:
            self._notifier.info(session.comparing.why_not, Topic.NOTE)
            return
        rows = np.flatnonzero(~photos.gone)
        ids = photos.columns().image_ids[rows]
        rate = MovingRate()

        def follow(values: tuple[GroupingProgress, ...]) -> None:
            last = values[-1]
            speed = rate.add(time.monotonic(), last.done)
            self.activity.set_progress(counted(_TEXT, last.done, last.total, speed))

        def end() -> None:
            self.activity.set_progress(None)
            self.state_changed.emit()

        self._slot.run(
            lambda: _grouped(index, ids, rows),
            lambda found: self._show(found, len(rows)),
            self._tell_failed,
            end,
            follow,
        )
        self.activity.set_progress(Progress(_TEXT))
        self.state_changed.emit()

    def tell_if_impossible(self) -> bool:
        """Say so if the model in use gives nothing to compare photos by; whether it was said."""
        model = self._session.models.model
        is_impossible = model is not None and not model.descriptor_kind
        if is_impossible:
            self._notifier.info(self._session.comparing.why_not, Topic.NOTE)
        return is_impossible

    def _show(self, found: _Found, count: int) -> None:
        groups = found.groups
        if groups:
            notes = {
                row: f"Group {number}: {place} of {len(group)}"
                for number, group in enumerate(groups, start=1)
                for place, row in enumerate(group, start=1)
            }
            word = "group" if len(groups) == 1 else "groups"
            caption = f"{len(groups):,} {word} of near-duplicates"
            self._session.show_only([row for group in groups for row in group], caption, notes)
        text = "" if groups else f"No near-duplicates among {photos_text(count)}. "
        if len(found.unknown):
            text += not_known_text(len(found.unknown))
            remedy = Remedy("Tag them", lambda: self._session.look_again(found.unknown.tolist()))
            self._notifier.info(text, Topic.DUPLICATES, remedy)
        elif text:
            self._notifier.info(text.strip(), Topic.DUPLICATES)

    def _tell_failed(self, error: EngineError) -> None:
        self._notifier.error(f"Photos could not be compared: {error}", Topic.DUPLICATES)

    @Slot()
    def _on_photos_reset(self) -> None:
        self._slot.drop()  # rows mean other photos from now on, also those of the offer to tag them
        self._notifier.clear(Topic.DUPLICATES)
        self.activity.set_progress(None)
        self.state_changed.emit()


def not_known_text(count: int) -> str:
    """What is said of photos that could not be compared."""
    verb = "is" if count == 1 else "are"
    return f"{photos_text(count)} {verb} not known yet."


def _grouped(
    index: DescriptorIndex, ids: IntArray, rows: IntArray
) -> Generator[GroupingProgress, None, _Found]:
    known = [page.image_ids for page in index.pages()]
    there = np.isin(ids, np.concatenate(known)) if known else np.zeros(len(ids), dtype=np.bool_)
    groups = yield from near_duplicates(index, ids[there])
    row_of = dict(zip(ids.tolist(), rows.tolist(), strict=True))
    of_rows = tuple(tuple(row_of[image] for image in group) for group in groups)
    return _Found(of_rows, rows[~there])
