"""One category's precision and recall, with the threshold under the person's hand."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from csra_gui.evaluation.category_chooser import CategoryChooser
from csra_gui.evaluation.result_state import ResultState
from csra_gui.plots.curves import CurvePlot
from csra_gui.plots.values import Series
from engine.api.values import DEFAULT_THRESHOLD
from engine.metrics.curves import PrCurve
from engine.texts import percent

_DRAWN_BUCKETS = 300


class CurvesTab(QWidget):
    """Two plots of the same counts: against each other, and against the threshold."""

    def __init__(self, state: ResultState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._curve: PrCurve | None = None
        self.chooser = CategoryChooser(state, parent=self)
        self.against = CurvePlot("Precision and recall", self)
        self.over = CurvePlot("Over the threshold", self)
        self.readout = QLabel(self)
        self.best = QPushButton("&Best F1", self)
        self.half = QPushButton("One &half", self)
        # A line that is being dragged asks more often than anybody can see.
        self._redraw_timer = QTimer(self, singleShot=True, interval=0)
        self._redraw_timer.timeout.connect(self._show_threshold)
        self._set_up()
        self._connect()

    def _set_up(self) -> None:
        self.against.set_axes("recall", "precision")
        self.over.set_axes("threshold", "share")
        for plot in (self.against, self.over):
            plot.set_ranges((0.0, 1.0), (0.0, 1.0))
        self.over.place_legend(0.5, 0.97)
        self.readout.setAccessibleName("At this threshold")
        self.readout.setWordWrap(True)
        top = QHBoxLayout()
        top.addWidget(self.chooser)
        top.addWidget(self.best)
        top.addWidget(self.half)
        top.addStretch(1)
        plots = QHBoxLayout()
        plots.addWidget(self.against, 1)
        plots.addWidget(self.over, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addLayout(plots, 1)
        layout.addWidget(self.readout)

    def _connect(self) -> None:
        state = self._state
        state.analysis_changed.connect(self._show_curve)
        state.category_changed.connect(self._show_curve)
        state.table_changed.connect(self._redraw_timer.start)
        self.against.marker_moved.connect(self._on_against_marker_moved)
        self.over.cursor_moved.connect(state.set_threshold)
        self.half.clicked.connect(lambda: state.set_threshold(DEFAULT_THRESHOLD))
        self.best.clicked.connect(self._on_best_clicked)
        for plot in (self.against, self.over):
            plot.step_requested.connect(self._on_plot_step_requested)
            plot.export_requested.connect(state.export_requested)

    @Slot()
    def _show_curve(self) -> None:
        analysis, category = self._state.analysis, self._state.category
        self._curve = None
        if analysis is not None:
            name = analysis.run.categories[category]
            curves = (curve for curve in analysis.report.curves if curve.name == name)
            self._curve = next(curves, None)
        for control in (self.best, self.half):
            control.setEnabled(self._curve is not None)
        if self._curve is None:
            self.against.set_series(())
            self.over.set_series(())
        else:
            self._draw(self._curve.thinned(_DRAWN_BUCKETS))
        self._show_threshold()

    def _draw(self, curve: PrCurve) -> None:
        both = curve.precision + curve.recall
        f1 = 2 * curve.precision * curve.recall / np.maximum(both, 1e-12)
        self.against.set_series([Series("", curve.recall, curve.precision)])
        # From strict to lenient becomes from left to right; above the highest score is no label.
        thresholds = np.append(curve.thresholds[::-1], 1.0)
        series = []
        for name, values, beyond in (
            ("precision", curve.precision, np.nan),
            ("recall", curve.recall, 0.0),
            ("F1", f1, 0.0),
        ):
            series.append(
                Series(name, thresholds, np.append(values[::-1], beyond), is_stepped=True)
            )
        self.over.set_series(series)

    @Slot()
    def _show_threshold(self) -> None:
        table, category = self._state.table, self._state.category
        if table is None or self._curve is None:
            self.against.set_marker(None)
            self.over.set_cursor(None)
            self.readout.setText("No image has this category." if table is not None else "")
            return
        threshold = float(table.thresholds[category])
        precision, recall = float(table.precision[category]), float(table.recall[category])
        self.against.set_marker((recall, 1.0 if np.isnan(precision) else precision))
        self.over.set_cursor(threshold, (0.0, 1.0))
        text = (
            f"Labels from a score of {threshold:.3f}: precision {percent(precision)} %, recall "
            f"{percent(recall)} %, F1 {percent(float(table.f1[category]))} %. "
            f"{int(table.right[category]):,} found, {int(table.wrong[category]):,} wrong, "
            f"{int(table.missed[category]):,} missed."
        )
        self.readout.setText(text)
        for plot in (self.against, self.over):
            plot.set_summary(text)

    @Slot(float, float)
    def _on_against_marker_moved(self, recall: float, precision: float) -> None:
        if self._curve is not None:
            away = (self._curve.recall - recall) ** 2 + (self._curve.precision - precision) ** 2
            self._set_point(int(np.argmin(away)))

    @Slot(int)
    def _on_plot_step_requested(self, step: int) -> None:
        table = self._state.table
        if self._curve is not None and table is not None:
            threshold = table.thresholds[self._state.category]
            here = int(np.count_nonzero(self._curve.thresholds >= threshold)) - 1
            # To the right is more recall in the one plot and a higher threshold in the other.
            step = -step if self.sender() is self.over else step
            self._set_point(min(max(here + step, 0), len(self._curve.thresholds) - 1))

    def _set_point(self, place: int) -> None:
        """The middle between this score and the next lower one, so that rounding is harmless."""
        if self._curve is not None:
            self._state.set_threshold(float(self._curve.thresholds[place : place + 2].mean()))
            self._redraw_timer.start()

    @Slot()
    def _on_best_clicked(self) -> None:
        if self._state.analysis is not None:
            values = self._state.analysis.report.thresholds.values
            self._state.set_threshold(values[self._state.category])
