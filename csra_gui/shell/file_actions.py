"""Opening photos, settings and leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from csra_gui.base.actions import ActionSpec, Slots, Standard
from csra_gui.base.settings import INCLUDE_SUBFOLDERS, Settings
from csra_gui.browse.opener import Opener
from csra_gui.session.session import Session
from csra_gui.shell.controller import WindowDialogs

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "open_folder",
        "&Open folder…",
        (Standard.Open,),
        "folder-open",
        "Show and tag the photos of a folder.",
    ),
    ActionSpec("open_photos", "Open &photos…", ("Ctrl+Shift+O",), "image", "Open single photos."),
    ActionSpec(
        "add_folder",
        "&Add folder…",
        ("Ctrl+Shift+A",),
        "folder-add",
        "Add the photos of a folder to those that are open.",
    ),
    ActionSpec("open_samples", "Tr&y the sample photos", (), "", "Open the photos that ship."),
    ActionSpec("reload", "&Look again", (Standard.Refresh,), "refresh", "Open the same again."),
    ActionSpec(
        "include_subfolders",
        "Include &subfolders",
        tip="Also look for photos in the folders inside a folder.",
        checkable=True,
    ),
    ActionSpec("clear_recent", "&Clear this list"),
    ActionSpec("settings", "Se&ttings…", ("Ctrl+,",), "settings"),
    ActionSpec("quit", "&Quit", ("Ctrl+Q",)),
)


class PhotoCommands:
    """What can be opened.

    Args:
        quit_program: closes the window.
        has_samples: whether there are sample photos to open.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        opener: Opener,
        dialogs: WindowDialogs,
        quit_program: Callable[[], object],
        *,
        has_samples: bool,
    ) -> None:
        self._session = session
        self._settings = settings
        self._opener = opener
        self._dialogs = dialogs
        self._quit = quit_program
        self._has_samples = has_samples

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        return {
            "open_folder": self._opener.choose_folder,
            "open_photos": self._opener.choose_photos,
            "add_folder": self._opener.choose_folder_to_add,
            "open_samples": self._opener.open_samples,
            "reload": self._session.rescan,
            "include_subfolders": self._set_include_subfolders,
            "clear_recent": self._opener.forget_all,
            "settings": self._dialogs.show_settings,
            "quit": self._quit,
        }

    def update(self, actions: Actions) -> None:
        """Enable and check the group's actions as things are now."""
        actions["open_samples"].setEnabled(self._has_samples)
        actions["reload"].setEnabled(bool(self._session.pipeline.roots))
        included = bool(self._settings.value(INCLUDE_SUBFOLDERS))
        actions["include_subfolders"].setChecked(included)

    def _set_include_subfolders(self, on: bool) -> None:
        self._settings.set_value(INCLUDE_SUBFOLDERS, on)
        self._session.rescan()
