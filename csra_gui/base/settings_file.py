"""The settings file as Qt keeps it, which says when it could not be written."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, QSettings, QTimer, Signal, Slot
from typing_extensions import override

from csra_gui.base.paths import keep_file_private

_log = logging.getLogger(__name__)
#: So soon after a change it is known whether the disk took it.
SOON_MS = 1000
#: So often it is tried again after it did not.
AGAIN_MS = 5000


class SettingsFile(QSettings):
    """Qt writes what changed by itself; this looks whether it could, and else tries again.

    What could not be written stays in memory, and the old file stays on the disk.

    Signals:
        saving_failed: the disk does not take it; once, until it did again.
        saved_again: now it did.
    """

    saving_failed = Signal()
    saved_again = Signal()

    def __init__(self, file: Path, parent: QObject | None = None) -> None:
        super().__init__(str(file), QSettings.Format.IniFormat, parent)
        self._has_failed = False
        self._due = QTimer(self, singleShot=True)
        self._due.timeout.connect(self.save)

    @classmethod
    def opened(cls, file: Path) -> SettingsFile:
        """The file, its owner's alone; a damaged one is put aside, and a new one begun."""
        store = cls(keep_file_private(file))
        if store.status() == QSettings.Status.FormatError:
            _log.info("The settings file is damaged; it is kept as %s.damaged", file.name)
            file.replace(file.with_name(file.name + ".damaged"))
            store = cls(file)
        return store

    @override
    def setValue(self, key: str, value: Any) -> None:
        super().setValue(key, value)
        self._save_soon()

    @override
    def remove(self, key: str) -> None:
        super().remove(key)
        self._save_soon()

    @Slot()
    def save(self) -> None:
        """Write the file now."""
        self._due.stop()
        self.sync()
        # The status of this object stays what it was after its first fault.
        now = QSettings(self.fileName(), QSettings.Format.IniFormat)
        now.sync()
        if now.status() == QSettings.Status.NoError:
            if self._has_failed:
                self._has_failed = False
                self.saved_again.emit()
            return
        if not self._has_failed:
            self._has_failed = True
            _log.info("The settings could not be saved: %s", now.status().name)
            self.saving_failed.emit()
        self._start(AGAIN_MS)

    def _save_soon(self) -> None:
        if not self._due.isActive():
            self._start(SOON_MS)

    def _start(self, wait_ms: int) -> None:
        if QCoreApplication.instance() is not None:  # else nothing is waited for yet
            self._due.start(wait_ms)
