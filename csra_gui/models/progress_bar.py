"""What is being done to a model, and how far it is."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from csra_gui.models.manager import ModelShelf, Transfer, Work
from csra_gui.widgets.job_progress import JobProgress


class ShelfStrip(QWidget):
    """Progress of a download, import or export, with Cancel where it can be ended."""

    def __init__(self, shelf: ModelShelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.progress = JobProgress(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.progress)
        self.progress.cancel_requested.connect(shelf.cancel)
        shelf.work_started.connect(self._on_shelf_work_started)
        shelf.work_progressed.connect(self._on_shelf_work_progressed)
        shelf.work_ended.connect(self.progress.clear)
        if shelf.work is not None:
            self._on_shelf_work_started(shelf.work)

    @Slot(object)
    def _on_shelf_work_started(self, work: Work) -> None:
        self.progress.set_busy(work.text, cancellable=work.can_cancel)

    @Slot(object)
    def _on_shelf_work_progressed(self, transfer: Transfer) -> None:
        self.progress.set_transfer(
            transfer.text,
            transfer.done,
            transfer.total,
            transfer.rate_per_s,
            transfer.remaining_s,
        )
