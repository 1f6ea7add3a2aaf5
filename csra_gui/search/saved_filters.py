"""Filters that a person gave names to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.settings import SAVED_FILTERS, Settings

MAX_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A filter's text under a name."""

    name: str
    text: str


class SavedFilters(QObject):
    """Kept in the settings, by name; what is damaged there is left out.

    Signals:
        changed: there are others now.
    """

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        settings.setting_changed.connect(self._on_settings_changed)

    def all(self) -> tuple[SavedFilter, ...]:
        """Sorted by name."""
        try:
            entries = json.loads(str(self._settings.value(SAVED_FILTERS)) or "[]")
        except ValueError:
            return ()
        found = [_parsed(entry) for entry in entries] if isinstance(entries, list) else []
        named = {kept.name: kept for kept in found if kept is not None}
        return tuple(sorted(named.values(), key=lambda kept: kept.name.casefold()))

    def add(self, name: str, text: str) -> None:
        """Keep a filter; another one of that name is replaced."""
        others = [kept for kept in self.all() if kept.name != name]
        self._store([*others, SavedFilter(name, text)])

    def remove(self, name: str) -> None:
        """Forget a filter."""
        self._store([kept for kept in self.all() if kept.name != name])

    def _store(self, kept: list[SavedFilter]) -> None:
        self._settings.set_value(SAVED_FILTERS, json.dumps([asdict(one) for one in kept]))

    @Slot(str, object)
    def _on_settings_changed(self, key: str, _value: object) -> None:
        if key == SAVED_FILTERS.key:
            self.changed.emit()


def _parsed(entry: object) -> SavedFilter | None:
    if not isinstance(entry, dict):
        return None
    name, text = entry.get("name"), entry.get("text")
    if not isinstance(name, str) or not isinstance(text, str) or not name.strip():
        return None
    return SavedFilter(name[:MAX_NAME_LENGTH], text)
