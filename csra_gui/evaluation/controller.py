"""Everything a person does with evaluations: what is asked, and how it is answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.base.activity import Activity
from csra_gui.base.ask import ask_folder
from csra_gui.base.settings import Settings
from csra_gui.evaluation.cases import Cases
from csra_gui.evaluation.data_folders import DataFolders
from csra_gui.evaluation.decisions_dialog import DecisionsDialog
from csra_gui.evaluation.faster_dialog import FasterDialog
from csra_gui.evaluation.images import ImageFinder, ShownCases
from csra_gui.evaluation.result_window import ResultWindow
from csra_gui.evaluation.runner import EvaluationEnd, EvaluationRunner
from csra_gui.evaluation.runs_panel import unfinished_text
from csra_gui.evaluation.scores_dialog import ScoresDialog
from csra_gui.evaluation.start_dialog import StartDialog
from csra_gui.evaluation.threshold_saver import ThresholdSaver
from csra_gui.models.entries import ModelEntry
from csra_gui.models.manager import ModelManager
from csra_gui.session.decided_labels import decided_categories, decided_run
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from csra_gui.widgets.record_list import RecordManager
from csra_gui.widgets.windows import bring_up
from engine.api.errors import EngineError
from engine.api.evaluation import EvaluationRequest, Unfinished
from engine.records.evaluations import EvaluationStore
from engine.records.unfinished import UnfinishedRun, UnfinishedStore
from engine.texts import display_text


class EvaluationController(QObject):
    """Starts evaluations and shows what comes of them; the window stays usable all the while."""

    def __init__(
        self,
        session: Session,
        manager: ModelManager,
        settings: Settings,
        activity: Activity,
        notifier: Notifier,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._manager = manager
        self._folders = DataFolders(settings)
        self._notifier = notifier
        self._window = window
        self.runner = EvaluationRunner(session.engine, session.jobs, activity, self)
        self.runs = RecordManager(EvaluationStore(), session.jobs, self)
        self.unfinished = RecordManager(UnfinishedStore(), session.jobs, self)
        self.dialog: StartDialog | None = None
        self.faster: FasterDialog | None = None
        self.results: ResultWindow | None = None
        self.scores: ScoresDialog | None = None
        self._to_tell = ("", "")
        self._finder = ImageFinder(session, self)
        self._shown = ShownCases(session, self)
        self.runner.ended.connect(self._on_runner_ended)
        for kept in (self.runs, self.unfinished):
            kept.failed.connect(self._on_kept_failed)
        self._finder.found.connect(self._on_finder_found)
        self._finder.failed.connect(self._on_finder_failed)
        self._shown.replaced.connect(self._on_shown_replaced)
        self._shown.left.connect(lambda: notifier.clear(Topic.PHOTOS))

    # Wishes.

    def ask_start(self, kind: str, folder: Path | None = None) -> None:
        """Ask what to evaluate; an empty kind finds out what a folder holds."""
        if self.dialog is None:
            self.dialog = StartDialog(self._session, self._manager, self.runs, self._window)
            self.dialog.start_requested.connect(self.runner.start)
            self.dialog.folder_accepted.connect(self._folders.remember)
        self.dialog.ask(kind, folder or self._folders.folder_of(kind))
        self.runs.refresh()
        bring_up(self.dialog)

    @Slot(object)
    def ask_faster(self, model: ModelEntry) -> None:
        """Ask on which photos a model's int8 network is measured."""
        if self.faster is None:
            self.faster = FasterDialog(self._session, self._manager, self._window)
            self.faster.start_requested.connect(self._make_faster)
        self.faster.ask(model)
        bring_up(self.faster)

    @Slot(object, object)
    def _make_faster(self, model: ModelEntry, request: EvaluationRequest) -> None:
        self._folders.remember(request.dataset, request.root)
        self._manager.make_faster(model, request)

    def evaluate_decisions(self) -> None:
        """Measure the model in use by what the person said of the open photos."""
        model = self._session.models.model
        if model is None:
            self._notifier.warning("No model is loaded yet.", Topic.EVALUATION)
            return
        found = decided_categories(self._session.photos.columns(), model.categories)
        if not found:
            self._measure_decisions(())
            return
        dialog = DecisionsDialog(found, self._window)
        dialog.start_requested.connect(self._measure_decisions)
        dialog.open()

    @Slot(object)
    def _measure_decisions(self, complete: tuple[str, ...]) -> None:
        model = self._session.models.model
        if model is None:
            return
        columns = self._session.photos.columns()
        self._session.jobs.run(
            lambda: EvaluationStore().save(*decided_run(columns, model, complete)).name,
            "evaluate decisions",
            self.show_run,
            lambda error: self._notifier.info(str(error), Topic.EVALUATION),
        )

    def ask_scores(self) -> None:
        """Ask for scores that another program saved, and show what they are worth."""
        if self.scores is None:
            self.scores = ScoresDialog(self._session.jobs, self._window)
            self.scores.scored.connect(self._on_scores_scored)
        bring_up(self.scores)

    @Slot(str, object)
    def _on_scores_scored(self, run: str, sentences: tuple[str, ...]) -> None:
        self._to_tell = (run, display_text(" ".join(sentences)))
        self.show_run(run)

    def show_results(self) -> None:
        """Open the window of results, or bring it to the front."""
        if self.results is None:
            self.results = results = ResultWindow(
                self.runs, self.unfinished, self.runner, self._session.jobs, self._window
            )
            results.state.analysis_changed.connect(self._on_state_analysis_changed)
            results.state.cases_requested.connect(self._finder.ask)
            ThresholdSaver(self._session, self._manager, results)
            results.runs.go_on_requested.connect(self.go_on)
            results.runs.keep_requested.connect(self._keep_as_it_is)
        self._refresh()
        bring_up(self.results)

    @Slot(str)
    def show_run(self, run: str) -> None:
        """Show what came of one evaluation."""
        self.show_results()
        if self.results is not None:
            self.results.show_run(self.runs.store.root / run)

    @Slot(object)
    def go_on(self, stopped: UnfinishedRun) -> None:
        """Evaluate what is missing."""
        self.runner.start([stopped.request])

    def offer_to_go_on(self, stopped: UnfinishedRun) -> None:
        """Say that an evaluation was stopped when the program was closed."""
        if not self.runner.is_running:
            text = f"An evaluation was stopped: {unfinished_text(stopped)}."
            go_on = Remedy("Continue", lambda: self.go_on(stopped))
            self._notifier.info(text, Topic.EVALUATION, go_on)

    def cancel(self) -> None:
        """Stop; what was found is kept."""
        self.runner.cancel()

    def closing_text(self) -> str:
        """What closing the window would stop; empty if nothing."""
        state = self.runner.state
        if state is None:
            return ""
        far = f" ({state.done:,} of {state.total:,} images)" if state.total else ""
        return (
            f"{state.what} is being evaluated{far}. What was found so far is kept, "
            "and you can go on at the next start."
        )

    def _refresh(self) -> None:
        self.runs.refresh()
        self.unfinished.refresh()

    # Answers.

    @Slot(object)
    def _on_runner_ended(self, end: EvaluationEnd) -> None:
        self._refresh()
        what = end.state.what
        if end.run:
            self._tell_done(what, end.run)
        elif end.error is not None:
            self._notifier.error(f"{what}: {end.error}", Topic.EVALUATION)
        else:
            go_on = Remedy("Continue", lambda: self.runner.start([end.state.request]))
            self._notifier.info(
                f"The evaluation of {what} was stopped. What was found is kept.",
                Topic.EVALUATION,
                go_on,
            )

    def _tell_done(self, what: str, run: str) -> None:
        results = self.results
        if results is not None and results.isVisible():
            results.show_run(self.runs.store.root / run)
            return
        show = Remedy("Show the results", lambda: self.show_run(run))
        self._notifier.info(f"{what} has been evaluated.", Topic.EVALUATION, show)

    @Slot(object)
    def _keep_as_it_is(self, stopped: UnfinishedRun) -> None:
        request = replace(stopped.request, unfinished=Unfinished.AS_IT_IS)
        self.runner.start([request])

    @Slot(object)
    def _on_kept_failed(self, error: EngineError) -> None:
        tell = self._notifier if self.results is None else self.results.notifier
        tell.error(str(error), Topic.EVALUATION)

    @Slot()
    def _on_state_analysis_changed(self) -> None:
        if self.results is not None and self.results.state.analysis is not None:
            analysis = self.results.state.analysis
            self._finder.set_run(analysis.folder, analysis.run)
            run, text = self._to_tell
            if run == analysis.folder.name:  # told once it is there: a new run clears the messages
                self._to_tell = ("", "")
                self.results.notifier.info(text, Topic.EVALUATION)

    @Slot(object, object)
    def _on_finder_found(self, cases: Cases, paths: tuple[Path, ...]) -> None:
        if paths:
            self._shown.show(cases, paths)
        elif self.results is not None:
            self.results.notifier.info("There are no such images.", Topic.EVALUATION)

    @Slot(object, object)
    def _on_finder_failed(self, cases: Cases, error: EngineError) -> None:
        if self.results is not None:
            choose = Remedy("Choose the folder…", lambda: self._ask_folder(cases))
            self.results.notifier.error(str(error), Topic.EVALUATION, choose)

    def _ask_folder(self, cases: Cases) -> None:
        ask_folder(
            self.results,
            "Where is the data set of this run?",
            lambda folder: self._finder.ask(cases, folder),
        )

    @Slot()
    def _on_shown_replaced(self) -> None:
        back = Remedy("Back to my photos", self._session.go_back)
        self._notifier.info(
            "These are images of the data set; your photos are closed meanwhile.",
            Topic.PHOTOS,
            back,
        )
