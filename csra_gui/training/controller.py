"""The dialogs and messages around training."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.base.activity import Progress
from csra_gui.base.ask import ask_target
from csra_gui.base.paths import feature_folder
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.models.entries import Place
from csra_gui.models.manager import ModelManager
from csra_gui.session.decided_labels import decided_labels
from csra_gui.session.session import Session
from csra_gui.training.new_dialog import NewTrainingDialog, TrainingWish
from csra_gui.training.progress_view import quality_text, status_text
from csra_gui.training.runner import Phase, TrainingEnd, TrainingRunner
from csra_gui.training.runs_dialog import RunsDialog
from csra_gui.training.stall import StallWatch
from csra_gui.training.teach_controller import TeachController
from csra_gui.training.training_dialog import TrainingDialog
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from csra_gui.widgets.record_list import RecordManager
from csra_gui.widgets.windows import bring_up
from engine.api.errors import EngineError
from engine.api.training import TrainRequest
from engine.api.training_reports import Ending
from engine.api.values import ModelImport
from engine.records.models import default_store
from engine.records.training_lock import TrainingGoesOnError
from engine.records.trainings import TrainingRun, TrainingStore
from engine.texts import display_path, display_text, remaining_text

#: Validation photos that are looked at after each epoch.
SAMPLES = 6


class TrainingController(QObject):
    """Answers what the person wants of trainings.

    Signals:
        progressed: the ``Progress`` of the training; ``None`` when it has ended.
    """

    progressed = Signal(object)

    def __init__(
        self,
        session: Session,
        manager: ModelManager,
        runner: TrainingRunner,
        notifier: Notifier,
        decoder: ImageDecoder,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._manager = manager
        self._notifier = notifier
        self._decoder = decoder
        self._window = window
        self._store = TrainingStore()
        self.runs = RecordManager(self._store, session.jobs, self)
        self.runner = runner
        self.teaching = TeachController(session, manager, runner, decoder, window)
        self.new_dialog: NewTrainingDialog | None = None
        self.dialog: TrainingDialog | None = None
        self.runs_dialog: RunsDialog | None = None
        self.runs.failed.connect(self._tell_error)
        runner.ended.connect(self._on_runner_ended)
        runner.busy_changed.connect(self._refresh_runs)
        manager.entries_changed.connect(self._offer_models)
        session.decisions.changed.connect(self._show_labels)
        self._stall = StallWatch(runner, self)
        self._stall.stalled.connect(self._on_stall_stalled)
        self._stall.went_on.connect(lambda: notifier.clear(Topic.TRAINING))
        runner.phase_changed.connect(self._show_progress)
        runner.reported.connect(self._show_progress)

    # Dialogs.

    @Slot()
    def show_new(self) -> None:
        """Ask what to train; while something learns, show that instead."""
        if self.runner.is_training:
            self.show_running()
            return
        if self.new_dialog is None:
            self.new_dialog = dialog = NewTrainingDialog(
                self._session.jobs, self._session.followed_links, self._window
            )
            dialog.start_requested.connect(self._start)
        self._offer_models()
        self._manager.refresh()
        bring_up(self.new_dialog)
        self._show_labels()

    @Slot()
    def show_running(self) -> None:
        """The training that goes on, or the last one."""
        if self.dialog is None:
            self.dialog = dialog = TrainingDialog(self.runner, self._decoder, self._window)
            dialog.use_requested.connect(self._use)
            dialog.runs_requested.connect(self.show_runs)
        bring_up(self.dialog)

    @Slot()
    def show_runs(self) -> None:
        """All trainings."""
        if self.runs_dialog is None:
            self.runs_dialog = dialog = RunsDialog(self.runs, self._window)
            dialog.resume_requested.connect(self._resume)
            dialog.use_requested.connect(self._use)
            dialog.export_requested.connect(self._ask_target)
        bring_up(self.runs_dialog)
        self._refresh_runs()

    @Slot()
    def _offer_models(self) -> None:
        if self.new_dialog is None:
            return
        here = [
            m.name for m in self._manager.entries.models if m.place is Place.HERE and m.is_usable
        ]
        used = self._session.models.model
        names = here or ([] if used is None else [used.name])
        self.new_dialog.set_models(names, "" if used is None else used.name)

    @Slot()
    def _show_labels(self) -> None:
        if self.new_dialog is not None and self.new_dialog.isVisible():
            self.new_dialog.set_labels(decided_labels(self._session.photos.columns()))

    # Training.

    @Slot(object)
    def _start(self, wish: TrainingWish) -> None:
        dialog = self.new_dialog
        if dialog is None or self.runner.is_busy:
            return
        session = self._session
        try:
            source = wish.source or decided_labels(session.photos.columns()).source(
                session.photos.paths
            )
        except EngineError as error:
            dialog.refuse(str(error))
            return

        def keep() -> TrainingRun:
            folder = self._store.new_folder(wish.name)
            return self._store.keep(
                TrainRequest(
                    source,
                    folder,
                    wish.config,
                    wish.start,
                    wish.name,
                    cache=feature_folder(),
                    samples=SAMPLES,
                )
            )

        session.jobs.run(
            keep,
            "keep training",
            lambda run: self._begin(run, asks=True),
            lambda error: dialog.refuse(str(error)),
        )

    @Slot()
    def _show_progress(self) -> None:
        runner = self.runner
        if runner.run is None or runner.phase is Phase.ENDED:
            self.progressed.emit(None)
            return
        step, total = runner.record.step, 0 if runner.phase is Phase.ASKING else None
        detail = [status_text(runner.record, runner.phase)]
        if step is not None:
            detail.append(remaining_text(step.remaining_seconds))
            total = step.total if total is None else total
        self.progressed.emit(
            Progress(
                display_text(runner.run.name),
                " · ".join(part for part in detail if part),
                0 if step is None else step.step,
                total,
            )
        )

    def _begin(self, run: TrainingRun, *, asks: bool) -> None:
        if self.new_dialog is not None:
            self.new_dialog.close()
        self._notifier.clear(Topic.TRAINING)
        self.runner.start(run, asks=asks)
        self.show_running()

    @Slot(object)
    def _resume(self, run: TrainingRun) -> None:
        if not self.runner.is_busy:
            self._begin(run, asks=False)

    @Slot(object)
    def _on_runner_ended(self, end: TrainingEnd) -> None:
        self._refresh_runs()
        record, name = self.runner.record, display_text(end.run.name)
        is_elsewhere = isinstance(end.error, TrainingGoesOnError)
        if record.started is None and not end.run.has_begun and not is_elsewhere:
            self.runs.delete(end.run.folder)
        if end.error is not None:
            self._tell_error(end.error)
            return
        if record.started is None:
            return
        best = record.best
        if best is None:
            self._notifier.info(f"The training of {name} was stopped.", Topic.TRAINING)
            return
        stopped = end.report is not None and end.report.ending is Ending.STOPPED
        text = f"The training of {name} {'was stopped' if stopped else 'is done'}: "
        text += f"{quality_text(best)} after epoch {best.epoch}." if best.is_judged else ""
        text = text if best.is_judged else f"{text.removesuffix(': ')}. {quality_text(best)}"
        use = Remedy("Use this model now", lambda: self._use(end.run))
        self._notifier.info(text, Topic.TRAINING, use)

    @Slot(int)
    def _on_stall_stalled(self, minutes: int) -> None:
        name = "" if self.runner.run is None else display_text(self.runner.run.name)
        text = (
            f"The training of {name} has said nothing for {minutes} minutes. Judging very many "
            "photos or reading them from a slow disk takes so long; else end it, and go on from "
            "what it has saved."
        )
        self._notifier.warning(text, Topic.TRAINING, Remedy("End it", self.runner.end_process))

    # Runs.

    @Slot()
    def _refresh_runs(self) -> None:
        if self.runs_dialog is not None and self.runs_dialog.isVisible():
            self.runs_dialog.set_busy(self.runner.is_busy)
            self.runs.refresh()

    def offer_to_go_on(self, run: TrainingRun) -> None:
        """Say that a training was interrupted when the window was closed."""
        if self.runner.is_busy:
            return
        done = max((report.epoch for report in run.epochs), default=0)
        text = (
            f"The training of {display_text(run.name)} was interrupted after {done:,} of "
            f"{run.request.config.epochs:,} epochs."
        )
        self._notifier.info(text, Topic.TRAINING, Remedy("Continue", lambda: self._resume(run)))

    @Slot(object)
    def _use(self, run: TrainingRun) -> None:
        file = run.request.best_file
        work = self._session.engine.ask(
            lambda engine: engine.import_model(
                ModelImport(file, default_store().free_name(run.name))
            )
        )
        self._session.jobs.run(work, "save model", self._tell_saved, self._tell_error)

    def _tell_saved(self, name: str) -> None:
        self._manager.refresh()
        self._session.models.use(name)
        self._notifier.info(f"{display_text(name)} is used from now on.", Topic.TRAINING)

    @Slot(object)
    def _ask_target(self, run: TrainingRun) -> None:
        ask_target(
            self.runs_dialog,
            "Export the model as one file",
            f"{run.name}.safetensors",
            ("Model of this program (*.safetensors)",),
            lambda path: self._export(run, path),
        )

    def _export(self, run: TrainingRun, target: Path) -> None:
        text = f"The model was exported to {display_path(target)}."
        source = str(run.request.best_file)
        self._session.jobs.run(
            self._session.engine.ask(lambda engine: engine.export_model(source, target)),
            "export model",
            lambda _: self._notifier.info(text, Topic.TRAINING),
            self._tell_error,
        )

    def _tell_error(self, error: EngineError) -> None:
        self._notifier.error(str(error), Topic.TRAINING)

    # The end.

    def closing_text(self) -> str:
        """What becomes of a training if the window is closed; empty for nothing."""
        if self.runner.is_training and self.runner.phase is not Phase.ASKING:
            return "A training goes on. It is saved, and the next start offers to go on with it."
        return self.teaching.closing_text()

    def shut_down(self, timeout_s: float) -> bool:
        """End everything; ``False`` if something would not end in time."""
        ended = self.runner.shut_down(timeout_s)
        self.teaching.shut_down()
        for dialog in (self.new_dialog, self.dialog, self.runs_dialog):
            if dialog is not None:
                dialog.close()
        if self.dialog is not None:
            self.dialog.view.samples.close_loader()
        return ended
