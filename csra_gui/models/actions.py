"""Models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csra_gui.base.actions import ActionSpec, Slots
from csra_gui.models.controller import ModelController

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "models",
        "&Models…",
        ("Ctrl+Shift+M",),
        "layers",
        "Choose, download, import and export models.",
    ),
    ActionSpec("import_model", "&Import a model file…", tip="Make a model of your own of a file."),
)


class ModelCommands:
    """Choosing and importing models."""

    def __init__(self, controller: ModelController) -> None:
        self._controller = controller

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        return {
            "models": self._controller.show_dialog,
            "import_model": self._controller.choose_import,
        }

    def update(self, actions: Actions) -> None:
        """They can always be used."""
