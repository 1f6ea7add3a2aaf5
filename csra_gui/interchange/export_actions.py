"""The command that exports: asks what, then where, and has it written."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions
from csra_gui.base.ask import ask_target
from csra_gui.base.settings import Settings
from csra_gui.interchange.export_dialog import ExportDialog
from csra_gui.interchange.export_job import ExportRequest, LabelExports
from csra_gui.session.session import Session
from engine.interchange.exporting.formats import FORMATS

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "export_labels",
        "&Export tags…",
        ("Ctrl+E",),
        "save",
        "Write the tags of photos as a table, a data set or folders for other programs.",
    ),
)


class ExportActions(FeatureActions):
    """Exporting."""

    def __init__(
        self, session: Session, settings: Settings, exports: LabelExports, window: QWidget
    ) -> None:
        super().__init__(ACTIONS, exports)
        self._session = session
        self._settings = settings
        self._exports = exports
        self._window = window
        self.connect_slots({"export_labels": self.show_dialog})
        self.refresh_on(
            session.shown.changed,
            session.pipeline.photos_reset,
            session.library.opened,
            exports.state_changed,
        )

    @override
    def refresh(self) -> None:
        self["export_labels"].setEnabled(self._exports.can_export)

    @Slot()
    def show_dialog(self) -> None:
        """Ask what to export."""
        dialog = ExportDialog(self._session, self._settings, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.export_requested.connect(self._ask_where)
        self._session.pipeline.photos_reset.connect(dialog.reject)  # its rows mean other photos
        dialog.open()

    @Slot(object)
    def _ask_where(self, request: ExportRequest) -> None:
        form = FORMATS[request.format_name]
        kind = f"{form.title} (*{form.suffix})" if form.suffix else "A new folder (*)"
        name = f"labels{form.suffix}" if form.suffix else f"labels-{form.name}"
        roots = self._session.pipeline.found_roots
        start = str(roots[0] if roots and form.suffix else roots[0].parent) if roots else ""
        then = partial(self._exports.start, request)
        where = ask_target(self._window, form.title, name, (kind,), then, start)
        self._session.pipeline.photos_reset.connect(where.reject)
