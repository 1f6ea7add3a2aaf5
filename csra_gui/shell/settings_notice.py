"""Tells the person that settings cannot be saved, as long as that is so."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from csra_gui.base.settings import Settings
from csra_gui.widgets.notifier import Notifier, Topic

_NOT_SAVED = (
    "Your settings cannot be saved: their disk is full or takes nothing. Make room, and they are "
    "saved by themselves."
)


class SettingsNotice(QObject):
    """One message, which goes when they are saved after all.

    Args:
        settings: that are to be saved.
        notifier: shows it.
        parent: the window.
    """

    def __init__(self, settings: Settings, notifier: Notifier, parent: QObject) -> None:
        super().__init__(parent)
        self._notifier = notifier
        settings.saving_failed.connect(self._on_settings_saving_failed)
        settings.saved_again.connect(self._on_settings_saved_again)

    @Slot()
    def _on_settings_saving_failed(self) -> None:
        self._notifier.warning(_NOT_SAVED, Topic.SETTINGS)

    @Slot()
    def _on_settings_saved_again(self) -> None:
        self._notifier.clear(Topic.SETTINGS)
