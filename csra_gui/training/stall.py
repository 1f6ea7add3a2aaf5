"""Noticing that a training answers and gets no further; what to do is for the person to say."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from csra_gui.training.runner import Phase, TrainingRunner

# The first step on a graphics card, an epoch's end that judges very many photos, or pixels from a
# slow server may say nothing for minutes. So nothing is ended here, only told, and told once.
_QUIET_MS = 20 * 60_000
_AT_WORK = frozenset({Phase.PREPARING, Phase.RUNNING, Phase.PAUSING, Phase.STOPPING})


class StallWatch(QObject):
    """Waits for the next report of a training.

    Args:
        runner: of the training.
        parent: who is told.

    Signals:
        stalled: nothing came for long, in minutes; not again before something comes.
        went_on: something came after all.
    """

    stalled = Signal(int)
    went_on = Signal()

    def __init__(self, runner: TrainingRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._runner = runner
        self._is_told = False
        self._timer = QTimer(self, singleShot=True, interval=_QUIET_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        runner.phase_changed.connect(self._wait_anew)
        runner.reported.connect(self._wait_anew)

    @Slot()
    def _wait_anew(self) -> None:
        self._timer.stop()
        if self._is_told:
            self._is_told = False
            self.went_on.emit()
        if self._runner.phase in _AT_WORK:
            self._timer.start()

    @Slot()
    def _on_timer_timeout(self) -> None:
        self._is_told = True
        self.stalled.emit(self._timer.interval() // 60_000)
