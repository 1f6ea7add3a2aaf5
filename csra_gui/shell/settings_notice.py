"""Tells the person that settings cannot be saved, as long as that is so."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Slot

from csra_gui.base.settings_file import SettingsFile
from csra_gui.widgets.notifier import Notifier, Topic

#: So soon after a change it is known whether the disk took it.
SOON_MS = 1000
#: So often it is tried again after it did not.
AGAIN_MS = 5000
_NOT_SAVED = (
    "Your settings cannot be saved: their disk is full or takes nothing. Make room, and they are "
    "saved by themselves."
)


class SettingsNotice(QObject):
    """One message, which goes when they are saved after all.

    Args:
        file: that they are to be saved in.
        notifier: shows it.
        parent: the window.
    """

    def __init__(self, file: SettingsFile, notifier: Notifier, parent: QObject) -> None:
        super().__init__(parent)
        self._file = file
        self._notifier = notifier
        self._due = QTimer(self, singleShot=True)
        self._due.timeout.connect(self._save)
        file.touched.connect(self._on_file_touched)
        file.saving_failed.connect(self._on_file_saving_failed)
        file.saved_again.connect(self._on_file_saved_again)

    @Slot()
    def _save(self) -> None:
        self._file.save()
        if self._file.has_failed:
            self._due.start(AGAIN_MS)

    @Slot()
    def _on_file_touched(self) -> None:
        if not self._due.isActive():
            self._due.start(SOON_MS)

    @Slot()
    def _on_file_saving_failed(self) -> None:
        self._notifier.warning(_NOT_SAVED, Topic.SETTINGS)

    @Slot()
    def _on_file_saved_again(self) -> None:
        self._notifier.clear(Topic.SETTINGS)
