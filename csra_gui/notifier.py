"""How the program tells a person what happened."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.dialogs.text_dialogs import BugDialog
from csra_gui.widgets.message_bar import MessageBar, MessageLevel
from engine.texts import display_text

_log = logging.getLogger(__name__)


class Notifier(QObject):
    """Expected things go to the message bar, faults of the program to a dialog."""

    def __init__(self, bar: MessageBar, window: QWidget) -> None:
        super().__init__(window)
        self._bar = bar
        self._window = window
        self._bug_dialog: BugDialog | None = None
        self._actions: dict[str, Callable[[], None]] = {}
        bar.action_triggered.connect(self._on_bar_action_triggered)

    def info(self, text: str) -> None:
        """Something ended as it should."""
        self._show(text, MessageLevel.INFO)

    def warning(
        self, text: str, action_text: str = "", action: Callable[[], None] | None = None
    ) -> None:
        """Something is not as one would wish, and the work goes on."""
        self._show(text, MessageLevel.WARNING, action_text, action)

    def error(
        self, text: str, action_text: str = "", action: Callable[[], None] | None = None
    ) -> None:
        """Something failed; the text says what to do."""
        self._show(text, MessageLevel.ERROR, action_text, action)

    def clear(self) -> None:
        """Take away what is shown; it is no longer true."""
        self._bar.clear()

    def report_bug(self, text: str) -> None:
        """Show a fault of the program; several go into one dialog."""
        if self._bug_dialog is not None:
            self._bug_dialog.add(text)
            return
        self._bug_dialog = dialog = BugDialog(text, self._window)
        dialog.finished.connect(self._forget_bug_dialog)
        dialog.open()

    @Slot()
    def _forget_bug_dialog(self) -> None:
        self._bug_dialog = None

    def _show(
        self,
        text: str,
        level: MessageLevel,
        action_text: str = "",
        action: Callable[[], None] | None = None,
    ) -> None:
        _log.info("Shown (%s): %s", level, text)
        if action is not None:
            self._actions[action_text] = action
        self._bar.show_message(display_text(text), level, action_text or None)

    @Slot(str)
    def _on_bar_action_triggered(self, action_text: str) -> None:
        # One caption always means one command, so the caption is enough to find it.
        self._actions[action_text]()
