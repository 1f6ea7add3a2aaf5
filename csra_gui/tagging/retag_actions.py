"""Tagging again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csra_gui.base.actions import ActionSpec, Slots
from csra_gui.session.session import Session
from csra_gui.tagging.controller import RetagController

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "retag",
        "Tag a&gain…",
        ("Ctrl+Shift+T",),
        "refresh",
        "Tag photos that have labels, and see what would change before it counts.",
    ),
)


class RetagCommands:
    """What changes the labels of photos that have some."""

    def __init__(self, session: Session, controller: RetagController) -> None:
        self._session = session
        self._controller = controller

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        return {"retag": self._controller.ask}

    def update(self, actions: Actions) -> None:
        """Enable and check the group's actions as things are now."""
        session = self._session
        busy = (
            session.pipeline.is_tagging
            or session.pipeline.is_scanning
            or session.pipeline.is_looking_up
        )
        ready = session.models.model is not None and len(session.photos) > 0
        actions["retag"].setEnabled(ready and not busy)
