"""The command that takes over tags that were made elsewhere."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions
from csra_gui.interchange.import_tags_dialog import ImportTagsDialog
from csra_gui.interchange.import_tags_job import TagImports, TagRequest
from csra_gui.session.session import Session

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "import_results",
        "I&mport results…",
        (),
        "file",
        "Take over tags that the command line gave on this or another computer.",
    ),
)


class ImportTagsActions(FeatureActions):
    """Importing results."""

    def __init__(self, session: Session, imports: TagImports, window: QWidget) -> None:
        super().__init__(ACTIONS, imports)
        self._session, self._imports, self._window = session, imports, window
        self.connect_slots({"import_results": self.show_dialog})
        self.refresh_on(session.library.opened, imports.state_changed)

    @override
    def refresh(self) -> None:
        self["import_results"].setEnabled(self._imports.can_import)

    @Slot()
    def show_dialog(self) -> None:
        """Ask which results, and show what would come of them."""
        dialog = ImportTagsDialog(self._session, self._imports, self._window)
        dialog.import_requested.connect(self._on_dialog_import_requested)
        dialog.open()

    @Slot(object)
    def _on_dialog_import_requested(self, request: TagRequest) -> None:
        self._imports.start(request)
