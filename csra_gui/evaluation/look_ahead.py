"""Saying what a choice of data would come to, while a dialog is being filled in."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QLabel

from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.evaluation.data_chooser import DataChooser
from csra_gui.evaluation.preflight import FoundData, Preflight
from csra_gui.widgets.fact_sheet import FactSheet
from engine.texts import display_text

_WAIT_MS = 150


class LookAhead(QObject):
    """Reads the lists of a data set in a job, a moment after the last change of a choice.

    Args:
        jobs: where it is read.
        data: which data set.
        sheet: takes the facts.
        problem: says what is wrong with the choice.
        work: from a data set and a split the work that looks ahead; ``None``: it cannot yet.
        nothing_chosen: what the sheet says before there is a data set.

    Signals:
        found: a ``Preflight``, once the sheet has it.
    """

    found = Signal(object)

    def __init__(
        self,
        jobs: JobRunner,
        data: DataChooser,
        sheet: FactSheet,
        problem: QLabel,
        work: Callable[[FoundData, str], Callable[[], Preflight] | None],
        nothing_chosen: str,
    ) -> None:
        super().__init__(data)
        self._data, self._sheet, self._problem = data, sheet, problem
        self._work = work
        self._nothing_chosen = nothing_chosen
        self._slot = JobSlot(jobs, "look ahead", self)
        self._timer = QTimer(self, singleShot=True, interval=_WAIT_MS)
        self._timer.timeout.connect(self._look)
        data.refused.connect(self._on_data_refused)

    def begin_soon(self) -> None:
        """Something was chosen: look once no more changes."""
        self._timer.start()

    @Slot()
    def _look(self) -> None:
        self._slot.drop()
        data, split = self._data.data, self._data.chosen_split
        if data is None or not split:
            if not self._problem.text():
                self._sheet.set_facts(self._nothing_chosen, ())
            return
        work = self._work(data, split)
        if work is None:
            return
        self._problem.clear()
        self._sheet.set_facts("Reading the data set…", ())
        self._slot.run(work, self._take)

    def _take(self, found: Preflight) -> None:
        self._sheet.set_facts(found.heading, found.facts)
        self._problem.setText(display_text(found.problem))
        self.found.emit(found)

    @Slot(str)
    def _on_data_refused(self, text: str) -> None:
        self._sheet.set_facts("", ())
        self._problem.setText(display_text(text))
