"""Ways of looking at the photos, and choosing several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDockWidget

from csra_gui.base.actions import ActionSpec, Slots, Standard
from csra_gui.browse.controller import BrowseController
from csra_gui.browse.view_mode import Browsing, ViewMode
from csra_gui.session.session import Session

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions

_MODES = {
    "view_grid": ViewMode.GRID,
    "view_list": ViewMode.LIST,
    "view_large": ViewMode.LARGE,
    "view_compare": ViewMode.COMPARE,
}

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "view_grid",
        "&Thumbnails",
        ("G",),
        "view-grid",
        "Show the photos as thumbnails, and one of them large beside.",
        checkable=True,
        group="view",
    ),
    ActionSpec(
        "view_list",
        "&List",
        ("L",),
        "view-list",
        "Show the photos as a list that can be sorted.",
        checkable=True,
        group="view",
    ),
    ActionSpec(
        "view_large",
        "La&rge photo",
        ("E",),
        "image",
        "Show one photo as large as the window allows, the others in a strip below.",
        checkable=True,
        group="view",
    ),
    ActionSpec(
        "view_compare",
        "Co&mpare two photos",
        ("C",),
        "view-compare",
        "Show the two photos selected side by side, or this one and the next.",
        checkable=True,
        group="view",
    ),
    ActionSpec(
        "photo_full_screen",
        "Photo on the &whole screen",
        ("F",),
        "",
        "Show nothing but the photo; arrow keys go on, I shows its labels, Escape leaves.",
    ),
    ActionSpec(
        "show_folders",
        "&Folders",
        ("Ctrl+Shift+D",),
        "folder",
        "Show the folders of the photos, to click on, and those opened lately.",
        checkable=True,
    ),
    ActionSpec("first_photo", "F&irst photo", ("Alt+Home",)),
    ActionSpec("last_photo", "L&ast photo", ("Alt+End",)),
    ActionSpec("select_all", "Select &all photos", (Standard.SelectAll,)),
    ActionSpec("select_none", "Select &only this photo", ("Ctrl+D",)),
    ActionSpec("invert_selection", "&Invert the selection", ("Ctrl+Shift+I",)),
    ActionSpec(
        "show_in_files", "Show in the file &manager", (), "folder-open", "Open the photo's folder."
    ),
    ActionSpec("copy_path", "Copy the &path", ("Ctrl+Shift+C",), "", "Copy where the photos are."),
    ActionSpec(
        "clear_thumbnails",
        "Clear the thumbnail cac&he",
        (),
        "",
        "Remove the small copies of photos that are kept on the disk to show them faster.",
    ),
)


class BrowseCommands:
    """View modes, the selection, and what can be done with files.

    Args:
        folders: the dock of the folders.
    """

    def __init__(
        self,
        session: Session,
        browsing: Browsing,
        controller: BrowseController,
        folders: QDockWidget,
    ) -> None:
        self._session = session
        self._browsing = browsing
        self._controller = controller
        self._folders = folders

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        return {
            "view_grid": lambda: self._browsing.set_mode(ViewMode.GRID),
            "view_list": lambda: self._browsing.set_mode(ViewMode.LIST),
            "view_large": self._browsing.toggle_large,
            "view_compare": lambda: self._browsing.set_mode(ViewMode.COMPARE),
            "show_folders": self._show_folders,
            "photo_full_screen": self._controller.show_full_screen,
            "show_in_files": self._controller.reveal_current,
            "copy_path": self._controller.copy_paths,
            "clear_thumbnails": self._controller.clear_thumbnails,
            "first_photo": self._browsing.steps.go_to_start,
            "last_photo": self._browsing.steps.go_to_end,
            "select_all": lambda: self._select(self._session.shown.rows.tolist()),
            "select_none": self._select_current,
            "invert_selection": self._invert,
        }

    def update(self, actions: Actions) -> None:
        """Enable and check the group's actions as things are now."""
        session = self._session
        shown, current = len(session.shown) > 0, session.focus.current is not None
        for name, mode in _MODES.items():
            _check(actions[name], checked=self._browsing.mode is mode)
        actions["show_folders"].setChecked(not self._folders.isHidden())
        actions["view_compare"].setEnabled(self._browsing.can_compare)
        for name in ("first_photo", "last_photo", "select_all", "invert_selection"):
            actions[name].setEnabled(shown)
        for name in ("photo_full_screen", "select_none", "show_in_files", "copy_path"):
            actions[name].setEnabled(current)

    def _show_folders(self, on: bool) -> None:
        self._folders.setVisible(on)

    def _select_current(self) -> None:
        current = self._session.focus.current
        self._session.set_selection(() if current is None else (current,))

    def _invert(self) -> None:
        rows = self._session.shown.rows
        chosen = np.isin(rows, np.asarray(self._session.selection, dtype=np.int64))
        self._select(rows[~chosen].tolist())

    def _select(self, rows: list[int]) -> None:
        """Select photos, and look at one of them: what is said goes to what is looked at."""
        self._session.set_selection(rows)
        if rows and self._session.focus.current not in rows:
            self._session.focus.set_current(rows[0])
            self._session.set_selection(rows)


def _check(action: QAction, *, checked: bool) -> None:
    # Of a group that excludes each other, one is always checked: only checking it says anything.
    if checked:
        action.setChecked(True)
