"""Writing labels some seconds after they were decided on, if the person wishes."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QTimer, Slot

from csra_gui.base.settings import WRITE_CONTINUOUSLY, Settings
from csra_gui.interchange.write_job import LabelWrites, WriteRequest
from csra_gui.interchange.write_options import chosen_options, chosen_which
from csra_gui.session.session import Session
from engine.api.errors import EngineError
from engine.interchange.writing.values import WriteReport

_DELAY_MS = 3000
_RETRY_MS = 60_000


class ContinuousWriting(QObject):
    """Keeps the photos that were decided on and are not written yet.

    Those whose file was left alone are tried again once a minute.
    """

    def __init__(
        self, session: Session, settings: Settings, writes: LabelWrites, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._settings, self._writes = session, settings, writes
        self._underway: frozenset[int] = frozenset()
        self.not_written: set[int] = set()
        self.timer = QTimer(self, singleShot=True, interval=_DELAY_MS)
        self.timer.timeout.connect(self._on_timer_timeout)
        session.decisions.changed.connect(self._on_decisions_changed)
        session.decisions.taken_back.connect(self._on_decisions_changed)
        session.pipeline.photos_reset.connect(self._on_photos_reset)
        writes.ended.connect(self._on_writes_ended)

    @Slot(object)
    def _on_decisions_changed(self, rows: tuple[int, ...]) -> None:
        if rows and self._settings.value(WRITE_CONTINUOUSLY):
            self.not_written.update(int(row) for row in rows)
            self.timer.start(_DELAY_MS)

    @Slot()
    def _on_photos_reset(self) -> None:
        # Rows are of other photos from now on.
        self.not_written.clear()
        self._underway = frozenset()

    @Slot()
    def _on_timer_timeout(self) -> None:
        if not self.not_written or not self._settings.value(WRITE_CONTINUOUSLY):
            return
        if not self._writes.can_write:
            self.timer.start(_DELAY_MS)
            return
        try:
            options = chosen_options(self._settings)
        except EngineError as error:
            self._session.library.report(error)
            return
        rows = np.array(sorted(self.not_written), dtype=np.int64)
        self._underway = frozenset(self.not_written)
        request = WriteRequest(rows, chosen_which(self._settings), options, is_quiet=True)
        self._writes.start(request)

    @Slot(object)
    def _on_writes_ended(self, report: WriteReport) -> None:
        underway, self._underway = self._underway, frozenset()
        if report.refused and underway:
            self.timer.start(_RETRY_MS)
        else:
            self.not_written -= underway
