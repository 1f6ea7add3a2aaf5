"""Tagging photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csra_gui.base.actions import ActionSpec, Slots
from csra_gui.session.session import Session
from csra_gui.shell.controller import WindowDialogs

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("tag", "&Tag now", ("Ctrl+T",), "play", "Tag the photos that have no labels yet."),
    ActionSpec("pause", "&Pause tagging", ("Ctrl+P",), "pause", "Stop, to go on later."),
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
            "tag": self._session.pipeline.tag,
            "pause": self._session.pipeline.pause,
            "cancel": self._session.pipeline.cancel_tagging,
            "show_problems": self._dialogs.show_problems,
        }

    def update(self, actions: Actions) -> None:
        """Enable and check the group's actions as things are now."""
        session = self._session
        busy = session.pipeline.is_tagging or session.pipeline.is_scanning
        actions["tag"].setEnabled(
            session.models.model is not None and not busy and self._has_untagged()
        )
        actions["tag"].setText(self._tag_text())
        actions["pause"].setEnabled(
            session.pipeline.is_tagging and not session.pipeline.is_retagging
        )
        actions["cancel"].setEnabled(session.pipeline.is_tagging or session.pipeline.is_paused)
        actions["show_problems"].setEnabled(bool(session.photos.errors or session.pipeline.skipped))

    def _has_untagged(self) -> bool:
        photos = self._session.photos
        return photos.tagged_count() + len(photos.errors) < len(photos)

    def _tag_text(self) -> str:
        begun = self._session.pipeline.is_paused or self._session.photos.tagged_count() > 0
        return "&Resume tagging" if begun and self._has_untagged() else "&Tag now"
