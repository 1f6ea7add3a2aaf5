"""One line in the window about what learns, while the dialog about it may be closed."""

from __future__ import annotations

import math

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from csra_gui.training.progress_view import status_text
from csra_gui.training.runner import Phase, TrainingRunner
from csra_gui.training.texts import duration, plain_label
from engine.texts import display_text

_BAR_WIDTH, _BAR_HEIGHT = 160, 8


class TrainingProgressBar(QWidget):
    """Hidden while nothing is trained.

    Signals:
        show_requested: the person wants to see the training.
    """

    show_requested = Signal()

    def __init__(self, runner: TrainingRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self.text: QLabel = plain_label("", self)
        self.text.setWordWrap(False)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(_BAR_WIDTH, _BAR_HEIGHT)
        self.bar.setAccessibleName("Progress of the training")
        self.show_button = QPushButton("Show training", self)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 8, 2)
        row.setSpacing(10)
        row.addWidget(self.text, 1)
        row.addWidget(self.bar)
        row.addWidget(self.show_button)
        self.show_button.clicked.connect(self.show_requested)
        runner.phase_changed.connect(self._show)
        runner.reported.connect(self._show)
        self.hide()

    @Slot()
    def _show(self) -> None:
        runner = self._runner
        self.setVisible(runner.phase is not Phase.ENDED)
        if runner.run is None or runner.phase is Phase.ENDED:
            return
        record, step = runner.record, runner.record.step
        parts = [display_text(runner.run.name), status_text(record, runner.phase)]
        if step is not None and math.isfinite(step.remaining_seconds):
            parts.append(f"about {duration(step.remaining_seconds)} left")
        self.text.setText(" · ".join(parts))
        self.bar.setVisible(runner.phase is not Phase.ASKING)
        if step is not None:
            self.bar.setRange(0, step.total)
            self.bar.setValue(step.step)
        else:
            self.bar.setRange(0, 0)
