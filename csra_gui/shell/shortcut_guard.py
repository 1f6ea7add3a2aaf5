"""Keeps commands on single keys from taking what a person types."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QTreeView,
    QWidget,
)
from shiboken6 import isValid
from typing_extensions import override

_EDITORS = (QLineEdit, QAbstractSpinBox, QPlainTextEdit, QTextEdit)
_RETURNS = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})
_OTHER_TYPED = _RETURNS | {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}
_COMMANDING = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)


class TypingGuard(QObject):
    """While a text has the focus, keys without Ctrl or Alt belong to it; in a tree, Return does.

    Qt asks the widget with the focus before it runs a shortcut; line edits claim letters, but
    neither Return nor what a read-only text would get. The filter is on that one widget only:
    one on the whole application would see every event there is.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._guarded: QWidget | None = None
        app = QApplication.instance()
        assert isinstance(app, QApplication)  # noqa: S101 - narrows the type, no input is checked
        app.focusChanged.connect(self._on_app_focus_changed)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        if event.modifiers() & _COMMANDING or not _belongs_to(watched, event.key()):
            return False
        event.accept()
        return True

    @Slot(QWidget, QWidget)
    def _on_app_focus_changed(self, _old: QWidget | None, now: QWidget | None) -> None:
        # A widget that is being deleted gives the focus away before it says that it is gone.
        if self._guarded is not None and isValid(self._guarded):
            self._guarded.removeEventFilter(self)
            self._guarded.destroyed.disconnect(self._forget)
        editable = isinstance(now, QComboBox) and now.isEditable()
        self._guarded = now if editable or isinstance(now, (*_EDITORS, QTreeView)) else None
        if self._guarded is not None:
            self._guarded.installEventFilter(self)
            self._guarded.destroyed.connect(self._forget)

    @Slot()
    def _forget(self) -> None:
        self._guarded = None


def _belongs_to(widget: QObject, key: int) -> bool:
    if isinstance(widget, QTreeView):
        return key in _RETURNS
    return key < Qt.Key.Key_Escape or key in _OTHER_TYPED
