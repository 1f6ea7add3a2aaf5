"""Labels that the person gave before, and those on keys."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.settings import FAVOURITE_LABELS, USED_LABELS, Setting, Settings
from engine.api.categories import MAX_NAME_LENGTH, Categories
from engine.api.errors import ConfigError
from engine.api.label_names import SHIPPED_NAMES, LabelNames

MAX_USED = 100
_PART = re.compile(r'(?:"[^"]*"?|[^",])+')
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


def label_problem(name: str) -> str:
    """Why a text cannot be the name of a label; empty if it can."""
    if not name.strip():
        return "A label needs a name."
    if len(name) > MAX_NAME_LENGTH:
        return f"A label has at most {MAX_NAME_LENGTH} characters."
    try:
        Categories((name,))
    except ConfigError:
        return "There are characters in it that cannot be seen, such as line breaks."
    return ""


def spelled_as_known(name: str, known: Sequence[str], names: LabelNames = SHIPPED_NAMES) -> str:
    """The label that a typed name means: one that is known, if only the spelling differs."""
    typed = " ".join(name.split())
    return names.find(typed, known) or names.label(typed)


def one_label_problem(typed: str, known: Sequence[str]) -> str:
    """As ``label_problem``, where one label is typed and a comma might mean two."""
    if len(typed_labels(typed, known)) > 1:
        return "This is for one label. A name with a comma in it needs quotes around it."
    return label_problem(unquoted(typed))


def typed_labels(typed: str, known: Sequence[str], names: LabelNames = SHIPPED_NAMES) -> list[str]:
    """The labels of a line: a comma is between two; quotes, or being known, keep one together."""
    whole = spelled_as_known(typed, known, names)
    if whole in known:
        return [whole]
    parts = (spelled_as_known(unquoted(part), known, names) for part in _PART.findall(typed))
    return list(dict.fromkeys(part for part in parts if part))


def last_part(typed: str) -> int:
    """Where the last label of a line begins: after the last comma that is not within quotes."""
    parts = list(_PART.finditer(typed))
    return parts[-1].start() if parts and parts[-1].end() == len(typed) else len(typed)


def unquoted(part: str) -> str:
    """A part of a line without the quotes around it."""
    part = part.strip()
    return part[1:].removesuffix('"') if part.startswith('"') else part


def quoted_if_needed(label: str) -> str:
    """A label as it is typed beside others."""
    return f'"{label}"' if "," in label else label
