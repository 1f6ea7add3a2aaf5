"""The command that takes over labels that files have."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions
from csra_gui.interchange.import_dialog import ImportDialog
from csra_gui.interchange.import_job import LabelImports
from csra_gui.session.session import Session
from engine.interchange.importing.values import FoundLabels

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "import_labels",
        "&Import labels…",
        (),
        "file",
        "Take over keywords that photos have already, or the labels of a list or data set.",
    ),
)


class ImportActions(FeatureActions):
    """Importing."""

    def __init__(self, session: Session, imports: LabelImports, window: QWidget) -> None:
        super().__init__(ACTIONS, imports)
        self._session, self._imports, self._window = session, imports, window
        self.connect_slots({"import_labels": self.show_dialog})
        self.refresh_on(session.library.opened, imports.state_changed)

    @override
    def refresh(self) -> None:
        self["import_labels"].setEnabled(self._imports.can_import)

    @Slot()
    def show_dialog(self) -> None:
        """Ask what to import."""
        dialog = ImportDialog(self._session, self._imports, self._window)
        dialog.import_requested.connect(self._on_dialog_import_requested)
        dialog.open()

    @Slot(object, object, str)
    def _on_dialog_import_requested(
        self, found: FoundLabels, mapping: dict[str, str], caption: str
    ) -> None:
        self._imports.start(found, mapping, caption)
