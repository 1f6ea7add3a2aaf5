"""Keeping thresholds in a model: into which one, and how it went."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from csra_gui.evaluation.exports import thresholds_request
from csra_gui.evaluation.result_window import ResultWindow
from csra_gui.evaluation.save_thresholds_dialog import SaveThresholdsDialog
from csra_gui.models.entries import ModelEntry
from csra_gui.models.manager import ModelManager
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Remedy, Topic

_NOT_IN_USE = (
    "The model of this run is not in use. Use it first (Model ▸ Models), then its thresholds can "
    "be saved."
)


class ThresholdSaver(QObject):
    """Asks, and has the engine write the model's file."""

    def __init__(self, session: Session, manager: ModelManager, results: ResultWindow) -> None:
        super().__init__(results)
        self._session = session
        self._manager = manager
        self._results = results
        results.save_thresholds_requested.connect(self._on_results_save_thresholds_requested)

    @Slot()
    def _on_results_save_thresholds_requested(self) -> None:
        analysis = self._results.state.analysis
        if analysis is None:
            return
        model = self._model(analysis.run.model.get("id", ""))
        if model is None:
            self._results.notifier.warning(_NOT_IN_USE, Topic.EVALUATION)
            return
        dialog = SaveThresholdsDialog(
            model.name,
            f"{model.name} thresholds",
            is_own=model.kind == "own",
            parent=self._results,
        )
        dialog.accepted.connect(lambda: self._save(model.name, dialog.copy_name))
        dialog.open()

    def _model(self, model_id: str) -> ModelEntry | None:
        """The model in use, if it is the one of the run."""
        used = self._session.models.model
        if used is None or used.id != model_id:
            return None
        models = self._manager.manager.models
        return next((model for model in models if model.path == used.path), None)

    def _save(self, source: str, copy_name: str | None) -> None:
        state = self._results.state
        if state.analysis is None or state.table is None:
            return
        request = thresholds_request(state.analysis, state.table, source, copy_name)
        self._session.jobs.run(
            self._session.engine.ask(lambda engine: engine.save_thresholds(request)),
            "save thresholds",
            self._tell_saved,
            lambda error: self._results.notifier.error(str(error), Topic.EVALUATION),
        )

    def _tell_saved(self, name: str) -> None:
        self._manager.refresh()
        use = Remedy("Use it", lambda: self._session.models.use(name))
        self._results.notifier.info(f"{name} has these thresholds now.", Topic.EVALUATION, use)
