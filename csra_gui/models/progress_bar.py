"""What is being done to a model, and how far it is."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from csra_gui.models.manager import ModelManager, Transfer, Work
from csra_gui.widgets.job_progress import JobProgress


class ModelProgressBar(QWidget):
    """Progress of a download, import or export, with Cancel where it can be ended."""

    def __init__(self, manager: ModelManager, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.progress = JobProgress(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.progress)
        self.progress.cancel_requested.connect(manager.cancel)
        manager.work_started.connect(self._on_manager_work_started)
        manager.work_progressed.connect(self._on_manager_work_progressed)
        manager.work_ended.connect(self.progress.clear)
        if manager.work is not None:
            self._on_manager_work_started(manager.work)

    @Slot(object)
    def _on_manager_work_started(self, work: Work) -> None:
        self.progress.set_busy(work.text, cancellable=work.can_cancel)

    @Slot(object)
    def _on_manager_work_progressed(self, transfer: Transfer) -> None:
        self.progress.set_transfer(
            transfer.text,
            transfer.done,
            transfer.total,
            transfer.rate_per_s,
            transfer.remaining_s,
        )
