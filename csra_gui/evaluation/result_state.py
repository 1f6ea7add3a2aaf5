"""The run that is looked at: its numbers at the thresholds of the moment."""

from __future__ import annotations

from enum import Enum

import numpy as np
from PySide6.QtCore import QObject, Signal

from csra_gui.evaluation.analysis import (
    Analysis,
    LabelTable,
    Thresholds,
    label_table,
    with_threshold,
)
from engine.api.values import DEFAULT_THRESHOLD


class ThresholdSet(Enum):
    """Where thresholds may come from; the value is for people."""

    HALF = "One half, as published numbers"
    STORED = "Those in the model's file"
    BEST_F1 = "Best F1 on these very images"
    COMMON = "One for all, best F1 on them"


class ResultState(QObject):
    """What the tabs of the results share.

    Signals:
        analysis_changed: another run, or more of its numbers are there.
        table_changed: the thresholds are others, and with them the labels.
        category_changed: the index of the category that is looked at.
        cases_requested: the ``Cases`` that the person wants to see.
        export_requested: a ``Path`` and the bytes that belong there.
    """

    analysis_changed = Signal()
    table_changed = Signal()
    category_changed = Signal(int)
    cases_requested = Signal(object)
    export_requested = Signal(object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.analysis: Analysis | None = None
        self.table: LabelTable | None = None
        self.category = 0

    def set_analysis(self, analysis: Analysis | None) -> None:
        """Look at another run; thresholds stay if it is the same with more numbers."""
        before = self.analysis
        is_same = before is not None and analysis is not None and before.folder == analysis.folder
        self.analysis = analysis
        if analysis is None:
            self.table = None
        elif not is_same:
            self.category = 0
            self.table = label_table(analysis, self._half(analysis))
        self.analysis_changed.emit()
        if not is_same:
            self.table_changed.emit()
            self.category_changed.emit(self.category)

    def set_category(self, category: int) -> None:
        """Look at another category."""
        if category != self.category and category >= 0:
            self.category = category
            self.category_changed.emit(category)

    def set_threshold(self, threshold: float) -> None:
        """Label by another threshold of the category that is looked at."""
        if self.analysis is not None and self.table is not None:
            threshold = min(max(threshold, 0.0), 1.0)
            self.table = with_threshold(self.analysis, self.table, self.category, threshold)
            self.table_changed.emit()

    def use(self, which: ThresholdSet) -> None:
        """Take a whole set of thresholds."""
        if self.analysis is None:
            return
        best, half = self.analysis.report.thresholds, self._half(self.analysis)
        thresholds = {
            ThresholdSet.HALF: half,
            ThresholdSet.STORED: stored_thresholds(self.analysis, half),
            ThresholdSet.BEST_F1: np.array(best.values),
            ThresholdSet.COMMON: np.full(len(best.values), best.common),
        }[which]
        self.table = label_table(self.analysis, thresholds)
        self.table_changed.emit()

    @staticmethod
    def _half(analysis: Analysis) -> Thresholds:
        return np.full(len(analysis.run.categories), DEFAULT_THRESHOLD)


def stored_thresholds(analysis: Analysis, half: Thresholds) -> Thresholds:
    """Those in the model's file; one half if it has none, which is what it then goes by."""
    labels = analysis.report.at_stored
    return half if labels is None else np.array(labels.thresholds)
