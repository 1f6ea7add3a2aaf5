"""How far an export of maps is, and what came of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QVBoxLayout, QWidget

from csra_gui.maps.exporter import MapExports
from csra_gui.widgets.job_progress import JobProgress
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.api.errors import EngineError
from engine.texts import display_name, display_text


class ExportBar(QWidget):
    """Progress with Cancel; the notifier is told at the end."""

    def __init__(
        self, exports: MapExports, notifier: Notifier, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._exports = exports
        self._notifier = notifier
        self.progress = JobProgress(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.progress)
        self.progress.cancel_requested.connect(exports.cancel)
        exports.state_changed.connect(self._on_exports_state_changed)
        exports.written.connect(self._on_exports_written)
        exports.failed.connect(self._on_exports_failed)

    @Slot()
    def _on_exports_state_changed(self) -> None:
        progress = self._exports.progress
        if not self._exports.is_busy:
            self.progress.clear()
        elif progress is None:
            self.progress.set_busy(self._exports.text)
        else:
            self.progress.set_progress(self._exports.text, progress.done, progress.total)

    @Slot(object, int)
    def _on_exports_written(self, target: Path, left_out: int) -> None:
        text = f"{display_name(target)} is written."
        if left_out:
            text += f" {left_out} photos could not be read and are left out."
        folder = QUrl.fromLocalFile(str(target.parent))
        show = Remedy("Show folder", lambda: QDesktopServices.openUrl(folder))
        self._notifier.info(text, Topic.NOTE, show)

    @Slot(object)
    def _on_exports_failed(self, error: EngineError) -> None:
        self._notifier.error(display_text(str(error)), Topic.NOTE)
