"""Hears of drives that come and go, where the system tells of them."""

from __future__ import annotations

import contextlib
import os

from PySide6.QtCore import QObject, QSocketNotifier, Signal, Slot

_TABLE = "/proc/self/mounts"


class MountWatch(QObject):
    """Tells when something was mounted or taken away (Linux); elsewhere it is silent.

    The table of mounts asks no disk, so this may be done in the GUI thread.

    Signals:
        changed: something was.
    """

    changed = Signal()

    def __init__(self, parent: QObject, table: str = _TABLE) -> None:
        super().__init__(parent)
        self._table = -1
        self._notifier: QSocketNotifier | None = None
        with contextlib.suppress(OSError):
            self._table = os.open(table, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            kind = QSocketNotifier.Type.Exception
            self._notifier = QSocketNotifier(self._table, kind, self)
            self._notifier.activated.connect(self._on_notifier_activated)

    def close(self) -> None:
        """Listen no more."""
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            os.close(self._table)
            self._notifier = None

    @Slot()
    def _on_notifier_activated(self) -> None:
        self.changed.emit()
