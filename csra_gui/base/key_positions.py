"""What a key would be on a US keyboard, where another layout has another symbol at its place.

Commands are declared by the symbols of a US keyboard. On a French one the digits need Shift, on a
Greek one there is no R. What such a key means is told by where it is: X11, Wayland, Windows and
macOS each say that by numbers of their own.
"""

from __future__ import annotations

import sys
import unicodedata
from typing import Final

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence

#: Rows of a US keyboard, without and with Shift, and the number of the first key as Linux counts
#: them (evdev); Windows has the same numbers for these keys, X11 and Wayland add 8.
_ROWS: Final = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "QWERTYUIOP[]", "QWERTYUIOP{}"),
    (30, "ASDFGHJKL;'`", 'ASDFGHJKL:"~'),
    (43, "\\ZXCVBNM,./", "|ZXCVBNM<>?"),
)
_BY_EVDEV: Final = {
    first + place: pair
    for first, plain, shifted in _ROWS
    for place, pair in enumerate(zip(plain, shifted, strict=True))
}
_XKB_OFFSET: Final = 8
#: Of macOS (``kVK_ANSI_…``), in the order of its numbers; a space is a key that is not here.
_MAC_PLAIN: Final = "ASDFHGZXCV BQWERYT123465=97-80]OU[IP LJ'K;\\,/NM.  `"
_BY_MAC: Final = {place: key for place, key in enumerate(_MAC_PLAIN) if key != " "}
_SHIFTED: Final = dict(_BY_EVDEV.values())
_DIGITS: Final = "1234567890"
#: Symbols with a meaning of their own wherever they are: a US keyboard has them without Shift, or
#: photos are zoomed by them.
_OWN_SYMBOLS: Final = "`-=[]\\;',./+"
_LAST_OF_ASCII: Final = 0x7F
_DEAD: Final = range(Qt.Key.Key_Dead_Grave.value, Qt.Key.Key_Dead_Grave.value + 0x50)
_SHIFT: Final = Qt.KeyboardModifier.ShiftModifier
_NO_LAYOUT: Final = Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.GroupSwitchModifier
_ALT_GR: Final = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


def us_symbol(event: QKeyEvent) -> str:
    """The symbol that a US keyboard has where this key is, without Shift; empty if none is known.

    Keys of the numeric pad are none of these.
    """
    if event.modifiers() & Qt.KeyboardModifier.KeypadModifier:
        return ""
    platform = QGuiApplication.platformName()
    if platform == "cocoa" or (sys.platform == "darwin" and platform != "xcb"):
        # The number of A is 0, which an event without a key has too.
        return _BY_MAC.get(event.nativeVirtualKey(), "") if event.nativeScanCode() else ""
    offset = 0 if platform == "windows" else _XKB_OFFSET
    return _BY_EVDEV.get(event.nativeScanCode() - offset, ("", ""))[0]


def gives_digit_by_shift(event: QKeyEvent) -> bool:
    """Whether the layout has a digit here that needs Shift, and Shift is held."""
    is_shifted = bool(event.modifiers() & _SHIFT)
    is_pad = bool(event.modifiers() & Qt.KeyboardModifier.KeypadModifier)
    return is_shifted and not is_pad and Qt.Key.Key_0 <= event.key() <= Qt.Key.Key_9


def own_sequences(event: QKeyEvent) -> list[QKeySequence]:
    """What a key is by its symbol, as Qt looks for a command."""
    modifiers = event.modifiers() & ~_NO_LAYOUT
    key = Qt.Key(event.key())
    sequences = [QKeySequence(QKeyCombination(modifiers, key))]
    if modifiers & _SHIFT and not event.text().isalpha():
        sequences.append(QKeySequence(QKeyCombination(modifiers & ~_SHIFT, key)))
    return sequences


def placed_sequences(event: QKeyEvent) -> list[QKeySequence]:
    """What a key is by its place, the likeliest first; empty where its own symbol counts.

    A place counts for digits where the key gives no digit, and for others where it gives nothing
    that a US keyboard has: another script, a letter with an accent, a dead key. A Latin letter
    always is itself.
    """
    symbol = _digit_of(event) or us_symbol(event)
    modifiers = event.modifiers() & ~_NO_LAYOUT
    is_alt_gr = modifiers & _ALT_GR == _ALT_GR and event.text().isprintable() and event.text()
    if not symbol or is_alt_gr or not _counts_by_place(event, symbol):
        return []
    shifted = _SHIFTED.get(symbol, symbol)
    sequences = [_sequence(modifiers, symbol)]
    if modifiers & _SHIFT and shifted != symbol:
        sequences += [_sequence(modifiers & ~_SHIFT, shifted), _sequence(modifiers, shifted)]
    return sequences


def key_of(event: QKeyEvent) -> Qt.Key:
    """The key of an event; by its place where the layout has nothing of ASCII there."""
    if event.key() <= _LAST_OF_ASCII or not placed_sequences(event):
        return Qt.Key(event.key())
    return Qt.Key(ord(_digit_of(event) or us_symbol(event)))


def _sequence(modifiers: Qt.KeyboardModifier, symbol: str) -> QKeySequence:
    return QKeySequence(QKeyCombination(modifiers, Qt.Key(ord(symbol))))


def _digit_of(event: QKeyEvent) -> str:
    """The digit that a key gives in the writing of another script."""
    text = event.text()
    is_other = len(text) == 1 and not text.isascii() and text.isdecimal()
    return str(unicodedata.decimal(text)) if is_other else ""


def _counts_by_place(event: QKeyEvent, symbol: str) -> bool:
    key = event.key()
    if key in _DEAD:
        return True
    if key > 0xFFFF or key <= Qt.Key.Key_Space:  # F1 and such, or none
        return False
    if key > _LAST_OF_ASCII:
        return True
    if chr(key).isalnum():
        return False
    if symbol in _DIGITS:
        return True
    return not symbol.isalpha() and chr(key) not in _OWN_SYMBOLS
