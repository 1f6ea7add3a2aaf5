"""What scanning and tagging say: how far they are, and a message when they have ended."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.activity import Activity, Progress, counted
from csra_gui.base.settings import LEFT_OUT_TOLD, Settings
from csra_gui.session.active_model import ModelState
from csra_gui.session.session import Session
from csra_gui.session.tag_run import TagProgress, TagSummary
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.data.kinds import left_out_text
from engine.data.scan import ScanProblem
from engine.texts import photos_text

_MOST_TOLD = 50
_UNCHANGED = "All labels are as they were."


class TaggingActivity(QObject):
    """Progress of scanning and tagging; tells the notifier how each ended.

    Signals:
        problems_requested: the person wants to see what could not be read.
        left_out_requested: the person wants to see the files of kinds that are not opened.
    """

    problems_requested = Signal()
    left_out_requested = Signal()

    def __init__(
        self, session: Session, settings: Settings, notifier: Notifier, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self._notifier = notifier
        pipeline, tagger = session.pipeline, session.tagger
        self.activity = Activity(
            self, cancel=pipeline.cancel, pause=tagger.pause, resume=pipeline.tag
        )
        pipeline.scan_started.connect(self._on_pipeline_scan_started)
        pipeline.photos_added.connect(self._update_busy)
        pipeline.scan_finished.connect(self._on_pipeline_scan_finished)
        pipeline.predictions_changed.connect(self._update_busy)
        pipeline.looked_up.connect(self._update_busy)
        pipeline.settling_started.connect(self._update_busy)
        pipeline.tagging_called_off.connect(self._on_pipeline_tagging_called_off)
        session.library.waiting_changed.connect(self._update_busy)
        session.models.state_changed.connect(self._on_models_state_changed)
        tagger.started.connect(lambda: notifier.clear(Topic.TAGGING))
        tagger.progressed.connect(self._on_tagger_progressed)
        tagger.finished.connect(self._on_tagger_finished)
        self._update_busy()

    @Slot()
    def _update_busy(self) -> None:
        if not self._session.tagger.is_running:
            self.activity.set_progress(self._busy())

    def _busy(self) -> Progress | None:
        """What goes on while nothing is being tagged."""
        pipeline, models = self._session.pipeline, self._session.models
        tagger = self._session.tagger
        if tagger.is_paused:
            return replace(counted("Tagging is paused", *tagger.paused_at), is_paused=True)
        if pipeline.is_scanning:
            return Progress(f"Looking for photos… {len(self._session.photos):,} so far")
        if pipeline.is_settling:
            return Progress("Looking for photos that were moved…")
        if pipeline.is_looking_up and self._session.library.is_waiting:
            text = "Waiting for room on the disk…"
        elif pipeline.is_looking_up:
            text = "Looking up what is known of the photos…"
        elif models.opening:
            text = f"Opening {models.opening}…"
        elif models.state is ModelState.LOADING:
            text = "Loading the model…"
        else:
            return None
        return Progress(text, can_cancel=pipeline.is_tagging_due)

    @Slot()
    def _on_pipeline_scan_started(self) -> None:
        self._notifier.clear(Topic.SCAN, Topic.LEFT_OUT, Topic.TAGGING)
        self._update_busy()

    @Slot()
    def _on_pipeline_tagging_called_off(self) -> None:
        self._update_busy()
        text = "Cancelled. Photos that are not tagged yet stay as they are."
        self._notifier.info(text, Topic.TAGGING, Remedy("Tag them", self._session.pipeline.tag))

    @Slot(object)
    def _on_pipeline_scan_finished(self, skipped: tuple[ScanProblem, ...]) -> None:
        self._update_busy()
        if len(skipped) == 1:
            text = f"{skipped[0].path.name}: {skipped[0].message}"
        else:
            text = f"{len(skipped):,} files or folders could not be looked at."
        if skipped:
            self._notifier.warning(text, Topic.SCAN, self._show_these())
        left_out = left_out_text(self._session.pipeline.left_out)
        if left_out and self._is_news(left_out):
            show = Remedy("Show", self.left_out_requested.emit)
            self._notifier.info(left_out, Topic.LEFT_OUT, show)

    def _is_news(self, left_out: str) -> bool:
        """Whether it was not told of the same folders before; the menu shows the list any time."""
        places = "\0".join(map(str, self._session.pipeline.roots))
        key = hashlib.sha256(os.fsencode(f"{left_out}\0{places}")).hexdigest()[:16]
        told = str(self._settings.value(LEFT_OUT_TOLD)).split()
        self._settings.set_value(LEFT_OUT_TOLD, " ".join([*told, key][-_MOST_TOLD:]))
        return key not in told

    @Slot(object)
    def _on_models_state_changed(self, state: ModelState) -> None:
        self._update_busy()
        models = self._session.models
        if state is ModelState.FAILED:
            retry = Remedy("Try again", models.start)
            self._notifier.error(models.error, Topic.MODEL, retry)
        elif state is ModelState.LOADING or models.opening:
            self._notifier.clear(Topic.MODEL)

    @Slot(object)
    def _on_tagger_progressed(self, progress: TagProgress) -> None:
        can_pause = not self._session.tagger.is_held_back
        done, total, rate = progress.done, progress.total, progress.rate_per_s
        if progress.is_waiting:
            text, rate = "Tagging waits for room on the disk", None
        else:
            text = "Tagging"
        self.activity.set_progress(counted(text, done, total, rate, can_pause=can_pause))

    @Slot(object)
    def _on_tagger_finished(self, summary: TagSummary | None) -> None:
        self.activity.set_progress(self._busy())
        if summary is not None and summary.is_held_back:
            self._tell_held_back(summary)
        elif summary is not None and not summary.paused:
            self._tell(summary)

    def _tell_held_back(self, summary: TagSummary) -> None:
        """What came of it is shown elsewhere; here only if nothing did."""
        if summary.error is not None:
            self._notifier.error(f"{summary.error} {_UNCHANGED}", Topic.TAGGING)
        elif not summary.is_complete:
            self._notifier.info(f"Tagging again was cancelled. {_UNCHANGED}", Topic.TAGGING)

    def _tell(self, summary: TagSummary) -> None:
        resume = Remedy("Continue tagging", self._session.pipeline.tag)
        tagged = f"{photos_text(summary.tagged)} tagged"
        if summary.error is not None:
            self._notifier.error(str(summary.error), Topic.TAGGING, resume)
        elif summary.cancelled:
            text = f"Tagging was cancelled: {summary.tagged:,} of {summary.total:,} photos tagged."
            self._notifier.warning(text, Topic.TAGGING, resume)
        elif summary.unreadable:
            text = f"{tagged}, {summary.unreadable:,} could not be read."
            self._notifier.warning(text, Topic.TAGGING, self._show_these())
        else:
            self._notifier.info(f"{tagged}.", Topic.TAGGING)

    def _show_these(self) -> Remedy:
        return Remedy("Show these", self.problems_requested.emit)
