"""Which categories come together, and which labels are given wrongly beside which right ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.evaluation.cases import PairKind, pair_cases
from csra_gui.evaluation.result_state import ResultState
from csra_gui.plots.heat_matrix import HeatMatrix
from csra_gui.widgets.labels import plain_label
from engine.api.label_names import shown_label
from engine.metrics.cooccurrence import CoOccurrence, co_occurrence

_WAIT_MS = 200
#: So many categories are listed at most: those of the most pairs.
MOST_LISTED = 100
_TEXTS = {
    PairKind.CONFUSED: "{row} in the image, {column} wrongly labelled: {count} images",
    PairKind.TRUE: "{row} and {column} in the image: {count} images",
    PairKind.GIVEN: "labelled {row} and {column}: {count} images",
}
_HELP = {
    PairKind.CONFUSED: "Rows: what is in the image. Columns: what was labelled and is not there.",
    PairKind.TRUE: "How often two categories are in the same image.",
    PairKind.GIVEN: "How often two labels were given to the same image.",
}


class CooccurrenceTab(QWidget):
    """A matrix of categories; counted in a worker, a click on a cell shows its images."""

    def __init__(self, state: ResultState, jobs: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._counting = JobSlot(jobs, "count pairs", self)
        self._pairs: CoOccurrence | None = None
        self._listed: NDArray[np.int64] = np.arange(0)
        self.kind = QComboBox(self)
        self.help = plain_label("", self)
        self.matrix = HeatMatrix("Pairs of categories", self)
        self._timer = QTimer(self, singleShot=True, interval=_WAIT_MS)
        self._timer.timeout.connect(self._count)
        for kind in PairKind:
            self.kind.addItem(kind.value.capitalize(), kind)
        self.kind.setAccessibleName("What is counted")
        top = QHBoxLayout()
        top.addWidget(self.kind)
        top.addWidget(self.help, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.matrix, 1)
        state.table_changed.connect(self._timer.start)
        self.kind.activated.connect(self._show)
        self.matrix.cell_activated.connect(self._on_matrix_cell_activated)
        self.matrix.export_requested.connect(state.export_requested)

    @property
    def chosen_kind(self) -> PairKind:
        """What is counted."""
        kind: PairKind = self.kind.currentData()
        return kind

    @Slot()
    def _count(self) -> None:
        analysis, table = self._state.analysis, self._state.table
        self._counting.drop()
        if analysis is None or table is None:
            self._pairs = None
            return
        run, thresholds = analysis.run, table.thresholds
        self._counting.run(
            lambda: co_occurrence(analysis.scores, run.targets, run.ignored, thresholds),
            self._take_pairs,
        )

    def _take_pairs(self, pairs: CoOccurrence) -> None:
        self._pairs = pairs
        self._show()

    @Slot()
    def _show(self) -> None:
        analysis, pairs, kind = self._state.analysis, self._pairs, self.chosen_kind
        self.help.setText(_HELP[kind])
        if analysis is None or pairs is None:
            return
        names = [shown_label(name) for name in analysis.run.categories]
        counts, whole = {
            PairKind.CONFUSED: (pairs.wrong_given_true, pairs.open_given_true),
            PairKind.TRUE: (pairs.true_true, pairs.true_true.diagonal()[:, np.newaxis]),
            PairKind.GIVEN: (
                pairs.predicted_predicted,
                pairs.predicted_predicted.diagonal()[:, np.newaxis],
            ),
        }[kind]
        self._listed = listed = _most_paired(counts)
        if len(listed) < len(names):
            rest = f"the {len(listed):,} of {len(names):,} categories with most pairs."
            self.help.setText(f"{_HELP[kind]} Listed: {rest}")
        some = np.ix_(listed, listed)
        shades = _shades(counts, whole, kind)[some]
        self.matrix.set_counts([names[i] for i in listed], counts[some], shades, _TEXTS[kind])

    @Slot(int, int)
    def _on_matrix_cell_activated(self, row: int, column: int) -> None:
        analysis, table = self._state.analysis, self._state.table
        if analysis is not None and table is not None:
            first, second = int(self._listed[row]), int(self._listed[column])
            cases = pair_cases(analysis, table.thresholds, self.chosen_kind, first, second)
            self._state.cases_requested.emit(cases)


def _most_paired(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The categories that are in most pairs with others, in their order; all if they are few."""
    others = counts * ~np.eye(len(counts), dtype=bool)
    ranked = np.argsort(-(others.sum(axis=0) + others.sum(axis=1)), kind="stable")
    return np.sort(ranked[:MOST_LISTED])


def _shades(
    counts: NDArray[np.int64], whole: NDArray[np.int64], kind: PairKind
) -> NDArray[np.float64]:
    """(C, C) in [0, 1]: shares; confusions are rare, so the strongest of them is full."""
    shares = np.zeros(counts.shape)
    np.divide(counts, whole, out=shares, where=np.broadcast_to(whole, counts.shape) > 0)
    strongest = shares.max(initial=0.0)
    return shares / strongest if kind is PairKind.CONFUSED and strongest > 0 else shares
