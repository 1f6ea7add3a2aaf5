"""One photo, large: zoom, pan, and a map laid exactly over it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QShowEvent,
)
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.base.theme import BACKDROP
from csra_gui.widgets.photo_marks import PhotoMark, paint_covered, paint_marks
from csra_gui.widgets.photo_painting import (
    paint_badge,
    paint_caption,
    paint_focus_frame,
    paint_message,
    paint_notice,
)
from csra_gui.widgets.photo_tiles import PhotoTiles, needed_tiles, reduction_for
from csra_gui.widgets.region_marker import RegionMarker
from csra_gui.widgets.zoom_view import ZOOM_STEP, ZoomView
from engine.data.decoding.tiles import Tile
from engine.texts import whole_percent

__all__ = ["ZOOM_STEP", "PhotoView"]


class PhotoView(ZoomView):
    """Shows a photo with what lies over it, or a message where there is none.

    Holding the space bar hides the overlay. Dragging with Shift marks a region, Escape takes it
    away. A photo may be shown by a smaller picture of it; where that is too coarse for the zoom,
    the view asks for tiles, and shows the picture until they come.

    Signals:
        tiles_requested: a tuple of each ``Tile`` that it lacks, first what is wanted first; what
            it asked for before and does not any more is not needed.
        region_changed: ``QRectF`` in fractions of the photo, also while it is drawn; ``None`` when
            nothing is marked any more.
    """

    tiles_requested = Signal(object)
    region_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._backdrop = QColor(BACKDROP)
        self._photo = QPixmap()
        self._scaled = QPixmap()
        self._tiles = PhotoTiles()
        self._requested: tuple[Tile, ...] = ()
        self._finest, self._why_not_finer = 1, ""
        self._overlay = QPixmap()
        self._message = ("", "")
        self._caption = ""
        self._notice = ""
        self._detail_note = ""
        self._foot = 0
        self._zoom_shown = True
        self._marks: tuple[PhotoMark, ...] = ()
        self._covered: QRectF | None = None
        self._peeking = False
        self._marker = RegionMarker()
        self._marks_regions = False
        self.setAccessibleName(self.tr("Photo"))

    # --- what is shown ---

    def set_photo(self, image: QImage | None, size: QSize | None = None) -> None:
        """Show another photo, fitted; ``None`` shows the message. What lies over it goes.

        Args:
            image: the photo, perhaps smaller than it is.
            size: of the photo in its own pixels; that of the image if it is not given.
        """
        self._photo = QPixmap() if image is None else QPixmap.fromImage(image)
        self._photo.setDevicePixelRatio(1.0)
        self._scaled = QPixmap()
        self._tiles.clear()
        self._requested = ()
        self._finest, self._why_not_finer = 1, ""
        self._overlay = QPixmap()
        self._marks, self._covered = (), None
        self.clear_region()
        self._set_photo_size(self._photo.size() if image is None or size is None else size)
        self._describe()

    def set_tile(self, tile: Tile, image: QImage) -> None:
        """Show a part of the photo sharp."""
        self._tiles.add(tile, image)
        self._requested = tuple(other for other in self._requested if other != tile)
        self.update()

    def set_overlay(self, image: QImage | None) -> None:
        """Lay an image, of any size, over the whole photo; ``None`` takes it away."""
        self._overlay = QPixmap() if image is None else QPixmap.fromImage(image)
        self._overlay.setDevicePixelRatio(1.0)
        self.update()

    def set_marks(self, marks: Sequence[PhotoMark]) -> None:
        """Boxes and points over the photo and its overlay."""
        self._marks = tuple(marks)
        self.update()

    def set_covered(self, rect: QRectF | None) -> None:
        """Grey out a part of the photo, in fractions; ``None`` shows all of it."""
        self._covered = rect
        self.update()

    def set_message(self, headline: str, detail: str = "") -> None:
        """What to say while there is no photo; plain text."""
        self._message = (headline, detail)
        self._describe()

    def set_backdrop(self, color: QColor) -> None:
        """Another colour around the photo."""
        self._backdrop = QColor(color)
        self.update()

    def set_caption(self, text: str) -> None:
        """A line on a strip at the lower edge of the photo; empty takes it away."""
        self._caption = text
        self._describe()

    def set_notice(self, text: str) -> None:
        """A line at the upper edge, for what must not be overlooked; empty takes it away."""
        if text != self._notice:
            self._notice = text
            self._describe()

    def set_finest(self, reduction: int, why: str) -> None:
        """Ask for no tiles of this photo that are finer than that, and say why where they lack."""
        self._finest, self._why_not_finer = max(self._finest, reduction), why
        self._request_tiles()
        self.update()

    def set_foot(self, height: int) -> None:
        """Something lies over the lowest pixels of the view: the corner's words go above it."""
        self._foot = height
        self.update()

    def set_detail_note(self, text: str) -> None:
        """What to say beside the zoom of how sharp the photo is; empty takes it away."""
        self._detail_note = text
        self.update()

    def set_zoom_shown(self, shown: bool) -> None:
        """Whether the zoom is said in the corner, also while there is nothing else to say."""
        self._zoom_shown = shown
        self.update()

    def picture(self) -> QImage:
        """What is seen, to be kept: without the zoom in the corner."""
        said = self._zoom_shown, self._detail_note
        self._zoom_shown, self._detail_note = False, ""
        try:
            return self.grab().toImage()
        finally:
            self._zoom_shown, self._detail_note = said

    def set_peeking(self, peeking: bool) -> None:
        """Hide the overlay for a moment, as holding the space bar does."""
        self._peeking = peeking
        self.update()

    @property
    def notice(self) -> str:
        """The line at the upper edge."""
        return self._notice

    @property
    def marks(self) -> tuple[PhotoMark, ...]:
        """The boxes and points over the photo."""
        return self._marks

    @property
    def covered(self) -> QRectF | None:
        """The part that is greyed out, in fractions."""
        return self._covered

    @property
    def region(self) -> QRectF | None:
        """What is marked, in fractions of the photo."""
        return self._marker.rect

    @Slot()
    def clear_region(self) -> None:
        """Mark nothing."""
        marked = self._marker.rect is not None
        self._marker.clear()
        if marked:
            self.region_changed.emit(None)
            self.update()

    def set_marks_regions(self, marks: bool) -> None:
        """Whether dragging marks a region without Shift too."""
        self._marks_regions = marks
        self._update_cursor()

    def overlay_visible(self) -> bool:
        """Whether an overlay is painted now."""
        return self.has_photo() and not self._overlay.isNull() and not self._peeking

    # --- painting ---

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._backdrop)
        if self.has_photo():
            self._paint_photo(painter)
            seen = self.photo_rect().intersected(QRectF(self.rect()))
            if self._zoom_shown or self._detail_note:
                free = QRectF(self.rect().adjusted(0, 0, 0, -self._foot))
                badge = paint_badge(painter, free, self._zoom_text())
                if badge.top() < seen.bottom():
                    seen.setRight(min(seen.right(), badge.left()))
            paint_caption(painter, seen, self._caption)
            paint_notice(painter, seen, self._notice)
        else:
            paint_message(painter, self.rect(), *self._message)
        if self.hasFocus():
            paint_focus_frame(painter, self.rect(), self.palette())

    def _zoom_text(self) -> str:
        percent = whole_percent(self.zoom) if self.zoom >= 0.01 else "< 1 %"
        lacks = self._is_enlarged() and reduction_for(self.zoom) < self._finest
        note = self._why_not_finer if lacks else self._detail_note
        return f"{percent}, {note}" if note else percent

    def _paint_photo(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        target = self.photo_rect()
        fresh = self._scaled.size() == self._geometry.device_size()
        photo = self._scaled if fresh else self._photo
        painter.drawPixmap(target, photo, QRectF(photo.rect()))
        if self._is_enlarged():
            self._tiles.paint(painter, self._geometry)
        if self._covered is not None:
            paint_covered(painter, target, self._covered)
        if self.overlay_visible():
            painter.drawPixmap(target, self._overlay, QRectF(self._overlay.rect()))
        if not self._peeking:
            paint_marks(painter, target, self._marks)
        self._marker.paint(painter, target)

    @override
    def _rescale(self) -> None:
        """Keep a copy in the size of the screen: fewer pixels to paint, and no aliasing."""
        size = self._geometry.device_size()
        if self._scaled.size() == size or not self.has_photo():
            return
        self._scaled = QPixmap()
        if size.width() < self._photo.width():
            self._scaled = self._photo.scaled(
                size,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )

    def _is_enlarged(self) -> bool:
        """Whether the screen has more pixels for the photo than its picture."""
        return self._geometry.device_size().width() > self._photo.width()

    @override
    def _on_geometry_changed(self) -> None:
        super()._on_geometry_changed()
        if not self._refine.isActive():  # else the zoom may be another one in a moment
            self._request_tiles()

    def _request_tiles(self) -> None:
        missing: tuple[Tile, ...] = ()
        if self.isVisible():
            needed = needed_tiles(self._geometry, self._photo.width(), self._finest)
            missing = self._tiles.missing(needed)
        if missing != self._requested:
            self._requested = missing
            self.tiles_requested.emit(missing)

    @override
    def _update_cursor(self) -> None:
        if self._marks_regions and self.has_photo():
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            super()._update_cursor()

    def _describe(self) -> None:
        parts = (self._caption, self._notice) if self.has_photo() else self._message
        self.setAccessibleDescription(". ".join(part for part in parts if part))
        self.update()

    # --- events ---

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refine.start()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._tiles.clear()
        self._request_tiles()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        marks = (shift or self._marks_regions) and self.has_photo()
        if marks and event.button() is Qt.MouseButton.LeftButton:
            self.clear_region()
            self._marker.begin(self._geometry.nearest_fraction(event.position()))
        else:
            super().mousePressEvent(event)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._marker.end()
        super().mouseReleaseEvent(event)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._marker.is_dragging:
            self._marker.drag_to(self._geometry.nearest_fraction(event.position()))
            self.region_changed.emit(self.region)
            self.update()
        super().mouseMoveEvent(event)

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._marks_regions:  # two presses in a row are two presses there
            self.mousePressEvent(event)
        else:
            super().mouseDoubleClickEvent(event)

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.set_peeking(False)
        super().focusOutEvent(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.set_peeking(True)
        else:
            super().keyPressEvent(event)

    @override
    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.set_peeking(False)
        else:
            super().keyReleaseEvent(event)

    @override
    def _handle_key(self, key: Qt.Key) -> bool:
        if key == Qt.Key.Key_Escape and self.region is not None:
            self.clear_region()
            return True
        return super()._handle_key(key)
