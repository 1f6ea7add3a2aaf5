"""Single keys are commands where photos are; a word that is typed is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QMenuBar,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)
from pytestqt.qtbot import QtBot

from csra_gui.shell.shortcut_guard import TypingGuard

_KEYS = {"R": "repeat", "G": "view_grid", "A": "add_label", "N": "next", "1": "label_1"}
_NOT_SOON = 60_000


class Window(QWidget):
    """A window with commands on single keys, photos, and things around them."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []
        self.typed = ""
        self.photos = QWidget(self)
        self.check = QCheckBox(self.photos)
        self.photos.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.line = QLineEdit(self)
        self.elsewhere = QCheckBox(self)
        self.box = QComboBox(self)
        self.box.addItems(["one", "green"])
        self.tree = QTreeWidget(self)
        self.tree.addTopLevelItem(QTreeWidgetItem(["a folder"]))
        layout = QHBoxLayout(self)
        for widget in (self.photos, self.line, self.elsewhere, self.box, self.tree):
            layout.addWidget(widget)
        self._actions: dict[str, QAction] = {}
        for key, name in (*_KEYS.items(), ("Return", "accept_all")):
            self._actions[key] = action = QAction(name, self)
            action.setObjectName(name)
            action.setShortcut(QKeySequence(key))
            action.triggered.connect(lambda _checked=False, name=name: self.ran.append(name))
            self.addAction(action)
        self.guard = TypingGuard(
            self, (self.photos,), lambda key: self._actions.get(key.toString())
        )
        self.guard.text_typed.connect(self._take_text)

    def _take_text(self, text: str) -> None:
        self.typed += text
        self.line.setFocus()
        self.line.insert(text)

    def press(self, keys: str | Qt.Key) -> None:
        """Keys of the keyboard, one right after the other."""
        for key in [keys] if isinstance(keys, Qt.Key) else keys:
            QTest.keyClick(self.windowHandle(), key)


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication) -> Iterator[Window]:
    made = Window()
    qtbot.addWidget(made)
    made.show()
    with qtbot.waitActive(made):
        made.activateWindow()
    yield made


@pytest.fixture
def at_photos(window: Window, qtbot: QtBot) -> Window:
    window.photos.setFocus()
    qtbot.waitUntil(window.photos.hasFocus)
    return window


def test_single_keys_are_commands_while_the_photos_have_the_focus(
    at_photos: Window, qtbot: QtBot
) -> None:
    at_photos.press("1")
    at_photos.press(Qt.Key.Key_Return)
    assert at_photos.ran == ["label_1", "accept_all"], "at once"
    at_photos.press("r")
    qtbot.waitUntil(lambda: at_photos.ran[2:] == ["repeat"])
    at_photos.check.setFocus()
    at_photos.press("g")
    qtbot.waitUntil(lambda: at_photos.ran[3:] == ["view_grid"])
    assert not at_photos.typed


@pytest.mark.parametrize("word", ["rail", "Railway", "gnu", "tv", "übung", "nag"])
def test_a_word_is_no_command_but_text(at_photos: Window, qtbot: QtBot, word: str) -> None:
    at_photos.guard._timer.setInterval(_NOT_SOON)
    for letter in word:
        if ord(letter) < 128:
            at_photos.press(letter)
        else:
            QTest.sendKeyEvent(
                QTest.KeyAction.Click,
                QApplication.focusWidget(),
                Qt.Key.Key_Udiaeresis,
                letter,
                Qt.KeyboardModifier.NoModifier,
            )
    assert at_photos.line.text() == word
    assert at_photos.ran == []
    assert at_photos.line.hasFocus()


def test_two_letters_are_two_commands_once_nothing_follows(at_photos: Window, qtbot: QtBot) -> None:
    at_photos.press("rn")
    qtbot.waitUntil(lambda: at_photos.ran == ["repeat", "next"])
    assert not at_photos.typed


def test_letters_that_are_held_run_before_the_next_key(at_photos: Window) -> None:
    at_photos.guard._timer.setInterval(_NOT_SOON)
    at_photos.press("nr")
    at_photos.press(Qt.Key.Key_Return)
    assert at_photos.ran == ["next", "repeat", "accept_all"]


def test_the_same_letter_again_is_the_same_command_again(at_photos: Window, qtbot: QtBot) -> None:
    at_photos.press("nnnn")
    qtbot.waitUntil(lambda: at_photos.ran == ["next"] * 4)
    assert not at_photos.typed


def test_the_key_that_leads_to_the_line_is_never_held(at_photos: Window) -> None:
    at_photos.guard._timer.setInterval(_NOT_SOON)
    at_photos.press("a")
    assert at_photos.ran == ["add_label"]


@pytest.mark.parametrize("place", ["elsewhere", "nowhere"])
def test_keys_are_no_commands_where_the_photos_do_not_have_the_focus(
    window: Window, place: str
) -> None:
    if place == "nowhere":
        focused = window.focusWidget()
        if focused is not None:
            focused.clearFocus()
        assert window.focusWidget() is None
    else:
        window.elsewhere.setFocus()
    window.press(Qt.Key.Key_Return)
    assert window.typed == ""
    window.press("1")
    assert window.typed == "1"
    window.press("r")
    assert window.line.text() == "1r"
    window.press(Qt.Key.Key_Return)
    assert window.ran == []


def test_a_list_takes_what_is_typed_there(window: Window) -> None:
    for widget in (window.box, window.tree):
        widget.setFocus()
        window.press("g")
        window.press("1")
        window.press(Qt.Key.Key_Return)
    assert window.box.currentText() == "green"
    assert window.ran == []
    assert window.typed == ""


def test_a_line_keeps_what_is_typed_there(window: Window) -> None:
    window.line.setFocus()
    window.press("r1n")
    window.press(Qt.Key.Key_Return)
    assert window.line.text() == "r1n"
    assert (window.ran, window.typed) == ([], "")


def test_keys_with_ctrl_are_always_commands(window: Window) -> None:
    action = QAction("undo", window)
    action.setShortcut(QKeySequence("Ctrl+Z"))
    action.triggered.connect(lambda: window.ran.append("undo"))
    window.addAction(action)
    window.elsewhere.setFocus()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert window.ran == ["undo"]


def test_an_editor_that_is_deleted_while_it_has_the_focus_does_no_harm(window: Window) -> None:
    guard, gone, other = window.guard, QLineEdit(), QLineEdit(window)
    guard._on_app_focus_changed(None, gone)
    gone.destroyed.disconnect(guard._forget)  # as if it had not said so yet
    shiboken6.delete(gone)
    guard._on_app_focus_changed(None, other)
    assert guard._guarded is other


def test_letters_in_an_open_menu_are_no_text(at_photos: Window, qtbot: QtBot) -> None:
    bar = QMenuBar(at_photos)
    menu = bar.addMenu("&File")
    menu.addAction("Open")
    bar.show()
    bar.setActiveAction(menu.menuAction())
    qtbot.waitUntil(menu.isVisible)
    for letter in "zebra":
        QTest.sendKeyEvent(
            QTest.KeyAction.Click,
            menu,
            Qt.Key(ord(letter.upper())),
            letter,
            Qt.KeyboardModifier.NoModifier,
        )
    assert menu.isVisible() and not at_photos.typed and not at_photos.ran
    menu.close()


def test_a_key_for_what_has_gone_meanwhile_is_no_fault(window: Window) -> None:
    window.tree.setFocus()
    gone = QWidget()
    window.guard._guarded = gone
    shiboken6.delete(gone)
    window.press("1")
    assert window.ran == []
    window.guard._guarded = None
