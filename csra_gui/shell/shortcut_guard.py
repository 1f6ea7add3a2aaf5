"""Tells keys that are commands from keys that are typed, and finds those of other layouts."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)
from shiboken6 import isValid
from typing_extensions import override

from csra_gui.base.key_positions import gives_digit_by_shift, own_sequences, placed_sequences

#: Letters that follow each other within this time may be a word: none of them is a command yet.
HELD_MS = 200
#: So many of them are one, unless all are the same.
_WORD = 3
#: Leads to where a word is typed, so what follows goes there by itself.
_BEGINS_TEXT = "add_label"
_EDITORS = (QLineEdit, QAbstractSpinBox, QPlainTextEdit, QTextEdit)
#: They look for what is typed among what they list.
_SEARCHED = (QAbstractItemView, QComboBox)
_RETURNS = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})
_OTHER_TYPED = _RETURNS | {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}
_COMMANDING = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)


class TypingGuard(QObject):
    """Decides what keys without Ctrl or Alt are in a window.

    In a text they belong to it. While photos or labels have the focus they are commands, but for
    letters of a word: several in quick succession. Anywhere else they are none, and what nobody
    takes there is text. In other windows, texts alone are looked after.

    A key that no command has by its symbol can be one by its place (``base.key_positions``): the
    digits of a French keyboard, R of a Greek one.

    Qt asks the widget with the focus, then those around it, before it runs a shortcut. The filter
    is on that widget and on the window: one on the application would see every event there is.

    Args:
        window: whose commands these are.
        places: widgets in which single keys are commands, with all that is in them and takes no
            text.
        command: finds what a key runs.

    Signals:
        text_typed: where nothing takes it.
    """

    text_typed = Signal(str)

    def __init__(
        self,
        window: QWidget,
        places: Sequence[QWidget],
        command: Callable[[QKeySequence], QAction | None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._places = tuple(places)
        self._command = command
        self._held: list[tuple[str, QAction]] = []
        self._timer = QTimer(self, singleShot=True, interval=HELD_MS)
        self._timer.timeout.connect(self._run_held)
        self._guarded: QWidget | None = None
        window.installEventFilter(self)
        app = QApplication.instance()
        assert isinstance(app, QApplication)  # noqa: S101 - narrows the type, no input is checked
        app.focusChanged.connect(self._on_app_focus_changed)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent):
            return False
        if event.modifiers() & _COMMANDING:
            if event.type() == QEvent.Type.ShortcutOverride and self._needs_shift(event):
                event.accept()
                return True
            return self._run_placed(watched, event)
        if event.type() == QEvent.Type.ShortcutOverride and self._is_no_command(event):
            event.accept()
            return True
        return event.type() == QEvent.Type.KeyPress and self._take_key(watched, event)

    def _take_key(self, watched: QObject, event: QKeyEvent) -> bool:
        """Whether a key that Qt has found no command for is one of ours, or text."""
        if isinstance(QApplication.activePopupWidget(), QMenu):
            return False  # it has no use for the key, and passes it on through the menu bar
        if self._is_in_place and _is_letter(event):
            self._hold(event)
            return True
        if self._run_placed(watched, event):
            return True
        if watched is self._window and _is_text(event):
            self.text_typed.emit(event.text())
            return True
        return False

    def _is_no_command(self, event: QKeyEvent) -> bool:
        """Whether the window must not run what this key would run."""
        is_typed = event.key() < Qt.Key.Key_Escape or event.key() in _OTHER_TYPED
        focused = self._focused
        if _is_editor(focused):
            return is_typed
        if focused is not None and not self._is_ours(focused):
            return False
        if self._is_in_place and _is_letter(event):
            return True  # it may be one, a little later
        self._run_held()
        return is_typed and not self._is_in_place

    def _is_ours(self, widget: QWidget) -> bool:
        """Whether a widget is in the window, or in a part of it that was torn off."""
        return widget.window() is self._window or isinstance(widget.window(), QDockWidget)

    @property
    def _focused(self) -> QWidget | None:
        """What takes keys; a key may come when that has gone and nobody has said so yet."""
        return self._guarded if self._guarded is not None and isValid(self._guarded) else None

    @property
    def _is_in_place(self) -> bool:
        focused = self._focused
        if focused is None or focused in self._places:
            return focused is not None
        if isinstance(focused, (*_EDITORS, *_SEARCHED)):
            return False
        return any(place.isAncestorOf(focused) for place in self._places)

    # Places.

    def _needs_shift(self, event: QKeyEvent) -> bool:
        """Whether Shift is held for the digit and for the command: Qt would run that without."""
        if _is_editor(self._focused) or not gives_digit_by_shift(event):
            return False
        return self._command(own_sequences(event)[0]) is not None

    def _run_placed(self, watched: QObject, event: QKeyEvent) -> bool:
        """Run what a key is by its place; Qt has found nothing for its symbol."""
        focused = self._focused
        if event.type() != QEvent.Type.KeyPress or focused is None or watched is not focused:
            return False
        if _is_editor(focused):
            return False
        is_ours = self._is_ours(focused)
        if is_ours and not (self._is_in_place or event.modifiers() & _COMMANDING):
            return False
        command = self._placed_command(event)
        if command is None or not (is_ours or focused.window() in command.associatedObjects()):
            return False
        self._run_held()
        command.trigger()
        return True

    def _placed_command(self, event: QKeyEvent) -> QAction | None:
        """What a key runs by its place, where its symbol runs nothing."""
        own = [self._command(sequence) for sequence in own_sequences(event)]
        if gives_digit_by_shift(event) and event.modifiers() & _COMMANDING:
            return own[0]
        if any(command is not None for command in own):
            return None
        found = map(self._command, placed_sequences(event))
        return next((command for command in found if command is not None), None)

    # Words.

    def _hold(self, event: QKeyEvent) -> None:
        command = self._command(QKeySequence(event.keyCombination()))
        command = command or self._placed_command(event)
        begins_text = command is not None and command.objectName() == _BEGINS_TEXT
        if command is not None and (event.isAutoRepeat() or (begins_text and not self._held)):
            self._run_held()
            command.trigger()
            return
        letters = "".join(letter for letter, _ in self._held) + event.text()
        if command is None or (len(letters) >= _WORD and len(set(letters)) > 1):
            self._forget_held()
            self.text_typed.emit(letters)
            return
        if self._held and len(set(letters)) == 1:
            self._run_held()  # the same key again is the same command again
        self._held.append((event.text(), command))
        self._timer.start()

    @Slot()
    def _run_held(self) -> None:
        commands = [command for _, command in self._held]
        self._forget_held()
        for command in commands:
            command.trigger()

    def _forget_held(self) -> None:
        self._timer.stop()
        self._held.clear()

    # The focus.

    @Slot(QWidget, QWidget)
    def _on_app_focus_changed(self, _old: QWidget | None, now: QWidget | None) -> None:
        # A widget that is being deleted gives the focus away before it says that it is gone.
        if self._guarded is not None and isValid(self._guarded):
            self._guarded.removeEventFilter(self)
            self._guarded.destroyed.disconnect(self._forget)
        self._guarded = now
        if now is not None:
            now.installEventFilter(self)
            now.destroyed.connect(self._forget)

    @Slot()
    def _forget(self) -> None:
        self._guarded = None


def _is_editor(widget: QWidget | None) -> bool:
    return isinstance(widget, _EDITORS) or (isinstance(widget, QComboBox) and widget.isEditable())


def _is_letter(event: QKeyEvent) -> bool:
    """Whether a key gives a letter, or a sign that goes with one, as Thai and Arabic have them."""
    text = event.text()
    return text.isalpha() or (len(text) == 1 and unicodedata.category(text).startswith("M"))


def _is_text(event: QKeyEvent) -> bool:
    return event.text().isprintable() and bool(event.text().strip())
