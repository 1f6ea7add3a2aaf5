"""How far an evaluation is, wherever that is shown."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from csra_gui.evaluation.runner import EvaluationRunner, EvaluationState
from csra_gui.widgets.job_progress import JobProgress
from engine.data.datasets.registry import dataset_spec
from engine.texts import display_text


class EvaluationProgressBar(QWidget):
    """Progress, time left and Cancel; hidden while nothing goes on."""

    def __init__(self, runner: EvaluationRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.progress = JobProgress(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.progress)
        self.progress.cancel_requested.connect(runner.cancel)
        runner.state_changed.connect(self._on_runner_state_changed)
        runner.ended.connect(lambda: self._on_runner_ended(runner))
        if runner.state is not None:
            self._on_runner_state_changed(runner.state)

    @Slot(object)
    def _on_runner_state_changed(self, state: EvaluationState) -> None:
        text = f"Evaluating {what_is_evaluated(state)}"
        if not state.total:
            self.progress.set_busy(f"{text}: reading the model and the data set…")
            return
        if state.waiting:
            text += f", {state.waiting} more waiting"
        self.progress.set_progress(
            text, state.done, state.total, state.rate_per_s, state.remaining_s
        )

    def _on_runner_ended(self, runner: EvaluationRunner) -> None:
        if runner.state is None:
            self.progress.clear()


def what_is_evaluated(state: EvaluationState) -> str:
    """The model and the data set of a request, for people."""
    request = state.request
    title = dataset_spec(request.dataset).title
    model = display_text(request.model or "the model")
    return f"{model} on {title} {display_text(request.split)}"
