"""The window's small dialogs, opened by its commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.base.paths import log_file
from csra_gui.base.settings import Settings
from csra_gui.base.shortcuts import Shortcuts
from csra_gui.session.session import Session
from csra_gui.shell.log_dialog import LogDialog
from csra_gui.shell.settings_dialog import SettingsDialog
from csra_gui.shell.shortcuts_dialog import ShortcutsDialog
from csra_gui.tagging.problems_dialog import Problem, ProblemsDialog
from csra_gui.widgets.text_dialogs import AboutDialog


class WindowDialogs(QObject):
    """Opens settings, unreadable photos, shortcuts and about; none of them waits."""

    def __init__(self, session: Session, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._window = window

    def show_settings(self) -> None:
        """What the program remembers."""
        SettingsDialog(self._settings, self._window).open()

    @Slot()
    def show_problems(self) -> None:
        """The photos and folders that could not be read."""
        photos = self._session.photos
        problems = [Problem(photos.paths[row], text, row) for row, text in photos.errors.items()]
        problems += [Problem(skip.path, skip.message) for skip in self._session.pipeline.skipped]
        dialog = ProblemsDialog(problems, self._window)
        dialog.photo_chosen.connect(self._session.focus.set_current)
        dialog.show()

    def show_shortcuts(
        self, shortcuts: Shortcuts, others: Sequence[tuple[str, str]], menus: Mapping[str, str]
    ) -> None:
        """What each key does; the keys of commands can be changed.

        Args:
            shortcuts: of the commands.
            others: pairs of keys and meaning.
            menus: where each command is found, by its id.
        """
        ShortcutsDialog(shortcuts, others, menus, self._window).open()

    def show_log(self) -> None:
        """What the program wrote down."""
        LogDialog(self._session.jobs, log_file(), self._window).open()

    def show_about(self) -> None:
        """Versions, licence and the model."""
        AboutDialog(self._session.models.model, self._window).open()
