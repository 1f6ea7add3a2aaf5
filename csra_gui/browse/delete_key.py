"""The Delete key means the photos only where photos have the keys; on labels it means these."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from typing_extensions import override

_NONE = Qt.KeyboardModifier.NoModifier
_PAD = Qt.KeyboardModifier.KeypadModifier


class DeleteKey(QObject):
    """Runs a command when Delete is pressed in some widgets; on macOS, Command and Backspace."""

    def __init__(self, command: QAction, places: Sequence[QWidget], parent: QObject) -> None:
        super().__init__(parent)
        self._command = command
        for place in places:
            self.watch(place)

    def watch(self, place: QWidget) -> None:
        """Look at the keys of one more widget, and of those in it that leave the key to it."""
        place.installEventFilter(self)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        is_label = isinstance(QApplication.focusWidget(), QAbstractButton)
        if not _is_delete(event) or event.isAutoRepeat() or is_label:
            return False
        self._command.trigger()
        return True


def _is_delete(event: QKeyEvent) -> bool:
    modifiers = event.modifiers() & ~_PAD
    if event.key() == Qt.Key.Key_Delete:
        return modifiers == _NONE
    is_command = modifiers == Qt.KeyboardModifier.ControlModifier
    return sys.platform == "darwin" and event.key() == Qt.Key.Key_Backspace and is_command
