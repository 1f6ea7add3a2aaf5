"""A training while it goes on, and after it: curves, categories, samples."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar, QSplitter, QTabWidget, QVBoxLayout, QWidget

from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.plots.curves import LiveCurve
from csra_gui.training.record import CategoryRow, TrainingRecord, margin
from csra_gui.training.runner import Phase
from csra_gui.training.sample_view import SampleView
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.table import Cell, Table, change_cell
from engine.api.label_names import shown_label
from engine.api.training_reports import Ending, EpochReport, StepReport, TrainReport
from engine.api.validation import FEWEST_TO_VALIDATE
from engine.texts import NOTHING, change, gib, percent, rate_text, remaining_text

_PHASES = {
    Phase.PREPARING: "Getting ready",
    Phase.ASKING: "Ready to start",
    Phase.RUNNING: "Training",
    Phase.PAUSING: "Pausing after this step",
    Phase.PAUSED: "Paused; the state is saved",
    Phase.STOPPING: "Stopping",
    Phase.ENDED: "",
}
_ENDINGS = {
    Ending.DONE: "The training is done",
    Ending.STOPPED: "The training was stopped; it can be gone on with",
    Ending.NO_GAIN: "The training ended early: it had got no better for a while",
}
_HEADER = ("Label", "Images", "Before", "Now", "Change", "Best")
_TIPS = {
    2: "Average precision of the model that the training started from. Labels with too few "
    "validation images to judge by have none.",
    5: "After the best epoch, which is kept.",
}
#: Changes smaller than this are never coloured; chance may move them by more.
_NOTABLE = 0.005
#: More points than this are thinned out, so that drawing stays quick.
_MOST_POINTS = 2000


class ProgressView(QWidget):
    """Shows a ``TrainingRecord``."""

    def __init__(self, decoder: ImageDecoder, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._record = TrainingRecord()
        self._phase = Phase.ENDED
        self._points = 0
        self.status = plain_label("", self)
        self.facts = plain_label("", self)
        self.result = plain_label("", self)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("Progress of the training")
        self.loss = LiveCurve("Loss", self)
        self.loss.set_axes("epoch", "loss")
        self.quality = LiveCurve("Mean average precision", self)
        self.quality.set_axes("epoch", "mAP (%)")
        self.quality.limit_y(0, 100)
        self.quality.place_legend(0.97, 0.9)  # it rises: below its end there is room
        self.table = Table(_HEADER, "Categories", self, tips=_TIPS)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.samples = SampleView(decoder, self)
        self.tabs = QTabWidget(self)
        self._set_up_layout()

    def _set_up_layout(self) -> None:
        font = self.status.font()
        font.setBold(True)
        self.status.setFont(font)
        curves = QSplitter(self)
        for plot in (self.loss, self.quality):
            plot.setMinimumSize(200, 140)
            curves.addWidget(plot)
        self.tabs.addTab(curves, "&Curves")
        self.tabs.addTab(self.table, "&Labels")
        self.tabs.addTab(self.samples, "Sa&mple photos")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for label in (self.status, self.facts):
            layout.addWidget(label)
        layout.addWidget(self.bar)
        layout.addWidget(self.result)
        layout.addWidget(self.tabs, 1)

    def set_record(self, record: TrainingRecord) -> None:
        """Show another training from its beginning."""
        self._record, self._points = record, 0
        self.loss.clear()
        self.quality.clear()
        for epoch in sorted(record.epochs):
            self._add_epoch(record.epochs[epoch])
        self._show_epochs()
        self._show_now()

    def set_phase(self, phase: Phase) -> None:
        """Say what it is about."""
        self._phase = phase
        self._show_now()

    def add(self, reports: tuple[TrainReport, ...]) -> None:
        """Show what is new; the record has it already."""
        for report in reports:
            if isinstance(report, StepReport):
                self._add_step(report)
            elif isinstance(report, EpochReport):
                self._add_epoch(report)
        if any(not isinstance(report, StepReport) for report in reports):
            self._show_epochs()
        self._show_now()

    def _add_step(self, report: StepReport) -> None:
        started = self._record.started
        if started is None or not started.total_steps or not math.isfinite(report.loss):
            return
        thin = max(1, started.total_steps // _MOST_POINTS)
        if report.step % thin == 0:
            self.loss.append(
                "each step", report.step / started.total_steps * started.epochs, report.loss
            )

    def _add_epoch(self, report: EpochReport) -> None:
        if math.isfinite(report.loss):
            self.loss.append("mean of the epoch", report.epoch, report.loss)
        if report.is_judged:
            self.quality.append("validation images", report.epoch, 100 * report.val_map)

    def _show_epochs(self) -> None:
        best = self._record.best
        self.quality.mark_best(best.epoch if best is not None and best.is_judged else None)
        self.table.set_rows([_cells(row) for row in self._record.rows()])
        self.samples.set_record(self._record)
        self.result.setText(result_text(self._record))
        self.result.setVisible(bool(self.result.text()))

    def _show_now(self) -> None:
        record, phase = self._record, self._phase
        self.status.setText(status_text(record, phase))
        self.facts.setText(_facts(record) if phase is not Phase.ENDED else "")
        self.facts.setVisible(bool(self.facts.text()))
        self.bar.setVisible(phase is not Phase.ENDED)
        step, preparation = record.step, record.preparation
        if record.started is not None and step is not None:
            self.bar.setRange(0, step.total)
            self.bar.setValue(step.step)
        elif record.started is not None:
            self.bar.setRange(0, record.started.epochs)
            self.bar.setValue(max(record.epochs, default=0))
        elif preparation is not None and phase is Phase.PREPARING:
            self.bar.setRange(0, preparation.total)
            self.bar.setValue(preparation.done)
        else:
            self.bar.setRange(0, 0 if phase is Phase.PREPARING else 1)


def _cells(row: CategoryRow) -> tuple[Cell, ...]:
    images = Cell(NOTHING, math.nan) if row.images is None else Cell(f"{row.images:,}", row.images)
    return (
        Cell(shown_label(row.name)),
        images,
        Cell(percent(row.before, " %"), row.before),
        Cell(percent(row.now, " %"), row.now),
        change_cell(row.before, row.now, max(_NOTABLE, row.margin)),
        Cell(percent(row.best, " %"), row.best),
    )


def result_text(record: TrainingRecord) -> str:
    """Before and after in one line; empty before the first epoch."""
    best, before = record.best, record.before
    if best is None:
        return ""
    if not best.is_judged:
        return f"{quality_text(best)} The model of the latest epoch is kept."
    text = f"Best so far: {quality_text(best)} after epoch {best.epoch}"
    if record.ended is not None:
        text = f"Kept: {quality_text(best)}, after epoch {best.epoch}"
    if before is None or not before.is_judged:
        return f"{text}."
    text += f"; before the training {percent(before.val_map)} %"
    text += f" ({change(before.val_map, best.val_map)} points)."
    if best.interval is None or before.interval is None:
        return text
    if abs(best.val_map - before.val_map) > margin(best.interval, before.interval):
        return text
    return f"{text} So small a difference may be chance."


def quality_text(report: EpochReport) -> str:
    """How good a model is after an epoch, and how sure that is."""
    if not report.is_judged:
        return (
            "How good it is cannot be judged: there are too few validation images. A label needs "
            f"{FEWEST_TO_VALIDATE} with it and {FEWEST_TO_VALIDATE} without it."
        )
    text = f"{percent(report.val_map)} % mAP"
    if report.interval is None:
        return text
    low, high = report.interval
    left = len(report.category_ap) - len(report.judged)
    few = f", {left:,} labels with too few images left out" if left else ""
    return f"{text} (95 % sure: {percent(low)} to {percent(high)} %{few})"


def status_text(record: TrainingRecord, phase: Phase) -> str:
    """What goes on, in a few words."""
    if record.ended is not None:
        return f"{_ENDINGS[record.ended.ending]}."
    text = _PHASES[phase]
    if phase is Phase.PREPARING and record.preparation is not None:
        done = record.preparation
        return f"{text}: {done.name}, {done.done:,} of {done.total:,}"
    if record.started is not None and phase is not Phase.ENDED:
        epoch = record.started.epoch if record.step is None else record.step.epoch
        last = max(record.epochs, default=0) + 1 if record.step is None else epoch
        return f"{text} · epoch {min(last, record.started.epochs)} of {record.started.epochs}"
    return text


def _facts(record: TrainingRecord) -> str:
    step, started = record.step, record.started
    parts = []
    if step is not None:
        parts.append(rate_text(step.images_per_second))
        parts.append(remaining_text(step.remaining_seconds))
        parts.append(f"loss {step.loss:.4f}")
    if started is not None:
        parts.append(started.device)
    if step is not None and step.memory_bytes:
        parts.append(f"{gib(step.memory_bytes)} of memory")
    return " · ".join(part for part in parts if part)
