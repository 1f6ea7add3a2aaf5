"""Labels that the person gave before, and those on keys."""

from __future__ import annotations

import json
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.settings import FAVOURITE_LABELS, USED_LABELS, Setting, Settings
from csra_gui.session.typed_labels import label_problem

MAX_USED = 100
FAVOURITES = 9


class UsedLabels(QObject):
    """Kept in the settings; what is damaged there is left out.

    Signals:
        favourites_changed: other labels are on the keys.
    """

    favourites_changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        settings.setting_changed.connect(self._on_settings_changed)

    def used(self) -> list[str]:
        """The labels that were typed before, the last one first."""
        return [name for name in self._names(USED_LABELS) if name]

    def note(self, label: str) -> None:
        """Remember that a label was typed."""
        others = [name for name in self.used() if name != label]
        self._store(USED_LABELS, [label, *others][:MAX_USED])

    def rename(self, old: Sequence[str], new: str) -> None:
        """Labels are called otherwise now; an empty name is that of none."""
        for setting in (USED_LABELS, FAVOURITE_LABELS):
            names = self._names(setting)
            changed = [new if name in old else name for name in names]
            if changed != names:
                self._store(setting, changed)

    def favourites(self) -> list[str]:
        """The label on each of the nine keys; empty for none."""
        names = self._names(FAVOURITE_LABELS)[:FAVOURITES]
        return names + [""] * (FAVOURITES - len(names))

    def set_favourites(self, labels: Sequence[str]) -> None:
        """Put labels on the keys."""
        self._store(FAVOURITE_LABELS, list(labels)[:FAVOURITES])

    def _names(self, setting: Setting) -> list[str]:
        try:
            stored = json.loads(str(self._settings.value(setting)) or "[]")
        except ValueError:
            return []
        if not isinstance(stored, list):
            return []
        return [name if is_label(name) else "" for name in stored]

    def _store(self, setting: Setting, names: list[str]) -> None:
        self._settings.set_value(setting, json.dumps(names))

    @Slot(str, object)
    def _on_settings_changed(self, key: str, _value: object) -> None:
        if key == FAVOURITE_LABELS.key:
            self.favourites_changed.emit()


def is_label(name: object) -> bool:
    """Whether a text can be the name of a label."""
    return isinstance(name, str) and not label_problem(name)
