"""Writing labels some seconds after they were decided on, if the person wishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from csra_gui.base.settings import WRITE_CONTINUOUSLY, Settings
from csra_gui.interchange.write_job import LabelWrites, WriteRequest
from csra_gui.interchange.write_options import chosen_options, chosen_which
from csra_gui.session.session import Session
from engine.api.errors import EngineError
from engine.interchange.writing.awaited import settle_awaited
from engine.interchange.writing.values import WriteOptions, WriteReport
from engine.library.store import Library

_DELAY_MS = 3000
_RETRY_MS = 60_000


class ContinuousWriting(QObject):
    """Keeps the photos that were decided on and are not written yet, also over a restart.

    Those whose file was left alone are tried again once a minute.

    Signals:
        changed: other photos wait, or for another reason.
    """

    changed = Signal()

    def __init__(
        self, session: Session, settings: Settings, writes: LabelWrites, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._settings, self._writes = session, settings, writes
        self._rows: set[int] = set()
        self._again: set[int] = set()
        self._is_underway = False
        self.awaited: Mapping[int, str] = MappingProxyType({})
        self.timer = QTimer(self, singleShot=True, interval=_DELAY_MS)
        self.timer.timeout.connect(self._on_timer_timeout)
        session.decisions.changed.connect(self._on_decisions_changed)
        session.decisions.taken_back.connect(self._on_decisions_changed)
        session.pipeline.photos_reset.connect(self._on_photos_reset)
        session.library.opened.connect(self._on_library_opened)

    @property
    def not_written(self) -> dict[int, str]:
        """Why photos could not be written, by the library's number of each; none if unwished."""
        if not self._is_wished:
            return {}
        return {image: reason for image, reason in self.awaited.items() if reason}

    @Slot()
    def try_again(self) -> None:
        """Write what could not be written, now."""
        if self.awaited and self._is_wished:
            self.timer.start(0)

    @property
    def _is_wished(self) -> bool:
        return bool(self._settings.value(WRITE_CONTINUOUSLY))

    @Slot()
    def _on_library_opened(self) -> None:
        self._rows.clear()
        self._session.library.submit(lambda library: library.awaited_writes(), self._take)

    @Slot(object)
    def _on_decisions_changed(self, rows: tuple[int, ...]) -> None:
        if rows and self._is_wished:
            self._rows.update(int(row) for row in rows)
            self._note_rows()
            self.timer.start(_DELAY_MS)

    @Slot()
    def _on_photos_reset(self) -> None:
        # Rows are of other photos from now on; those that the library knows are noted there.
        self._rows.clear()
        if self.awaited and self._is_wished:
            self.timer.start(_DELAY_MS)

    def _note_rows(self) -> None:
        """Note in the library what waits; the rest follows once the library knows the photo."""
        known = self._session.photos.image_ids[np.array(sorted(self._rows), dtype=np.int64)]
        ids = [image for image in known.tolist() if image > 0]
        self._rows = {
            row for row, image in zip(sorted(self._rows), known, strict=True) if not image
        }
        if ids:
            self._again.update(ids)
            self._session.library.submit(lambda library: _await(library, ids), self._take)

    def _take(self, awaited: Mapping[int, str]) -> None:
        self.awaited = MappingProxyType(dict(awaited))
        if self.awaited and not self.timer.isActive() and self._is_wished:
            self.timer.start(_RETRY_MS if self.not_written else _DELAY_MS)
        self.changed.emit()

    @Slot()
    def _on_timer_timeout(self) -> None:
        if not self._is_wished or not (self.awaited or self._rows):
            return
        self._note_rows()
        if (
            self._is_underway
            or not self._writes.can_write
            or self._rows
            or self._again - self.awaited.keys()
        ):
            self.timer.start(_DELAY_MS)
            return
        try:
            options = chosen_options(self._settings)
        except EngineError as error:
            self._session.library.report(error)
            return
        self._again.clear()
        self._is_underway = True
        ids = np.array(sorted(self.awaited), dtype=np.int64)
        request = WriteRequest(
            np.zeros(0, dtype=np.int64),
            chosen_which(self._settings),
            options,
            is_quiet=True,
            image_ids=ids,
            ended=partial(self._settle, ids.tolist(), options),
        )
        self._writes.start(request)

    def _settle(self, ids: list[int], options: WriteOptions, report: WriteReport | None) -> None:
        self._is_underway = False
        if report is None:  # it was cancelled, or failed
            self.timer.start(_RETRY_MS)
            return
        # What was decided on meanwhile may be written or not: it waits on.
        settled = [image for image in ids if image not in self._again]
        self._session.library.submit(
            lambda library: settle_awaited(library, settled, options, report), self._take
        )
        if self._rows:
            self.timer.start(_DELAY_MS)


def _await(library: Library, image_ids: Iterable[int]) -> dict[int, str]:
    library.await_writes(image_ids)
    return library.awaited_writes()
