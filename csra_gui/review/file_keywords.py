"""The keywords that the current photo's files have, read behind everything else."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.jobs import JobSlot
from csra_gui.session.session import Session
from engine.api.errors import EngineError
from engine.interchange.importing.keywords import read_photo
from engine.interchange.importing.mapping import KnownLabels
from engine.interchange.importing.values import USUAL_SOURCES

#: A photo with more is listed with these alone.
MOST_SHOWN = 200


class FileKeywords(QObject):
    """What sidecars and the photo itself say, as labels; nothing of it is a decision.

    Signals:
        changed: they are those of another photo, or were read.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._reading = JobSlot(session.jobs, "read keywords", self)
        self._photo: int | None = None
        self._labels: tuple[str, ...] = ()
        session.focus.current_changed.connect(self.read_again)
        session.pipeline.photos_reset.connect(self.read_again)

    def of(self, photo: int) -> tuple[str, ...]:
        """The labels in a photo's files; none unless it is the current one."""
        return self._labels if photo == self._photo else ()

    @Slot()
    def read_again(self) -> None:
        """Read those of the current photo."""
        self._reading.drop()
        had_any, self._labels = bool(self._labels), ()
        photos, current = self._session.photos, self._session.focus.current
        self._photo = current
        if had_any:
            self.changed.emit()
        if current is None:
            return
        path = photos.paths[current]
        files = (path, *(path.with_name(name) for name in photos.other_files(current)))
        known, names = photos.known_labels, photos.names
        self._reading.run(
            lambda: _read(files, KnownLabels(known, names)), self._take, self._on_failed
        )

    def _take(self, labels: tuple[str, ...]) -> None:
        if labels != self._labels:
            self._labels = labels
            self.changed.emit()

    def _on_failed(self, _error: EngineError) -> None:
        """Nothing is listed then; an import says why."""


def _read(files: tuple[Path, ...], known: KnownLabels) -> tuple[str, ...]:
    """The labels that the names in files mean, each once; what can be none is left out."""
    labels: dict[str, None] = {}
    for file in files:
        for name in read_photo(file, USUAL_SOURCES)[0]:
            if len(labels) < MOST_SHOWN and (label := known.meant(name)):
                labels[label] = None
    return tuple(labels)
