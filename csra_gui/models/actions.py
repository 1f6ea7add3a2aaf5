"""Models."""

from __future__ import annotations

from csra_gui.base.actions import ActionSpec, FeatureActions
from csra_gui.models.controller import ModelController

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "models",
        "&Models…",
        ("Ctrl+Shift+M",),
        "layers",
        "Choose, download, import and export models.",
    ),
    ActionSpec("import_model", "&Import a model file…"),
)


class ModelActions(FeatureActions):
    """Choosing and importing models."""

    def __init__(self, controller: ModelController) -> None:
        super().__init__(ACTIONS, controller)
        self.connect_slots(
            {"models": controller.show_dialog, "import_model": controller.choose_import}
        )
