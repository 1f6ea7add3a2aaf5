"""Where objects that refer to each other are taken apart: in the window's thread alone."""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import QObject, QTimer, Slot

_INTERVAL_MS = 1000
#: Looking at everything may take this share of the time at most.
_SHARE_OF_TIME = 0.01


class GarbageCollector(QObject):
    """Does what Python does by itself, but never in a thread that is not the window's.

    Python looks for such objects in whichever thread makes a new one. There, the end of a widget
    or of a timer takes Qt's locks while it keeps Python's, and the window's thread, which takes
    them the other way round, waits for ever.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._next_full = 0.0
        self._timer = QTimer(self, interval=_INTERVAL_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        self._timer.start()

    def close(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        if self._was_enabled:
            gc.enable()

    @Slot()
    def _on_timer_timeout(self) -> None:
        young, middle, old = (
            count > limit for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)
        )
        started = time.monotonic()
        if old and started >= self._next_full:
            gc.collect()
            ended = time.monotonic()
            self._next_full = ended + (ended - started) / _SHARE_OF_TIME
        elif middle or old:
            gc.collect(1)
        elif young:
            gc.collect(0)
