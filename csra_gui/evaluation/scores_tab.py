"""Which scores images get that have a category or not, and whether the scores keep their word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from csra_gui.evaluation.analysis import RELIABILITY_BINS, SCORE_BINS, Analysis
from csra_gui.evaluation.cases import score_cases
from csra_gui.evaluation.category_chooser import CategoryChooser
from csra_gui.evaluation.result_state import ResultState
from csra_gui.plots.bars import BarGroup, BarPlot
from csra_gui.plots.values import Series
from engine.texts import percent, whole_percent


class ScoresTab(QWidget):
    """A histogram and a reliability plot; a click on a bar shows its images."""

    def __init__(self, state: ResultState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.chooser = CategoryChooser(state, "All categories", self)
        self.histogram = BarPlot("Scores", self)
        self.reliability = BarPlot("Calibration", self)
        self.readout = QLabel(self)
        self._set_up()
        state.analysis_changed.connect(self._show)
        state.table_changed.connect(self._show_threshold)
        self.chooser.choice_changed.connect(self._show)
        self.histogram.bar_clicked.connect(self._on_histogram_bar_clicked)
        self.histogram.cursor_moved.connect(self._on_histogram_cursor_moved)
        self.reliability.bar_clicked.connect(self._on_reliability_bar_clicked)

    def _set_up(self) -> None:
        self.histogram.set_axes("score", "share of the images")
        self.reliability.set_axes("score that was given", "share that has the category")
        self.histogram.set_ranges((0.0, 1.0), None)
        self.reliability.set_ranges((0.0, 1.0), (0.0, 1.0))
        self.histogram.place_legend(0.5, 0.03)
        self.reliability.place_legend(0.05, 0.03)
        self.readout.setWordWrap(True)
        self.readout.setAccessibleName("Calibration in numbers")
        plots = QHBoxLayout()
        for plot in (self.histogram, self.reliability):
            plots.addWidget(plot, 1)
            plot.export_requested.connect(self._state.export_requested)
        top = QHBoxLayout()
        top.addWidget(self.chooser)
        top.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addLayout(plots, 1)
        layout.addWidget(self.readout)

    @Slot()
    def _show(self) -> None:
        analysis, choice = self._state.analysis, self.chooser.choice
        if analysis is None:
            self.histogram.set_bars(np.zeros(1), ())
            self.reliability.set_bars(np.zeros(1), ())
            self.readout.clear()
            return
        self._show_histogram(analysis, choice)
        self._show_reliability(analysis, choice)
        self._show_threshold()
        calibration = analysis.report.calibration
        if choice is None:
            error, brier = calibration.ece_equal_mass, calibration.brier
        else:
            error = calibration.ece_by_category[choice]
            brier = calibration.brier_by_category[choice]
        self.readout.setText(
            f"Scores are off by {percent(error)} points on average (ECE); the mean squared error "
            f"is {brier:.4f} (Brier).{_calibrated_text(analysis, choice)} Bars on the dashed line "
            "mean: of the labels with a score of 70 %, 70 % are right."
        )
        self.histogram.set_summary(_spread_text(self.histogram.groups))
        self.reliability.set_summary(self.readout.text())

    def _show_histogram(self, analysis: Analysis, choice: int | None) -> None:
        edges = np.linspace(0.0, 1.0, SCORE_BINS + 1)
        groups = []
        both = analysis.distribution.histogram
        for name, by_category in zip(("has it", "has it not"), both, strict=True):
            counts = _of(by_category, choice)
            groups.append(BarGroup(name, counts / max(1.0, counts.sum()), counts))
        self.histogram.set_bars(edges, groups)

    def _show_reliability(self, analysis: Analysis, choice: int | None) -> None:
        spread = analysis.distribution
        held, counts = _of(spread.held, choice), _of(spread.counts, choice)
        heights = np.full(len(counts), np.nan)
        np.divide(held, counts, out=heights, where=counts > 0)
        ends = np.array([0.0, 1.0])
        self.reliability.set_series([Series("", ends, ends, is_guide=True)])
        edges = np.linspace(0.0, 1.0, RELIABILITY_BINS + 1)
        self.reliability.set_bars(edges, [BarGroup("share that has it", heights, counts)])

    @Slot()
    def _show_threshold(self) -> None:
        table, choice = self._state.table, self.chooser.choice
        is_one = table is not None and choice is not None
        at = float(table.thresholds[choice]) if is_one and table is not None else None
        self.histogram.set_cursor(at, (0.0, 1.0))

    @Slot(float)
    def _on_histogram_cursor_moved(self, threshold: float) -> None:
        self._state.set_threshold(threshold)

    @Slot(int, int)
    def _on_histogram_bar_clicked(self, group: int, place: int) -> None:
        self._request(place / SCORE_BINS, (place + 1) / SCORE_BINS, group == 0)

    @Slot(int, int)
    def _on_reliability_bar_clicked(self, _group: int, place: int) -> None:
        self._request(place / RELIABILITY_BINS, (place + 1) / RELIABILITY_BINS, None)

    def _request(self, low: float, high: float, has_it: bool | None) -> None:
        analysis = self._state.analysis
        if analysis is not None:
            cases = score_cases(analysis, self.chooser.choice, low, high, has_it)
            self._state.cases_requested.emit(cases)


def _calibrated_text(analysis: Analysis, choice: int | None) -> str:
    """What the calibration in the model's file makes of it; empty if there is none."""
    found = analysis.report.calibrated
    if found is None:
        return ""
    error = found.ece_equal_mass if choice is None else found.ece_by_category[choice]
    brier = found.brier if choice is None else found.brier_by_category[choice]
    return f" With the calibration in the model's file: {percent(error)} and {brier:.4f}."


def _spread_text(groups: Sequence[BarGroup]) -> str:
    """What the histogram shows, in words."""
    half = SCORE_BINS // 2
    parts = [
        f"{whole_percent(group.heights[half:].sum())} of those of which the truth is: {group.name}"
        for group in groups
    ]
    return f"A score of at least one half: {'; '.join(parts)}."


def _of(by_category: NDArray[Any], choice: int | None) -> NDArray[np.float64]:
    """(B,): of one category, or of all together."""
    values = by_category.sum(axis=0) if choice is None else by_category[choice]
    return np.asarray(values, dtype=np.float64)
