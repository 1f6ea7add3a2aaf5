"""The strip that says what the program is doing, and the messages when it has ended."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from csra_gui.session.active_model import ModelState
from csra_gui.session.session import Session
from csra_gui.session.tag_run import TagProgress, TagSummary
from csra_gui.widgets.job_progress import JobProgress
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.data.scan import ScanProblem

_UNCHANGED = "All labels are as they were."


class ActivityPanel(QWidget):
    """Progress of scanning and tagging; tells the notifier how each ended.

    Signals:
        problems_requested: the person wants to see what could not be read.
    """

    problems_requested = Signal()

    def __init__(self, session: Session, notifier: Notifier, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._notifier = notifier
        self.progress = JobProgress(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.progress)
        self.progress.cancel_requested.connect(session.pipeline.cancel)
        self.progress.pause_requested.connect(session.pipeline.pause)
        self.progress.resume_requested.connect(session.pipeline.tag)
        session.pipeline.scan_started.connect(self._on_pipeline_scan_started)
        session.pipeline.photos_added.connect(self._update_busy)
        session.pipeline.scan_finished.connect(self._on_pipeline_scan_finished)
        session.pipeline.predictions_changed.connect(self._update_busy)
        session.pipeline.looked_up.connect(self._update_busy)
        session.models.state_changed.connect(self._on_models_state_changed)
        session.pipeline.tagging_started.connect(lambda: notifier.clear(Topic.TAGGING))
        session.pipeline.tagging_progressed.connect(self._on_pipeline_tagging_progressed)
        session.pipeline.tagging_finished.connect(self._on_pipeline_tagging_finished)
        self._update_busy()

    @Slot()
    def _update_busy(self) -> None:
        session = self._session
        if session.pipeline.is_tagging:
            return
        if session.pipeline.is_paused:
            done, total = session.pipeline.paused_at
            self.progress.set_paused("Tagging is paused", done, total)
        elif session.pipeline.is_scanning:
            self.progress.set_busy(f"Looking for photos… {len(session.photos):,} so far")
        elif session.models.opening:
            self.progress.set_busy(f"Opening {session.models.opening}…", cancellable=False)
        elif session.models.state is ModelState.LOADING:
            self.progress.set_busy("Loading the model…", cancellable=False)
        elif session.pipeline.is_looking_up:
            self.progress.set_busy("Looking up what is known of them…", cancellable=False)
        else:
            self.progress.clear()

    @Slot()
    def _on_pipeline_scan_started(self) -> None:
        self._notifier.clear(Topic.SCAN, Topic.TAGGING)
        self._update_busy()

    @Slot(object)
    def _on_pipeline_scan_finished(self, skipped: tuple[ScanProblem, ...]) -> None:
        self._update_busy()
        if len(skipped) == 1:
            text = f"{skipped[0].path.name}: {skipped[0].message}"
        else:
            text = f"{len(skipped):,} files or folders could not be looked at."
        if skipped:
            self._notifier.warning(text, Topic.SCAN, self._show_these())

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
    def _on_pipeline_tagging_progressed(self, progress: TagProgress) -> None:
        self.progress.set_progress(
            "Tagging", progress.done, progress.total, progress.rate_per_s, progress.remaining_s
        )
        self.progress.set_pausable(on=not self._session.pipeline.is_retagging)

    @Slot(object)
    def _on_pipeline_tagging_finished(self, summary: TagSummary | None) -> None:
        self.progress.clear()
        self._update_busy()
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
        resume = Remedy("Resume", self._session.pipeline.tag)
        tagged = f"{_photos(summary.tagged)} tagged"
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


def _photos(count: int) -> str:
    return f"{count:,} photo" if count == 1 else f"{count:,} photos"
