"""What a command and a menu are: declared as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from PySide6.QtGui import QKeySequence

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions

Standard = QKeySequence.StandardKey
#: Stands for a line between entries.
SEPARATOR: Final = "-"
#: Each command's slot by its id.
Slots = dict[str, Callable[..., object]]


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One command.

    Attributes:
        id: what the window calls its slot by.
        text: in menus, with its access key; tool tips and the shortcut list show it without.
        shortcuts: the first is the one that menus show.
        icon: name of an icon, or empty.
        tip: a sentence for the status bar.
        checkable: whether it is a switch.
        group: switches of one group exclude each other.
    """

    id: str
    text: str
    shortcuts: tuple[str | QKeySequence.StandardKey, ...] = ()
    icon: str = ""
    tip: str = ""
    checkable: bool = False
    group: str = ""


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


class CommandGroup(Protocol):
    """Commands that belong together: what they do, and when they can be used."""

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        ...

    def update(self, actions: Actions) -> None:
        """Enable and check the group's actions as things are now."""
        ...
