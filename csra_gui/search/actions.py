"""Searching: the filter, its counts, and filters with names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDockWidget

from csra_gui.base.actions import ActionSpec, Slots, Standard
from csra_gui.search.search_panel import SearchPanel
from csra_gui.session.session import Session

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("find", "&Find photos", (Standard.Find,), "search", "Type what to show."),
    ActionSpec("clear_filter", "Show &all photos", ("Ctrl+Shift+F",), "close"),
    ActionSpec("save_filter", "Save this &filter…", (), "star"),
    ActionSpec(
        "show_facets",
        "&Counts",
        ("Ctrl+Shift+K",),
        "tag",
        "Show how many photos have each label, to click on.",
        checkable=True,
    ),
)


class SearchCommands:
    """What is shown of the photos that are open."""

    def __init__(self, session: Session, panel: SearchPanel, facets: QDockWidget) -> None:
        self._session = session
        self._panel = panel
        self._facets = facets

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        return {
            "find": self._panel.start_typing,
            "clear_filter": self._panel.clear,
            "save_filter": self._panel.save_filter,
            "show_facets": self._show_facets,
        }

    def update(self, actions: Actions) -> None:
        """Enable and check the group's actions as things are now."""
        shown = self._session.shown
        actions["find"].setEnabled(bool(self._session.pipeline.roots))
        actions["clear_filter"].setEnabled(bool(shown.filter_text or shown.fixed_caption))
        actions["save_filter"].setEnabled(bool(shown.filter_text.strip()))
        actions["show_facets"].setChecked(not self._facets.isHidden())

    def _show_facets(self, on: bool) -> None:
        self._facets.setVisible(on)
