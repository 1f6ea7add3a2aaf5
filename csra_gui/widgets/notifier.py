"""How the program tells a person what happened."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from csra_gui.widgets.message_bar import MessageBar, MessageLevel
from csra_gui.widgets.text_dialogs import BugDialog
from csra_gui.widgets.toast import Toast
from engine.texts import display_text

_log = logging.getLogger(__name__)


class Topic(StrEnum):
    """What messages are about: a newer one replaces an older one of the same topic."""

    SCAN = "scan"
    LEFT_OUT = "left out"
    FILES = "files"
    TAGGING = "tagging"
    MODEL = "model"
    MODELS = "models"
    LIBRARY = "library"
    NOTE = "note"
    DUPLICATES = "near-duplicates"
    EVALUATION = "evaluation"
    PHOTOS = "photos"
    TRAINING = "training"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Remedy:
    """What can be done about a message: the caption of a button, and what it does."""

    caption: str
    action: Callable[[], object]


class Notifier(QObject):
    """Expected things go to the message bar, faults of the program to a dialog.

    Attributes:
        place: over which a line about what has just been done appears.
    """

    def __init__(self, bar: MessageBar, window: QWidget) -> None:
        super().__init__(window)
        self._bar = bar
        self._window = window
        self.place = window
        self.toast: Toast | None = None
        self._bug_dialog: BugDialog | None = None

    def info(self, text: str, topic: Topic, remedy: Remedy | None = None) -> None:
        """Something ended as it should."""
        self._show(text, MessageLevel.INFO, topic, remedy)

    def warning(self, text: str, topic: Topic, remedy: Remedy | None = None) -> None:
        """Something is not as one would wish, and the work goes on."""
        self._show(text, MessageLevel.WARNING, topic, remedy)

    def error(self, text: str, topic: Topic, remedy: Remedy | None = None) -> None:
        """Something failed; the text says what to do."""
        self._show(text, MessageLevel.ERROR, topic, remedy)

    def done(self, text: str, remedy: Remedy | None = None) -> None:
        """Something was done as the person wanted: said for a moment, over the photos."""
        direct = Qt.FindChildOption.FindDirectChildrenOnly
        inside = self._window.findChildren(QWidget, options=direct)
        covers = [w for w in inside if w.isWindow() and w.isVisible() and w.isFullScreen()]
        place = covers[0] if covers else self.place
        if self.toast is None or not isValid(self.toast) or self.toast.parentWidget() is not place:
            self.undone()
            self.toast = Toast(place)
        self.toast.show_text(display_text(text), None if remedy is None else _action(remedy))

    def undone(self) -> None:
        """What was said last to have been done is so no more."""
        if self.toast is not None and isValid(self.toast):
            self.toast.hide()

    def clear(self, *topics: Topic) -> None:
        """Take away what is shown of these topics; it is no longer true."""
        self._bar.clear(*topics)

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

    def _show(self, text: str, level: MessageLevel, topic: Topic, remedy: Remedy | None) -> None:
        _log.info("Shown (%s): %s", level, text)
        action = None if remedy is None else _action(remedy)
        self._bar.show_message(display_text(text), level, action, topic)


def _action(remedy: Remedy) -> QAction:
    action = QAction(remedy.caption)
    action.triggered.connect(lambda _checked=False: remedy.action())
    return action
