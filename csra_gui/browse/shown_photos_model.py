"""What the item models of photos have in common: they follow what the session shows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Slot

from csra_gui.session.photo_view_order import begins_with
from csra_gui.session.session import Session
from engine.library.columns import IntArray

_Index = QModelIndex | QPersistentModelIndex
#: Of more photos than this it is not worked out where they are: views paint all they show anew.
_MANY = 20_000


class ShownPhotosModel(QAbstractTableModel):
    """Photos at positions, in the order of ``Session.shown``; where a position is, children say.

    A "photo" is a row of the session's table, and stays the same however photos are sorted; a
    "position" is a place in what is shown now.
    """

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._photos: IntArray = np.asarray(session.shown.rows)
        session.shown.changed.connect(self._on_shown_changed)
        session.pipeline.predictions_changed.connect(self._on_photos_changed)
        session.decisions.changed.connect(self._on_photos_changed)
        session.thresholds.changed.connect(self._on_thresholds_changed)

    # Where photos are.

    @property
    def count(self) -> int:
        """How many photos are shown."""
        return len(self._photos)

    @abstractmethod
    def position_at(self, index: _Index) -> int | None:
        """The position of a cell; ``None`` for one without a photo."""

    @abstractmethod
    def index_at(self, position: int) -> QModelIndex:
        """The cell of a position; an invalid index beyond the ends."""

    def photo_at(self, index: _Index) -> int | None:
        """The photo of a cell; ``None`` for a cell without one."""
        position = self.position_at(index)
        return None if position is None else int(self._photos[position])

    def index_of(self, photo: int | None) -> QModelIndex:
        """The cell of a photo; an invalid index if it is not shown."""
        position = self.position_of(photo)
        return QModelIndex() if position is None else self.index_at(position)

    def position_of(self, photo: int | None) -> int | None:
        """The position of a photo, or ``None`` if it is not shown."""
        position = None if photo is None else self._session.shown.position_of(photo)
        # Between two of the session's signals the model may know less than the session does.
        return position if position is not None and position < self.count else None

    def photos_between(self, first: int, end: int) -> IntArray:
        """The photos at a half-open range of positions, cut to what there is."""
        return self._photos[max(0, first) : max(0, end)]

    def paths_between(self, first: int, end: int) -> list[Path]:
        """Their paths."""
        paths = self._session.photos.paths
        return [paths[int(photo)] for photo in self.photos_between(first, end)]

    # What changes.

    @abstractmethod
    def _grow(self, photos: IntArray) -> None:
        """Take a longer list of photos that begins like the one until now."""

    def _tell_changed(self, first: int, last: int) -> None:
        """Have positions, both included, painted anew."""
        self.dataChanged.emit(self.index_at(first), self.index_at(last))

    def tell_changed(self, photos: Sequence[int]) -> None:
        """Have photos painted anew, as far as they are shown, and all that lies between them."""
        positions = self._session.shown.positions_of(photos)
        positions = positions[positions < self.count]
        if len(positions):
            self._tell_changed(int(positions.min()), int(positions.max()))

    @Slot()
    def _on_shown_changed(self) -> None:
        photos = np.asarray(self._session.shown.rows)
        have = self.count
        if have and begins_with(photos, self._photos):
            if len(photos) > have:
                self._grow(photos)
            return
        self.beginResetModel()
        self._photos = photos
        self.endResetModel()

    @Slot(object)
    def _on_photos_changed(self, photos: tuple[int, ...]) -> None:
        if 0 < len(photos) <= _MANY:  # mostly nobody sees them: things become known by and by
            self.tell_changed(photos)
        else:
            self._on_thresholds_changed()

    @Slot()
    def _on_thresholds_changed(self) -> None:
        if self.count:
            self._tell_changed(0, self.count - 1)
