"""The list of kept runs, and of those that were stopped before their end."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QPushButton, QWidget

from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.record_list import Column, RecordManager, RecordPanel
from engine.records.evaluations import EvaluationSummary
from engine.records.folders import Record
from engine.records.unfinished import UnfinishedRun
from engine.texts import date_text, display_text, percent

_COLUMNS: tuple[Column[EvaluationSummary], ...] = (
    Column("mAP", lambda run: percent(run.mean_average_precision), 52),
    Column("Model", lambda run: run.model, 105),
    Column("On", lambda run: run.dataset, 130),
    Column("Date", lambda run: date_text(run.date), 118),
)


class RunsPanel(RecordPanel[EvaluationSummary]):
    """Choose a run to look at, or go on with what was stopped last.

    Signals:
        run_chosen: the folder of a run.
        go_on_requested: an ``UnfinishedRun`` to be evaluated to its end.
        keep_requested: an ``UnfinishedRun`` to be kept as it is.
    """

    run_chosen = Signal(object)
    go_on_requested = Signal(object)
    keep_requested = Signal(object)

    def __init__(
        self,
        runs: RecordManager[EvaluationSummary],
        unfinished: RecordManager[UnfinishedRun],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(runs, _COLUMNS, _question, parent=parent)
        self._unfinished = unfinished
        self.stopped = plain_label("", self)
        self.go_on = QPushButton("&Continue", self)
        self.keep = QPushButton("&Keep as it is", self)
        self.forget = QPushButton("Dis&card", self)
        for place, button in enumerate((self.go_on, self.keep, self.forget)):
            self.buttons.insertWidget(place, button)
            button.clicked.connect(self._on_stopped_button_clicked)
        self.content.insertWidget(1, self.stopped)
        self.selection_changed.connect(self._on_self_selection_changed)
        unfinished.records_changed.connect(self._show_unfinished)
        self._show_unfinished()

    @property
    def _stopped(self) -> Record[UnfinishedRun] | None:
        """What was stopped last."""
        return next((r for r in self._unfinished.records if r.value is not None), None)

    @Slot()
    def _show_unfinished(self) -> None:
        record = self._stopped
        for widget in (self.stopped, self.go_on, self.keep, self.forget):
            widget.setVisible(record is not None)
        if record is not None and record.value is not None:
            self.stopped.setText(f"Stopped: {unfinished_text(record.value)}.")

    @Slot()
    def _on_self_selection_changed(self) -> None:
        record = self.current
        if record is not None and record.value is not None:
            self.run_chosen.emit(record.path)

    @Slot()
    def _on_stopped_button_clicked(self) -> None:
        record, button = self._stopped, self.sender()
        if record is None:
            return
        if button is self.forget:
            self._unfinished.delete(record.path)
        else:
            wish = self.go_on_requested if button is self.go_on else self.keep_requested
            wish.emit(record.value)


def unfinished_text(run: UnfinishedRun) -> str:
    """What was stopped, and how far it was."""
    model, data = run.facts.get("model name", ""), run.facts.get("data set", "")
    return display_text(f"{model} on {data}, after {run.done:,} of {run.total:,} images")


def _question(record: Record[EvaluationSummary]) -> str:
    name = "this run" if record.value is None else display_text(record.value.model) or "this run"
    return f"Delete the evaluation of {name} for good?"
