"""Which keys run which command: as declared, or as the person chose."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence

from csra_gui.base.actions import ActionSpec
from csra_gui.base.settings import SHORTCUTS, Settings

#: They go from one part of the window to the next, or choose within one.
_RESERVED = frozenset(
    {
        Qt.Key.Key_Tab,
        Qt.Key.Key_Backtab,
        Qt.Key.Key_Escape,
        Qt.Key.Key_Space,
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_Delete,
        Qt.Key.Key_Backspace,
    }
)


class Shortcuts(QObject):
    """The keys of every command, kept in the settings where they differ from what is declared.

    Keys are portable texts, such as ``Ctrl+F``.

    Signals:
        changed: some command has other keys.
    """

    changed = Signal()

    def __init__(
        self, settings: Settings, specs: Iterable[ActionSpec], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self.specs = tuple(specs)
        self._declared = {spec.id: _portable(spec.shortcuts) for spec in self.specs}
        settings.setting_changed.connect(self._on_settings_changed)

    def keys(self, name: str) -> tuple[str, ...]:
        """What runs a command; the first is the one that menus show."""
        return self._chosen().get(name, self._declared[name])

    def declared(self, name: str) -> tuple[str, ...]:
        """What runs a command unless the person chose otherwise."""
        return self._declared[name]

    def is_changed(self, name: str) -> bool:
        """Whether the person chose other keys."""
        return self.keys(name) != self._declared[name]

    def users(self, key: str) -> list[str]:
        """The commands that a key runs."""
        return [spec.id for spec in self.specs if key in self.keys(spec.id)]

    def assign(self, name: str, key: str) -> None:
        """Let a key, and no other, run a command; whatever else it ran loses it."""
        chosen = {user: self._without(user, key) for user in self.users(key) if user != name}
        self._store({**self._chosen(), **chosen, name: (key,)})

    def clear(self, name: str) -> None:
        """Let no key run a command."""
        self._store({**self._chosen(), name: ()})

    def reset(self, name: str) -> None:
        """Go back to the declared keys; whatever else they ran loses them."""
        chosen = self._chosen()
        chosen.pop(name, None)
        for key in self._declared[name]:
            for user in self.users(key):
                if user != name:
                    chosen[user] = self._without(user, key)
        self._store(chosen)

    def reset_all(self) -> None:
        """Go back to the declared keys of all commands."""
        self._store({})

    def _without(self, name: str, key: str) -> tuple[str, ...]:
        return tuple(other for other in self.keys(name) if other != key)

    def _chosen(self) -> dict[str, tuple[str, ...]]:
        try:
            stored = json.loads(str(self._settings.value(SHORTCUTS)) or "{}")
        except ValueError:
            return {}
        if not isinstance(stored, dict):
            return {}
        return {
            name: tuple(key for key in keys if isinstance(key, str) and not key_problem(key))
            for name, keys in stored.items()
            if name in self._declared and isinstance(keys, list)
        }

    def _store(self, chosen: Mapping[str, Sequence[str]]) -> None:
        kept = {n: list(keys) for n, keys in chosen.items() if tuple(keys) != self._declared[n]}
        self._settings.set_value(SHORTCUTS, json.dumps(kept) if kept else "")

    @Slot(str, object)
    def _on_settings_changed(self, key: str, _value: object) -> None:
        if key == SHORTCUTS.key:
            self.changed.emit()


def key_problem(key: str) -> str:
    """Why a key cannot run a command; empty if it can."""
    sequence = QKeySequence(key)
    if sequence.isEmpty() or sequence.count() > 1:
        return "Press one key, with or without Ctrl, Alt and Shift."
    reserved = {QKeySequence(name).toString() for name in _RESERVED}
    if sequence.toString().removeprefix("Shift+") in reserved:
        return "This key moves and chooses within the window, so it cannot run a command."
    return ""


def shown_key(key: str) -> str:
    """A key as people on this system write it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def _portable(keys: Iterable[str | QKeySequence.StandardKey]) -> tuple[str, ...]:
    texts = (QKeySequence(key).toString() for key in keys)
    return tuple(dict.fromkeys(text for text in texts if text))
