"""Opening photos, ways of looking at them, going through them, and choosing several."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QDockWidget
from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions, Slots, Standard
from csra_gui.base.settings import INCLUDE_SUBFOLDERS, PHOTO_BESIDE, THUMBNAIL_SIDE, Settings
from csra_gui.browse.controller import BrowseController
from csra_gui.browse.opener import Opener
from csra_gui.browse.view_mode import Browsing, ViewMode
from csra_gui.session.session import Session

_THUMBNAIL_STEP = 32
_MODES = {
    "view_grid": ViewMode.GRID,
    "view_list": ViewMode.LIST,
    "view_large": ViewMode.LARGE,
    "view_compare": ViewMode.COMPARE,
}
#: They go to another photo, or choose among those that are shown.
_AMONG_SHOWN = (
    *("previous_photo", "next_photo", "first_photo", "last_photo"),
    *("select_all", "invert_selection"),
)
_ON_CURRENT = ("photo_full_screen", "select_none")

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "open_folder",
        "&Open folder…",
        (Standard.Open,),
        "folder-open",
    ),
    ActionSpec("open_photos", "Open &photos…", ("Ctrl+Shift+O",), "image"),
    ActionSpec(
        "add_folder",
        "&Add folder…",
        ("Ctrl+Shift+A",),
        "folder-add",
        "Beside the photos that are open.",
    ),
    ActionSpec("open_samples", "Tr&y the sample photos"),
    ActionSpec(
        "reload", "&Refresh", (Standard.Refresh,), "refresh", "See what happened to the files."
    ),
    ActionSpec(
        "include_subfolders",
        "Include &subfolders",
        checkable=True,
    ),
    ActionSpec("clear_recent", "&Clear this list"),
    ActionSpec(
        "view_grid",
        "&Thumbnails",
        ("G",),
        "view-grid",
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
        "photo_beside",
        "Photo &beside them",
        ("B",),
        "view-beside",
        "Show the current photo and its maps beside the thumbnails or the list.",
        checkable=True,
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
        "Show nothing but the photo; arrow keys go on, 1 to 9 and Return review, Escape leaves.",
    ),
    ActionSpec(
        "show_folders",
        "&Folders",
        ("Ctrl+Shift+D",),
        "folder",
        "Show the folders of the photos, to click on, and those opened lately.",
        checkable=True,
    ),
    ActionSpec("larger_thumbnails", "&Larger thumbnails", ("Ctrl+Shift+.", "Ctrl+>")),
    ActionSpec("smaller_thumbnails", "&Smaller thumbnails", ("Ctrl+Shift+,", "Ctrl+<")),
    ActionSpec("previous_photo", "&Previous photo", ("Alt+Left",), "previous"),
    ActionSpec("next_photo", "&Next photo", ("Alt+Right",), "next"),
    ActionSpec("first_photo", "F&irst photo", ("Alt+Home",)),
    ActionSpec("last_photo", "L&ast photo", ("Alt+End",)),
    ActionSpec("select_all", "Select &all photos", (Standard.SelectAll,)),
    ActionSpec("select_none", "Select &only this photo", ("Ctrl+D",)),
    ActionSpec("invert_selection", "&Invert the selection", ("Ctrl+Shift+I",)),
    ActionSpec(
        "clear_thumbnails",
        "Clear the thumbnail cac&he",
        (),
        "",
        "Remove the small copies of photos that are kept on the disk to show them faster.",
    ),
)


class BrowseActions(FeatureActions):
    """What is open, how it is looked at, and the selection.

    Args:
        folders: the dock of the folders.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        opener: Opener,
        browsing: Browsing,
        controller: BrowseController,
        folders: QDockWidget,
    ) -> None:
        super().__init__(ACTIONS, controller)
        self._session = session
        self._settings = settings
        self._browsing = browsing
        self._folders = folders
        self["open_samples"].setEnabled(opener.has_samples)
        self.connect_slots(
            {
                "open_folder": opener.choose_folder,
                "open_photos": opener.choose_photos,
                "add_folder": opener.choose_folder_to_add,
                "open_samples": opener.open_samples,
                "reload": opener.look_again,
                "include_subfolders": self._set_include_subfolders,
                "clear_recent": opener.forget_all,
                "photo_full_screen": controller.show_full_screen,
                "clear_thumbnails": controller.clear_thumbnails,
                **self._looking(),
                **self._choosing(),
            }
        )
        self.refresh_on(
            session.pipeline.photos_reset,
            session.pipeline.scan_started,
            session.focus.current_changed,
            session.selection_changed,
            session.shown.changed,
            session.shown.order_changed,
            browsing.mode_changed,
            folders.visibilityChanged,
            settings.setting_changed,
        )

    def _looking(self) -> Slots:
        browsing = self._browsing
        return {
            "view_grid": lambda: browsing.set_mode(ViewMode.GRID),
            "view_list": lambda: browsing.set_mode(ViewMode.LIST),
            "view_large": browsing.toggle_large,
            "view_compare": lambda: browsing.set_mode(ViewMode.COMPARE),
            "photo_beside": self._set_photo_beside,
            "show_folders": self._show_folders,
            "larger_thumbnails": lambda: self._resize_thumbnails(_THUMBNAIL_STEP),
            "smaller_thumbnails": lambda: self._resize_thumbnails(-_THUMBNAIL_STEP),
        }

    def _choosing(self) -> Slots:
        steps = self._browsing.steps
        return {
            "previous_photo": lambda: steps.go(-1),
            "next_photo": lambda: steps.go(1),
            "first_photo": steps.go_to_start,
            "last_photo": steps.go_to_end,
            "select_all": lambda: self._select(self._session.shown.rows.tolist()),
            "select_none": self._select_current,
            "invert_selection": self._invert,
        }

    @override
    def refresh(self) -> None:
        session, browsing = self._session, self._browsing
        self["reload"].setEnabled(bool(session.pipeline.roots))
        self["include_subfolders"].setChecked(bool(self._settings.value(INCLUDE_SUBFOLDERS)))
        for name, mode in _MODES.items():
            if browsing.mode is mode:  # one of a group is always checked: only checking says much
                self[name].setChecked(True)
        self["show_folders"].setChecked(not self._folders.isHidden())
        self["view_compare"].setEnabled(browsing.can_compare)
        self["photo_beside"].setChecked(bool(self._settings.value(PHOTO_BESIDE)))
        self["photo_beside"].setEnabled(browsing.mode in (ViewMode.GRID, ViewMode.LIST))
        for name in _AMONG_SHOWN:
            self[name].setEnabled(len(session.shown) > 0)
        for name in _ON_CURRENT:
            self[name].setEnabled(session.focus.current is not None)

    def _set_include_subfolders(self, on: bool) -> None:
        self._settings.set_value(INCLUDE_SUBFOLDERS, on)
        self._session.reopen()

    def _set_photo_beside(self, on: bool) -> None:
        self._browsing.set_photo_beside(on)

    def _resize_thumbnails(self, step: int) -> None:
        side = int(self._settings.value(THUMBNAIL_SIDE)) + step
        self._settings.set_value(THUMBNAIL_SIDE, side)

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
