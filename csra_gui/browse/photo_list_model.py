"""The shown photos as a grid: one cell per photo, as many columns as fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, Qt, Slot

from csra_gui.browse.image_loader import ImageLoader
from csra_gui.browse.photo_roles import PhotoRole
from csra_gui.browse.photo_texts import accessible_text, pair_text, photo_error, photo_tool_tip
from csra_gui.browse.shown_photos_model import ShownPhotosModel
from csra_gui.session.session import Session
from engine.library.columns import IntArray
from engine.texts import display_name

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class ThumbnailModel(ShownPhotosModel):
    """Cells that show a thumbnail.

    ``data`` only asks: thumbnails are loaded by ``ImageLoader.want``, which is called with what
    can be seen.
    """

    def __init__(self, session: Session, thumbnails: ImageLoader, parent: QObject) -> None:
        super().__init__(session, parent)
        self._thumbnails = thumbnails
        photos = session.photos
        # Apart, because a path is made anew each time: a cell asks ten questions to be painted.
        self._answers: dict[int, Callable[[int], Any]] = {
            PhotoRole.LABELS: session.main_labels,
            PhotoRole.IS_TAGGED: photos.is_tagged,
            PhotoRole.IS_REVIEWED: photos.is_reviewed,
            PhotoRole.NOTE: session.shown.note,
            PhotoRole.PHOTO: lambda photo: photo,
            PhotoRole.RATING: photos.attributes.rating,
            PhotoRole.COLOR: photos.attributes.color,
        }
        self._answers_of_files: dict[int, Callable[[int, Path], Any]] = {
            Qt.ItemDataRole.DisplayRole: lambda _photo, path: display_name(path),
            Qt.ItemDataRole.DecorationRole: lambda _photo, path: thumbnails.image(path),
            Qt.ItemDataRole.ToolTipRole: lambda photo, path: photo_tool_tip(session, photo, path),
            Qt.ItemDataRole.AccessibleTextRole: lambda photo, path: accessible_text(
                session, photo, path, thumbnails.error(path)
            ),
            PhotoRole.ERROR: lambda photo, path: photo_error(
                session, photo, thumbnails.error(path)
            ),
            PhotoRole.PAIR: lambda photo, path: pair_text(path, photos.other_files(photo)),
        }
        thumbnails.image_loaded.connect(self._on_thumbnail_arrived)
        thumbnails.image_failed.connect(self._on_thumbnail_arrived)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Photos can be selected, empty cells cannot."""
        if self.photo_at(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What is known of a photo now; nothing is loaded or computed at length."""
        answer, of_file = self._answers.get(role), self._answers_of_files.get(role)
        photo = self.photo_at(index) if answer or of_file else None
        if photo is None:
            return None
        if answer:
            return answer(photo)
        return of_file(photo, self._session.photos.paths[photo]) if of_file else None

    @Slot(object)
    def _on_thumbnail_arrived(self, path: Path) -> None:
        photo = self._session.photos.row_of(path)
        if photo is not None:
            self.tell_changed((photo,))


class PhotoListModel(ThumbnailModel):
    """The shown photos row after row, in a number of columns that may change."""

    def __init__(self, session: Session, thumbnails: ImageLoader, parent: QObject) -> None:
        super().__init__(session, thumbnails, parent)
        self._columns = 1

    @property
    def columns(self) -> int:
        """How many photos lie side by side."""
        return self._columns

    def set_columns(self, columns: int) -> None:
        """Lay the photos out anew; indexes change, photos do not."""
        columns = max(1, columns)
        if columns != self._columns:
            self.beginResetModel()
            self._columns = columns
            self.endResetModel()

    def position_at(self, index: _Index) -> int | None:
        """The position of a cell; ``None`` for the empty cells after the last photo."""
        if not index.isValid():
            return None
        position = index.row() * self._columns + index.column()
        return position if position < self.count else None

    def index_at(self, position: int) -> QModelIndex:
        """The cell of a position; an invalid index beyond the ends."""
        if not 0 <= position < self.count:
            return QModelIndex()
        return self.index(position // self._columns, position % self._columns)

    def rowCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        """Rows of the grid."""
        return 0 if parent.isValid() else -(-self.count // self._columns)

    def columnCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        """Columns of the grid."""
        return 0 if parent.isValid() else self._columns

    def _tell_changed(self, first: int, last: int) -> None:
        """Whole rows: a model can only name rectangles."""
        top, bottom = first // self._columns, last // self._columns
        if top == bottom:
            super()._tell_changed(first, last)
        else:
            self.dataChanged.emit(self.index(top, 0), self.index(bottom, self._columns - 1))

    def _grow(self, photos: IntArray) -> None:
        have, rows = self.count, self.rowCount()
        new_rows = -(-len(photos) // self._columns)
        if new_rows > rows:
            self.beginInsertRows(QModelIndex(), rows, new_rows - 1)
            self._photos = photos
            self.endInsertRows()
        self._photos = photos
        if have % self._columns:  # the last row was not full
            self._tell_changed(have, min(rows * self._columns, len(photos)) - 1)


class FilmstripModel(ThumbnailModel):
    """The shown photos in one row."""

    def position_at(self, index: _Index) -> int | None:
        """The position of a cell."""
        return index.column() if index.isValid() else None

    def index_at(self, position: int) -> QModelIndex:
        """The cell of a position; an invalid index beyond the ends."""
        return self.index(0, position) if 0 <= position < self.count else QModelIndex()

    def rowCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        """One row."""
        return 0 if parent.isValid() else 1

    def columnCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        """A column per photo."""
        return 0 if parent.isValid() else self.count

    def _grow(self, photos: IntArray) -> None:
        self.beginInsertColumns(QModelIndex(), self.count, len(photos) - 1)
        self._photos = photos
        self.endInsertColumns()
