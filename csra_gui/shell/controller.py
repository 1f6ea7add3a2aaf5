"""The window's small dialogs, opened by its commands."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from csra_gui.base.paths import log_file
from csra_gui.base.settings import Settings
from csra_gui.session.session import Session
from csra_gui.shell.log_dialog import LogDialog
from csra_gui.shell.settings_dialog import SettingsDialog
from csra_gui.widgets.text_dialogs import AboutDialog


class WindowDialogs(QObject):
    """Opens settings, the log and about; none of them waits."""

    def __init__(self, session: Session, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._window = window

    def show_settings(self) -> None:
        """What the program remembers."""
        SettingsDialog(self._settings, self._window).open()

    def show_log(self) -> None:
        """What the program wrote down."""
        LogDialog(self._session.jobs, log_file(), self._window).open()

    def show_about(self) -> None:
        """Versions, licence and the model."""
        AboutDialog(self._session.models.model, self._window).open()
