"""Commands and menus declared as data, and the actions that a feature makes of its commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, QTimer, SignalInstance, Slot
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from csra_gui.base.icons import icon

Standard = QKeySequence.StandardKey
#: Stands for a line between entries.
SEPARATOR: Final = "-"
#: What each command does, by its id.
Slots = dict[str, Callable[..., object] | SignalInstance]


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One command.

    Attributes:
        id: what menus and keys call it by.
        text: in menus, with its access key; tool tips and the shortcut list show it without.
        shortcuts: the first is the one that menus show.
        icon: name of an icon, or empty.
        tip: a sentence for its tool tip, where the text alone does not say what it does.
        checkable: whether it is a switch.
        group: switches of one group exclude each other.
        short: what a tool button says, where the text is long.
    """

    id: str
    text: str
    shortcuts: tuple[str | QKeySequence.StandardKey, ...] = ()
    icon: str = ""
    tip: str = ""
    checkable: bool = False
    group: str = ""
    short: str = ""


@dataclass(frozen=True, slots=True)
class MenuSpec:
    """A menu: ids of actions, separators, and menus inside it."""

    id: str
    text: str
    entries: tuple[str | MenuSpec, ...]


def plain_text(text: str) -> str:
    """A menu text without its access key and dots."""
    return text.replace("&", "").removesuffix("…")


def menu_paths(menus: Sequence[MenuSpec], above: str = "") -> dict[str, str]:
    """In which menu each command is, as people say it, by the command's id."""
    paths: dict[str, str] = {}
    for menu in menus:
        here = f"{above} ▸ {plain_text(menu.text)}" if above else plain_text(menu.text)
        inside = [entry for entry in menu.entries if isinstance(entry, MenuSpec)]
        names = [entry for entry in menu.entries if isinstance(entry, str) and entry != SEPARATOR]
        paths |= dict.fromkeys(names, here) | menu_paths(inside, here)
    return paths


class FeatureActions(QObject):
    """The commands of one feature as ``QAction``.

    A subclass says what they do, overrides ``refresh`` and names the facts that it looks at.
    However many facts come, the actions are refreshed once, when the event loop is idle or
    somebody needs them.
    """

    def __init__(self, specs: Sequence[ActionSpec], parent: QObject) -> None:
        super().__init__(parent)
        self.specs = tuple(specs)
        groups: dict[str, QActionGroup] = {}
        self._actions: dict[str, QAction] = {}
        for spec in self.specs:
            self._actions[spec.id] = action = QAction(spec.text, self)
            action.setObjectName(spec.id)
            action.setCheckable(spec.checkable)
            if spec.short:
                action.setIconText(spec.short)
            if spec.icon:
                action.setIcon(icon(spec.icon))
            if spec.group:
                groups.setdefault(spec.group, QActionGroup(self)).addAction(action)
        self._due = QTimer(self, singleShot=True, interval=0)
        self._due.timeout.connect(self.refresh)
        self._due.start()

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def connect_slots(self, slots: Slots) -> None:
        """Say what each command does, by its id."""
        for name, action in self._actions.items():
            action.triggered.connect(slots[name])

    def refresh_on(self, *facts: SignalInstance) -> None:
        """Refresh soon after each of these."""
        for fact in facts:
            fact.connect(self._refresh_soon)

    def flush(self) -> None:
        """Refresh now if that is due."""
        if self._due.isActive():
            self._due.stop()
            self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Enable and check the actions as things are now; by itself, all of them are possible."""

    @Slot()
    def _refresh_soon(self) -> None:
        self._due.start()
