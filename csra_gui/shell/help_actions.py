"""Help."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from csra_gui.base.actions import ActionSpec, Slots, Standard
from csra_gui.shell.controller import WindowDialogs

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("shortcuts", "&Keyboard shortcuts", (Standard.HelpContents,), "help"),
    ActionSpec("show_log", "Show &log", tip="What the program wrote down, to read or send."),
    ActionSpec("about", "&About", (), "info"),
)


class HelpCommands:
    """Shortcuts, the log and about.

    Args:
        show_shortcuts: lists the keys; it knows the actions.
    """

    def __init__(self, dialogs: WindowDialogs, show_shortcuts: Callable[[], object]) -> None:
        self._dialogs = dialogs
        self._show_shortcuts = show_shortcuts

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        return {
            "shortcuts": self._show_shortcuts,
            "show_log": self._dialogs.show_log,
            "about": self._dialogs.show_about,
        }

    def update(self, actions: Actions) -> None:
        """They can always be used."""
