"""The open photos as a grid: one cell per photo, as many columns as fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from csra_gui.item_models.photo_roles import PhotoRole
from csra_gui.session import Session
from csra_gui.tool_tips import plain_tool_tip
from csra_gui.workers.image_loader import ImageLoader
from engine.texts import display_name, display_path, display_text

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class PhotoListModel(QAbstractTableModel):
    """Maps cells of a table to the session's photos, row after row.

    ``data`` only asks: thumbnails are loaded by ``ImageLoader.want``, which the view calls with
    what can be seen.
    """

    def __init__(self, session: Session, thumbnails: ImageLoader, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._thumbnails = thumbnails
        self._columns = 1
        self._count = 0
        photos = session.photos
        self._answers: dict[int, Callable[[int, Path], Any]] = {
            Qt.ItemDataRole.DisplayRole: lambda _photo, path: display_name(path),
            Qt.ItemDataRole.DecorationRole: lambda _photo, path: thumbnails.image(path),
            Qt.ItemDataRole.ToolTipRole: self._tool_tip,
            Qt.ItemDataRole.AccessibleTextRole: self._accessible_text,
            PhotoRole.LABELS: lambda photo, _path: session.labels(photo),
            PhotoRole.ERROR: self._error,
            PhotoRole.IS_TAGGED: lambda photo, _path: photos.is_tagged(photo),
            PhotoRole.PHOTO: lambda photo, _path: photo,
        }
        session.photos_reset.connect(self._on_photos_reset)
        session.photos_added.connect(self._on_photos_added)
        session.predictions_changed.connect(self._on_predictions_changed)
        session.threshold_changed.connect(self._on_threshold_changed)
        thumbnails.image_loaded.connect(self._on_thumbnail_arrived)
        thumbnails.image_failed.connect(self._on_thumbnail_arrived)

    # The grid.

    @property
    def count(self) -> int:
        """How many photos there are."""
        return self._count

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

    def photo_at(self, index: _Index) -> int | None:
        """The session's row of a cell; ``None`` for the empty cells after the last photo."""
        if not index.isValid():
            return None
        photo = index.row() * self._columns + index.column()
        return photo if photo < self._count else None

    def index_of(self, photo: int) -> QModelIndex:
        """The cell of a photo; an invalid index if there is none."""
        if not 0 <= photo < self._count:
            return QModelIndex()
        return self.index(photo // self._columns, photo % self._columns)

    def paths_between(self, first: int, end: int) -> list[Path]:
        """The photos of a half-open range, cut to what there is."""
        return list(self._session.photos.paths[max(0, first) : min(end, self._count)])

    # QAbstractTableModel.

    def rowCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        """Rows of the grid."""
        return 0 if parent.isValid() else -(-self._count // self._columns)

    def columnCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        """Columns of the grid."""
        return 0 if parent.isValid() else self._columns

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Photos can be selected, the empty cells after the last one cannot."""
        if self.photo_at(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What is known of a photo now; nothing is loaded or computed at length."""
        photo = self.photo_at(index)
        if photo is None:
            return None
        answer = self._answers.get(role)
        return None if answer is None else answer(photo, self._session.photos.paths[photo])

    # Helpers.

    def _error(self, photo: int, path: Path) -> str | None:
        error = self._session.photos.error(photo) or self._thumbnails.error(path)
        return None if error is None else display_text(error)

    def _tool_tip(self, photo: int, path: Path) -> str:
        lines = [display_path(path)]
        error = self._error(photo, path)
        if error is not None:
            lines.append(error)
        lines += [f"{label.category} {label.score:.0%}" for label in self._session.labels(photo)]
        return plain_tool_tip(lines)

    def _accessible_text(self, photo: int, path: Path) -> str:
        error = self._error(photo, path)
        if error is not None:
            return f"{display_name(path)}: {error}"
        if not self._session.photos.is_tagged(photo):
            return f"{display_name(path)}: not tagged yet"
        labels = ", ".join(f"{x.category} {x.score:.0%}" for x in self._session.labels(photo))
        return f"{display_name(path)}: {labels or 'no labels'}"

    def _tell_changed(self, first: int, last: int) -> None:
        """Repaint the grid rows that hold photos ``first`` to ``last``."""
        top, bottom = first // self._columns, last // self._columns
        self.dataChanged.emit(self.index(top, 0), self.index(bottom, self._columns - 1))

    def _on_photos_reset(self) -> None:
        self._thumbnails.clear()
        self.beginResetModel()
        self._count = 0
        self.endResetModel()

    def _on_photos_added(self, first: int, end: int) -> None:
        rows, new_rows = self.rowCount(), -(-end // self._columns)
        if new_rows > rows:
            self.beginInsertRows(QModelIndex(), rows, new_rows - 1)
            self._count = end
            self.endInsertRows()
        self._count = end
        if first % self._columns:
            self._tell_changed(first, first)

    def _on_predictions_changed(self, rows: tuple[int, ...]) -> None:
        if not self._count:
            return
        if rows:
            self._tell_changed(min(rows), max(rows))
        else:
            self._tell_changed(0, self._count - 1)

    def _on_threshold_changed(self) -> None:
        self._on_predictions_changed(())

    def _on_thumbnail_arrived(self, path: Path) -> None:
        photo = self._session.photos.row_of(path)
        if photo is not None and photo < self._count:
            self._tell_changed(photo, photo)
