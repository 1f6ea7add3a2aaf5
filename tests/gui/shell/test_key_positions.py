"""Keys of other layouts run the commands at their places of a US keyboard, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.base.key_positions import key_of, placed_sequences, us_symbol
from csra_gui.shell import shortcut_guard
from csra_gui.shell.shortcut_guard import TypingGuard

_PLAIN = Qt.KeyboardModifier.NoModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_CTRL = Qt.KeyboardModifier.ControlModifier
_ALT = Qt.KeyboardModifier.AltModifier
_PAD = Qt.KeyboardModifier.KeypadModifier
_KEYS = (*"123456789RNVAGPB[]", "Ctrl+1", "Alt+2", "Ctrl+Shift+3", "Ctrl+M", "Ctrl+Alt+0", "Q", "%")


class Key(NamedTuple):
    """What a keyboard says: evdev's number of the place, the symbol, and what else is held."""

    place: int
    text: str
    held: Qt.KeyboardModifier = _PLAIN
    key: int | None = None

    def event(self, kind: QEvent.Type = QEvent.Type.KeyPress) -> QKeyEvent:
        code = ord(self.text.upper()) if self.key is None else self.key
        scan = self.place + 8 if self.place else 0
        text = "" if self.key is not None or self.held & _CTRL else self.text
        return QKeyEvent(kind, code, self.held, scan, 0, 0, text)


ROWS = {
    "french": "&é\"'(-è_ç",
    "czech": "+ěščřžýáí",
    "persian": "۱۲۳۴۵۶۷۸۹",
    "arabic-indic": "١٢٣٤٥٦٧٨٩",
    "thai": "ๅ/-ภถุึคต",
    "lithuanian": "ąčęėįšųū„",
}
LETTERS = {  # R N V A G P
    "russian": "кнмфпз",
    "greek": "ρνωαγπ",
    "hebrew": "רמהשעפ",
    "arabic": "قىرشلح",
    "thai": "พือฟเย",
}
_LETTER_PLACES = {"R": 19, "N": 49, "V": 47, "A": 30, "G": 34, "P": 25}


class Window(QWidget):
    """Photos, and fields around them; every command writes down its key."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []
        self.texts: list[str] = []
        self.photos, self.elsewhere = QWidget(self), QWidget(self)
        self.line, self.page = QLineEdit(self), QPlainTextEdit(self)
        layout = QHBoxLayout(self)
        for widget in (self.photos, self.elsewhere, self.line, self.page):
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            layout.addWidget(widget)
        self.actions_by_key: dict[str, QAction] = {}
        for key in _KEYS:
            self.actions_by_key[key] = action = QAction(key, self)
            action.setObjectName("add_label" if key == "A" else key)
            action.setShortcut(QKeySequence(key))
            action.triggered.connect(lambda _checked=False, key=key: self.ran.append(key))
            self.addAction(action)
        guard = TypingGuard(self, (self.photos,), self.command)
        guard.text_typed.connect(self._take_text)

    def _take_text(self, text: str) -> None:
        self.texts.append(text)
        self.line.setFocus()
        self.line.insert(text)

    def command(self, key: QKeySequence) -> QAction | None:
        return self.actions_by_key.get(key.toString())

    def press(self, *keys: Key) -> None:
        for key in keys:
            focused = QApplication.focusWidget()
            override = key.event(QEvent.Type.ShortcutOverride)
            QApplication.sendEvent(focused, override)
            QApplication.sendEvent(focused, key.event())


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    # Keys of one word are pressed at once here; no event comes between them, however slow it is.
    monkeypatch.setattr(shortcut_guard, "HELD_MS", 1)
    made = Window()
    qtbot.addWidget(made)
    made.show()
    with qtbot.waitActive(made):
        made.activateWindow()
    made.photos.setFocus()
    qtbot.waitUntil(made.photos.hasFocus)
    yield made


@pytest.mark.parametrize("layout", ROWS)
def test_the_digit_row_gives_digits_where_it_has_none(
    window: Window, qtbot: QtBot, layout: str
) -> None:
    for place, symbol in enumerate(ROWS[layout], start=1):
        window.press(Key(place + 1, symbol))
        qtbot.waitUntil(lambda place=place: window.ran[place - 1 :] == [str(place)])
    assert window.texts == []


@pytest.mark.parametrize("layout", LETTERS)
def test_letters_of_other_scripts_run_what_is_at_their_place(
    window: Window, qtbot: QtBot, layout: str
) -> None:
    expected: list[str] = []
    for (name, place), letter in zip(_LETTER_PLACES.items(), LETTERS[layout], strict=True):
        window.press(Key(place, letter))
        expected.append(name)
        qtbot.waitUntil(lambda: window.ran == expected)
    assert window.texts == []


@pytest.mark.parametrize(
    "word", [((49, "н"), (23, "ш"), (34, "п")), ((3, "é"), (20, "t"), (3, "é"))]
)
def test_a_word_of_another_script_stays_a_word(
    window: Window, word: tuple[tuple[int, str], ...]
) -> None:
    window.press(*(Key(place, letter) for place, letter in word))
    assert window.line.text() == "".join(letter for _, letter in word)
    assert window.ran == []


@pytest.mark.parametrize(
    ("key", "command"),
    [
        (Key(26, "ü"), "["),
        (Key(26, "х"), "["),
        (Key(27, "ъ"), "]"),
        (Key(26, "^", key=Qt.Key.Key_Dead_Circumflex), "["),
        (Key(26, "`", key=Qt.Key.Key_Dead_Grave), "["),
        (Key(27, "¨", key=Qt.Key.Key_Dead_Diaeresis), "]"),
        (Key(27, "$"), "]"),
        (Key(2, "&", _CTRL), "Ctrl+1"),
        (Key(3, "é", _ALT), "Alt+2"),
        (Key(4, "č", _CTRL | _SHIFT), "Ctrl+Shift+3"),
        (Key(50, "ь", _CTRL), "Ctrl+M"),
        (Key(19, "К", _SHIFT), ""),
    ],
)
def test_symbols_and_held_keys_count_by_place_too(
    window: Window, qtbot: QtBot, key: Key, command: str
) -> None:
    window.press(key)
    qtbot.waitUntil(lambda: window.ran == ([command] if command else []))


def test_shift_held_for_the_digit_is_held_for_the_command_too(window: Window) -> None:
    override = Key(4, "3", _CTRL | _SHIFT).event(QEvent.Type.ShortcutOverride)
    override.ignore()
    QApplication.sendEvent(window.photos, override)
    assert override.isAccepted(), "else Qt runs Ctrl+3"
    window.press(Key(4, "3", _CTRL | _SHIFT))
    assert window.ran == ["Ctrl+Shift+3"]


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(Key(30, "q"), id="a Latin letter is itself: A of a French keyboard is Q"),
        pytest.param(Key(39, "m"), id="M of a French keyboard"),
        pytest.param(Key(27, "+"), id="plus of a German keyboard zooms"),
        pytest.param(Key(26, "/"), id="slash of Dvorak"),
        pytest.param(Key(16, "'"), id="apostrophe of Dvorak"),
        pytest.param(Key(11, "@", _CTRL | _ALT), id="AltGr of Windows"),
        pytest.param(Key(0, "к"), id="no place is known"),
        pytest.param(Key(79, "à", _PAD), id="numeric pad"),
        pytest.param(Key(2, "", key=Qt.Key.Key_F1), id="function key"),
    ],
)
def test_what_the_layout_has_is_never_something_else(key: Key) -> None:
    event = key.event()
    if key.held & _CTRL:
        event = QKeyEvent(event.type(), event.key(), key.held, event.nativeScanCode(), 0, 0, "@")
    assert placed_sequences(event) == []
    assert key_of(event) == event.key()


def test_a_symbol_that_is_a_command_is_that_command(window: Window) -> None:
    window.press(Key(7, "%"))
    assert "6" not in window.ran


def test_another_window_runs_what_it_has_itself_by_its_place(window: Window, qtbot: QtBot) -> None:
    other = QWidget()
    other.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    other.addAction(window.actions_by_key["2"])
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    other.setFocus()
    qtbot.waitUntil(other.hasFocus)
    window.press(Key(3, "é"), Key(2, "&"), Key(19, "к"))
    assert window.ran == ["2"]


@pytest.mark.parametrize("field", ["line", "page", "elsewhere"])
def test_nothing_runs_by_its_place_while_it_is_typed(
    window: Window, qtbot: QtBot, field: str
) -> None:
    widget = getattr(window, field)
    widget.setFocus()
    qtbot.waitUntil(widget.hasFocus)
    window.press(Key(3, "é"), Key(2, "&"), Key(19, "к"), Key(26, "ü"))
    assert window.ran == []
    if field == "line":
        assert window.line.text() == "é&кü"


def test_a_command_that_cannot_run_leaves_its_key_alone(window: Window) -> None:
    window.actions_by_key["%"].setEnabled(False)
    window.press(Key(7, "%"))
    assert window.ran == []


@pytest.mark.parametrize(
    ("platform", "scan", "virtual", "symbol"),
    [
        ("xcb", 10, 0, "1"),
        ("wayland", 27, 0, "R"),
        ("offscreen", 34, 0, "["),
        ("windows", 2, 0x31, "1"),
        ("windows", 0x13, 0x52, "R"),
        ("windows", 0x135, 0x6F, ""),  # the slash of the numeric pad
        ("cocoa", 1, 0, "A"),
        ("cocoa", 1, 18, "1"),
        ("cocoa", 1, 33, "["),
        ("cocoa", 0, 0, ""),
    ],
)
def test_each_system_numbers_places_in_its_own_way(
    monkeypatch: pytest.MonkeyPatch, platform: str, scan: int, virtual: int, symbol: str
) -> None:
    monkeypatch.setattr(QGuiApplication, "platformName", staticmethod(lambda: platform))
    monkeypatch.setattr("csra_gui.base.key_positions.sys.platform", "linux")
    event = QKeyEvent(QEvent.Type.KeyPress, 0x43A, _PLAIN, scan, virtual, 0, "к")
    assert us_symbol(event) == symbol


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Key(33, "а"), Qt.Key.Key_F),
        (Key(11, "à"), Qt.Key.Key_0),
        (Key(23, "ш"), Qt.Key.Key_I),
        (Key(7, "-"), Qt.Key.Key_Minus),
        (Key(33, "f"), Qt.Key.Key_F),
    ],
)
def test_widgets_hear_the_key_at_its_place(key: Key, expected: Qt.Key) -> None:
    assert key_of(key.event()) == expected
