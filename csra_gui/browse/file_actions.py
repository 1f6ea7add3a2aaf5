"""What can be done with the files of the photos that commands are for."""

from __future__ import annotations

import sys

from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication
from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions
from csra_gui.browse.file_commands import FileCommands
from csra_gui.browse.trash import PhotoTrash
from csra_gui.browse.turning import PhotoTurns
from csra_gui.browse.view_mode import Browsing
from csra_gui.session.session import Session
from engine.texts import photos_text

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "open_default",
        "Open with the &usual program",
        (),
        "",
        "Open the photo with the program that the desktop has for it.",
    ),
    ActionSpec("open_with", "Open with an&other program…"),
    ActionSpec("show_in_files", "Show in the file &manager", (), "folder-open"),
    ActionSpec("copy_path", "Copy the &path", ("Ctrl+Shift+C",)),
    ActionSpec(
        "photo_properties",
        "Propert&ies",
        ("Alt+Return", "Alt+Enter"),
        "info",
        "Show what is known of the photo: its file, its camera, its scores.",
    ),
    ActionSpec(
        "rotate_left",
        "Rotate to the &left",
        ("Ctrl+[",),
        "rotate-left",
        "A sidecar beside the photo says how it stands; the photo itself is not changed.",
    ),
    ActionSpec(
        "rotate_right",
        "Rotate to the &right",
        ("Ctrl+]",),
        "rotate-right",
        "A sidecar beside the photo says how it stands; the photo itself is not changed.",
    ),
    ActionSpec(
        "move_to_trash",
        "Move to the &trash",
        (),
        "trash",
        "Move the photo to the system's trash, with its sidecars and what else belongs to it.",
    ),
    ActionSpec(
        "put_back",
        "Put &back from the trash",
        (),
        "undo",
        "Bring back the photos that went to the trash last, with their tags.",
    ),
    # Windows sends what the key means by itself, as all systems do for the Menu key.
    ActionSpec(
        "photo_menu",
        "Menu of what has the keys",
        () if sys.platform == "win32" else ("Shift+F10",),
    ),
)
#: What they say where they are for several photos.
_OF_SEVERAL = {
    "open_default": "Open {} with the &usual program",
    "open_with": "Open {} with an&other program…",
    "show_in_files": "Show {} in the file &manager",
    "copy_path": "Copy the &paths of {}",
    "photo_properties": "Propert&ies of {}",
    "move_to_trash": "Move {} to the &trash",
    "rotate_left": "Rotate {} to the &left",
    "rotate_right": "Rotate {} to the &right",
}


class FileActions(FeatureActions):
    """Each says how many photos it is for, if they are several."""

    def __init__(
        self,
        session: Session,
        browsing: Browsing,
        commands: FileCommands,
        trash: PhotoTrash,
        turns: PhotoTurns,
    ) -> None:
        super().__init__(ACTIONS, commands)
        self._browsing, self._library = browsing, session.library
        self._trash, self._turns = trash, turns
        self.connect_slots(
            {
                "open_default": commands.open_with_default,
                "open_with": commands.open_with_chosen,
                "show_in_files": commands.show_in_file_manager,
                "copy_path": commands.copy_paths,
                "photo_properties": commands.show_properties,
                "rotate_left": turns.turn_left,
                "rotate_right": turns.turn_right,
                "move_to_trash": trash.ask,
                "put_back": trash.put_back,
                "photo_menu": _ask_for_menu,
            }
        )
        self.refresh_on(
            session.focus.current_changed,
            session.selection_changed,
            browsing.subjects_changed,
            trash.state_changed,
            turns.state_changed,
            session.library.opened,
        )

    @override
    def refresh(self) -> None:
        count = len(self._browsing.targets)
        for spec in self.specs:
            if spec.id in _OF_SEVERAL:
                several = _OF_SEVERAL[spec.id].format(photos_text(count))
                self[spec.id].setEnabled(count > 0)
                self[spec.id].setText(several if count > 1 else spec.text)
        self["move_to_trash"].setEnabled(count > 0 and not self._trash.is_busy)
        can_turn = not self._turns.is_busy and self._library.library is not None
        for name in ("rotate_left", "rotate_right"):
            self[name].setEnabled(count > 0 and can_turn)
        self["put_back"].setEnabled(self._trash.can_put_back)


def _ask_for_menu() -> None:
    """Do as the Menu key does, which not all keyboards have."""
    place = QApplication.focusWidget()
    if place is not None:
        center = place.rect().center()
        reason = QContextMenuEvent.Reason.Keyboard
        event = QContextMenuEvent(reason, center, place.mapToGlobal(center))
        QApplication.sendEvent(place, event)
