"""Tagging photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csra_gui.commands.spec import ActionSpec, Slots
from csra_gui.session import Session
from csra_gui.window_dialogs import WindowDialogs

if TYPE_CHECKING:
    from csra_gui.commands.table import Actions


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "tag", "&Tag now", ("Ctrl+T",), "play", "Tag the photos that have no labels yet, or again."
    ),
    ActionSpec("cancel", "&Cancel tagging", ("Ctrl+.",), "cancel", "Stop; what is tagged stays."),
    ActionSpec("show_problems", "Show &unreadable photos…", (), "warning"),
)


class TagCommands:
    """Running the model over the photos."""

    def __init__(self, session: Session, dialogs: WindowDialogs) -> None:
        self._session = session
        self._dialogs = dialogs

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        return {
            "tag": self._session.tag,
            "cancel": self._session.cancel_tagging,
            "show_problems": self._dialogs.show_problems,
        }

    def update(self, actions: Actions) -> None:
        """Enable and check the group's actions as things are now."""
        session = self._session
        ready = len(session.photos) > 0 and session.model is not None
        actions["tag"].setEnabled(ready and not session.is_tagging and not session.is_scanning)
        actions["tag"].setText(self._tag_text())
        actions["cancel"].setEnabled(session.is_tagging)
        actions["show_problems"].setEnabled(bool(session.photos.errors or session.skipped))

    def _tag_text(self) -> str:
        photos = self._session.photos
        tagged = photos.tagged_count()
        if not tagged:
            return "&Tag now"
        return "&Tag again" if tagged + len(photos.errors) >= len(photos) else "&Resume tagging"
