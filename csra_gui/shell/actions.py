"""The window itself: how it looks, its settings, help, and leaving."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions, Standard
from csra_gui.base.disk_cache import DiskCache
from csra_gui.base.paths import log_file
from csra_gui.base.settings import THEME, Settings
from csra_gui.session.session import Session
from csra_gui.shell.advanced_page import AdvancedPage
from csra_gui.shell.help_window import HelpWindow
from csra_gui.shell.log_dialog import LogDialog
from csra_gui.shell.manual import read_manual
from csra_gui.shell.settings_dialog import SettingsDialog
from csra_gui.shell.storage_page import StoragePage
from csra_gui.widgets.text_dialogs import AboutDialog
from csra_gui.widgets.windows import bring_up

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("theme_system", "Like the &desktop", checkable=True, group="theme"),
    ActionSpec("theme_light", "&Light", checkable=True, group="theme"),
    ActionSpec("theme_dark", "&Dark", checkable=True, group="theme"),
    ActionSpec("full_screen", "F&ull screen", ("F11",), checkable=True),
    ActionSpec("settings", "Se&ttings…", ("Ctrl+,",), "settings"),
    ActionSpec("quit", "&Quit", ("Ctrl+Q",)),
    ActionSpec("manual", "&Manual", (Standard.HelpContents,), "help"),
    ActionSpec("shortcuts", "&Keyboard shortcuts", ("Ctrl+F1",)),
    ActionSpec("show_log", "Show &log", tip="What the program wrote down, to read or send."),
    ActionSpec("about", "&About", (), "info"),
)


class WindowActions(FeatureActions):
    """Theme, full screen, settings, shortcuts, the log, about and the end.

    Args:
        caches: can be emptied in the settings.
        show_shortcuts: lists the keys of all features.
        window: is shown full, and closed.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        caches: Sequence[DiskCache],
        show_shortcuts: Callable[[], object],
        window: QWidget,
    ) -> None:
        super().__init__(ACTIONS, window)
        self._session = session
        self._settings = settings
        self._caches = caches
        self._manual: HelpWindow | None = None
        self._window = window
        self.connect_slots(
            {
                "theme_system": lambda: settings.set_value(THEME, "system"),
                "theme_light": lambda: settings.set_value(THEME, "light"),
                "theme_dark": lambda: settings.set_value(THEME, "dark"),
                "full_screen": self._set_full_screen,
                "settings": self._show_settings,
                "quit": window.close,
                "manual": self._show_manual,
                "shortcuts": show_shortcuts,
                "show_log": self._show_log,
                "about": self._show_about,
            }
        )
        self.refresh_on(settings.setting_changed)

    @override
    def refresh(self) -> None:
        self[f"theme_{self._settings.value(THEME)}"].setChecked(True)

    def _set_full_screen(self, on: bool) -> None:
        if on:
            self._window.showFullScreen()
        else:
            self._window.showNormal()

    def _show_settings(self) -> None:
        storage = StoragePage(self._session, self._caches)
        facts = AdvancedPage(self._session.models.model)
        dialog = SettingsDialog(
            self._settings, {"Storage": storage, "Advanced": facts}, self._window
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _show_manual(self) -> None:
        if self._manual is None:
            self._manual = HelpWindow(self._window)
            self._session.jobs.run(read_manual, "read manual", self._manual.set_pages)
        bring_up(self._manual)

    def _show_log(self) -> None:
        LogDialog(self._session.jobs, log_file(), self._window).open()

    def _show_about(self) -> None:
        AboutDialog(self._session.models.model, self._window).open()
