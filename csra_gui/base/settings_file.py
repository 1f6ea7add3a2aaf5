"""The settings file as Qt keeps it, which says when it could not be written."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, Signal
from typing_extensions import override

from csra_gui.base.paths import keep_file_private
from csra_gui.base.settings_litter import remove_dead_lock

_log = logging.getLogger(__name__)


class SettingsFile(QSettings):
    """Qt writes what changed by itself, and does not say whether it could.

    What could not be written stays in memory, and the old file stays on the disk. It has no timer
    of its own: settings may be given up at any moment, by any thread.

    Signals:
        touched: something is to be written.
        saving_failed: the disk does not take it; once, until it did again.
        saved_again: now it did.
    """

    touched = Signal()
    saving_failed = Signal()
    saved_again = Signal()

    def __init__(self, file: Path) -> None:
        super().__init__(str(file), QSettings.Format.IniFormat)
        self.has_failed = False

    @classmethod
    def opened(cls, file: Path) -> SettingsFile:
        """The file, its owner's alone; a damaged one is put aside, and a new one begun."""
        remove_dead_lock(file)
        store = cls(keep_file_private(file))
        if store.status() == QSettings.Status.FormatError:
            _log.info("The settings file is damaged; it is kept as %s.damaged", file.name)
            file.replace(file.with_name(file.name + ".damaged"))
            store = cls(file)
        return store

    @override
    def setValue(self, key: str, value: Any) -> None:
        super().setValue(key, value)
        self.touched.emit()

    @override
    def remove(self, key: str) -> None:
        super().remove(key)
        self.touched.emit()

    def save(self) -> None:
        """Write the file now."""
        self.sync()
        # The status of this object stays what it was after its first fault.
        now = QSettings(self.fileName(), QSettings.Format.IniFormat)
        now.sync()
        had_failed, self.has_failed = self.has_failed, now.status() != QSettings.Status.NoError
        if self.has_failed and not had_failed:
            _log.info("The settings could not be saved: %s", now.status().name)
            self.saving_failed.emit()
        elif had_failed and not self.has_failed:
            self.saved_again.emit()
