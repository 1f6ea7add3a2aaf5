"""The shown photos as a list with columns: name, labels, rating, folder, dates and others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QDateTime,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from csra_gui.base.tool_tips import tool_tip
from csra_gui.browse.camera_texts import moment_text
from csra_gui.browse.photo_roles import PhotoRole
from csra_gui.browse.photo_texts import accessible_text, photo_tool_tip, state_text
from csra_gui.browse.shown_photos_model import ShownPhotosModel
from csra_gui.session.session import Session
from csra_gui.session.sort_keys import (
    CAMERA,
    CHANGED,
    COLOR,
    DATE,
    FOLDER,
    HINTS,
    LABELS,
    NAME,
    RATING,
    REVIEWED,
    TITLE,
)
from csra_gui.widgets.rating_marks import rating_sentence, rating_text
from engine.library.columns import NOT_TAKEN, IntArray
from engine.texts import display_name, display_path, display_text

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class DetailColumn:
    """One column of the list.

    Attributes:
        caption: at its head.
        sort_key: what photos are sorted by when its head is clicked.
        text: of a photo with its path.
    """

    caption: str
    sort_key: str
    text: Callable[[Session, int, Path], str]


def _date(session: Session, photo: int, _path: Path) -> str:
    file = session.photos.file(photo)
    if file is None:
        return ""
    return _moment(file.mtime_ns)


def _taken(session: Session, photo: int, _path: Path) -> str:
    taken = int(session.photos.cameras.taken_ns[photo])
    return "" if taken == NOT_TAKEN else _moment(taken)


def _moment(since_1970_ns: int) -> str:
    moment = QDateTime.fromMSecsSinceEpoch(since_1970_ns // _NS_PER_MS)
    return moment_text(moment)


def _camera(session: Session, photo: int, _path: Path) -> str:
    cameras = session.photos.cameras
    return display_text(cameras.names[cameras.camera_of[photo]])


def _folder(session: Session, _photo: int, path: Path) -> str:
    """From what was opened on; the whole path of a photo that was opened by itself."""
    folder = path.parent
    tops = [root.parent for root in session.pipeline.roots if folder.is_relative_to(root)]
    return display_path(folder.relative_to(tops[0]) if tops else folder)


def _labels(session: Session, photo: int, _path: Path) -> str:
    return state_text(session, photo)


def _rating(session: Session, photo: int, _path: Path) -> str:
    return rating_text(session.photos.attributes.rating(photo))


def _color(session: Session, photo: int, _path: Path) -> str:
    return display_text(session.photos.attributes.color(photo))


def _title(session: Session, photo: int, _path: Path) -> str:
    return display_text(session.photos.attributes.title(photo))


COLUMNS = (
    DetailColumn("Name", NAME, lambda _session, _photo, path: display_name(path)),
    DetailColumn("Labels", LABELS, _labels),
    DetailColumn("Rating", RATING, _rating),
    DetailColumn("Colour", COLOR, _color),
    DetailColumn("Title", TITLE, _title),
    DetailColumn("Folder", FOLDER, _folder),
    DetailColumn("Taken", DATE, _taken),
    DetailColumn("Camera", CAMERA, _camera),
    DetailColumn("Changed", CHANGED, _date),
    DetailColumn(
        "Reviewed",
        REVIEWED,
        lambda session, photo, _path: "✓" if session.photos.is_reviewed(photo) else "",
    ),
)


class PhotoDetailsModel(ShownPhotosModel):
    """One row per shown photo."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(session, parent)
        session.pipeline.cameras.rows_read.connect(self._on_photos_changed)
        self._answers: dict[int, Callable[[DetailColumn, int, Path], Any]] = {
            Qt.ItemDataRole.DisplayRole: lambda column, photo, path: column.text(
                session, photo, path
            ),
            Qt.ItemDataRole.ToolTipRole: lambda _column, photo, path: photo_tool_tip(
                session, photo, path
            ),
            Qt.ItemDataRole.AccessibleTextRole: self._accessible_text,
            PhotoRole.PHOTO: lambda _column, photo, _path: photo,
        }

    def position_at(self, index: _Index) -> int | None:
        """The position of a cell."""
        return index.row() if index.isValid() else None

    def index_at(self, position: int) -> QModelIndex:
        """The name cell of a position; an invalid index beyond the ends."""
        return self.index(position, 0) if 0 <= position < self.count else QModelIndex()

    def rowCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        """A row per photo."""
        return 0 if parent.isValid() else self.count

    def columnCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        """The columns of ``COLUMNS``."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(  # noqa: N802
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Captions of the columns, and what a click on some of them sorts by."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.ToolTipRole and COLUMNS[section].sort_key in HINTS:
            return tool_tip(f"Sorts by it. {HINTS[COLUMNS[section].sort_key]}")
        return COLUMNS[section].caption if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What is known of a photo now."""
        answer = self._answers.get(role)
        photo = None if answer is None else self.photo_at(index)
        if answer is None or photo is None:
            return None
        return answer(COLUMNS[index.column()], photo, self._session.photos.paths[photo])

    def _accessible_text(self, column: DetailColumn, photo: int, path: Path) -> str:
        if column.sort_key == NAME:
            return accessible_text(self._session, photo, path, None)
        if column.sort_key == RATING:
            return rating_sentence(self._session.photos.attributes.rating(photo)) or "no rating"
        if column.sort_key == REVIEWED:
            return "reviewed" if self._session.photos.is_reviewed(photo) else "not reviewed"
        return column.text(self._session, photo, path)

    def _grow(self, photos: IntArray) -> None:
        self.beginInsertRows(QModelIndex(), self.count, len(photos) - 1)
        self._photos = photos
        self.endInsertRows()

    def _tell_changed(self, first: int, last: int) -> None:
        self.dataChanged.emit(self.index_at(first), self.index(last, len(COLUMNS) - 1))
