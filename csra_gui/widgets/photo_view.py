"""One photo, large: zoom, pan, and a map laid exactly over it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.theme import BACKDROP
from csra_gui.widgets.photo_geometry import PhotoGeometry
from csra_gui.widgets.photo_painting import paint_caption, paint_focus_frame, paint_message
from csra_gui.widgets.region_marker import RegionMarker

ZOOM_STEP = 1.25
_WHEEL_NOTCH = 120.0
_PAN_STEP = 64.0
#: After this pause in zooming the photo is scaled again in full quality.
_REFINE_DELAY_MS = 90
_PANS = {
    Qt.Key.Key_Left: QPointF(_PAN_STEP, 0),
    Qt.Key.Key_Right: QPointF(-_PAN_STEP, 0),
    Qt.Key.Key_Up: QPointF(0, _PAN_STEP),
    Qt.Key.Key_Down: QPointF(0, -_PAN_STEP),
}


class PhotoView(QWidget):
    """Shows a photo, or a message where there is none.

    The wheel zooms about the pointer, dragging pans, a double click goes to the photo's own
    pixels and back, and holding the space bar hides the overlay. Dragging with Shift marks a
    region, Escape takes it away. Zoom is in device pixels per pixel of the given image, so 1.0 is
    sharp on any screen.

    Signals:
        position_hovered: ``QPointF`` in fractions of the photo, ``None`` beside it.
        zoom_changed: the new zoom.
        region_changed: ``QRectF`` in fractions of the photo, also while it is drawn; ``None`` when
            nothing is marked any more.
    """

    position_hovered = Signal(object)
    zoom_changed = Signal(float)
    region_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._photo = QPixmap()
        self._scaled = QPixmap()
        self._overlay = QPixmap()
        self._message = ("", "")
        self._caption = ""
        self._peeking = False
        self._drag_from: QPointF | None = None
        self._marker = RegionMarker()
        self._marks_regions = False
        self._told_zoom = 1.0
        self._geometry = PhotoGeometry()
        self._refine = QTimer(self, singleShot=True, interval=_REFINE_DELAY_MS)
        self._refine.timeout.connect(self._on_refine_timeout)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.setAccessibleName(self.tr("Photo"))

    # --- what is shown ---

    def set_photo(self, image: QImage | None) -> None:
        """Show another photo, fitted; ``None`` shows the message. The overlay goes."""
        self._photo = QPixmap() if image is None else QPixmap.fromImage(image)
        self._photo.setDevicePixelRatio(1.0)
        self._overlay = QPixmap()
        self.clear_region()
        self._geometry.photo = self._photo.size()
        self._measure()
        self.fit()
        self._describe()
        if self.underMouse():  # the pointer rests over another place of another photo now
            self._emit_hover(QPointF(self.mapFromGlobal(self.cursor().pos())))

    def set_overlay(self, image: QImage | None) -> None:
        """Lay an image, of any size, over the whole photo; ``None`` takes it away."""
        self._overlay = QPixmap() if image is None else QPixmap.fromImage(image)
        self._overlay.setDevicePixelRatio(1.0)
        self.update()

    def set_message(self, headline: str, detail: str = "") -> None:
        """What to say while there is no photo; plain text."""
        self._message = (headline, detail)
        self._describe()

    def set_caption(self, text: str) -> None:
        """A line on a strip at the lower edge of the photo; empty takes it away."""
        self._caption = text
        self._describe()

    def set_peeking(self, peeking: bool) -> None:
        """Hide the overlay for a moment, as holding the space bar does."""
        self._peeking = peeking
        self.update()

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

    def has_photo(self) -> bool:
        """Whether there is a photo to see."""
        return not self._photo.isNull()

    def overlay_visible(self) -> bool:
        """Whether an overlay is painted now."""
        return self.has_photo() and not self._overlay.isNull() and not self._peeking

    # --- zoom and geometry ---

    @property
    def zoom(self) -> float:
        """Device pixels per pixel of the image."""
        return self._geometry.zoom

    @property
    def fitted(self) -> bool:
        """Whether the photo follows the size of the view."""
        return self._geometry.fitted

    @Slot()
    def fit(self) -> None:
        """Show the whole photo, as large as the view allows."""
        self._geometry.fit()
        self._rescale()
        self._on_geometry_changed()

    @Slot()
    def actual_size(self) -> None:
        """One pixel of the image on one pixel of the screen."""
        self._zoom_about(1.0, QRectF(self.rect()).center())

    @Slot()
    def zoom_in(self) -> None:
        """One step closer, about the middle."""
        self._zoom_about(self.zoom * ZOOM_STEP, QRectF(self.rect()).center())

    @Slot()
    def zoom_out(self) -> None:
        """One step away, about the middle."""
        self._zoom_about(self.zoom / ZOOM_STEP, QRectF(self.rect()).center())

    def photo_rect(self) -> QRectF:
        """Where the photo lies, in the widget's coordinates; empty without a photo."""
        return self._geometry.rect()

    def view_to_photo(self, position: QPointF) -> QPointF | None:
        """The fraction of the photo under a point of the widget; ``None`` beside the photo."""
        return self._geometry.fraction_at(position)

    @override
    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    def _zoom_about(self, zoom: float, anchor: QPointF) -> None:
        self._geometry.zoom_about(zoom, anchor)
        self._refine.start()
        self._on_geometry_changed()

    def _measure(self) -> None:
        self._geometry.view = QSizeF(self.size())
        self._geometry.ratio = self.devicePixelRatioF()
        self._geometry.refit()

    def _on_geometry_changed(self) -> None:
        if self.has_photo() and self.zoom != self._told_zoom:
            self._told_zoom = self.zoom
            self.zoom_changed.emit(self.zoom)
        self._update_cursor()
        self.update()

    # --- painting ---

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), BACKDROP)
        if self.has_photo():
            self._paint_photo(painter)
            seen = self.photo_rect().intersected(QRectF(self.rect()))
            if self._caption:
                paint_caption(painter, seen, self._caption)
        else:
            paint_message(painter, self.rect(), *self._message)
        if self.hasFocus():
            paint_focus_frame(painter, self.rect(), self.palette())

    def _paint_photo(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        target = self.photo_rect()
        fresh = self._scaled.size() == self._geometry.device_size()
        photo = self._scaled if fresh else self._photo
        painter.drawPixmap(target, photo, QRectF(photo.rect()))
        if self.overlay_visible():
            painter.drawPixmap(target, self._overlay, QRectF(self._overlay.rect()))
        self._marker.paint(painter, target)

    def _rescale(self) -> None:
        """Keep a copy in the size of the screen: fewer pixels to paint, and no aliasing."""
        self._refine.stop()
        self._scaled = QPixmap()
        if self.has_photo() and self.zoom < 1.0:
            self._scaled = self._photo.scaled(
                self._geometry.device_size(),
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )

    @Slot()
    def _on_refine_timeout(self) -> None:
        self._rescale()
        self.update()

    def _update_cursor(self) -> None:
        if self._marks_regions and self.has_photo():
            self.setCursor(Qt.CursorShape.CrossCursor)
        elif not (self.has_photo() and self._geometry.can_pan):
            self.unsetCursor()
        elif self._drag_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            self.setCursor(Qt.CursorShape.OpenHandCursor)

    def _describe(self) -> None:
        parts = (self._caption,) if self.has_photo() else self._message
        self.setAccessibleDescription(". ".join(part for part in parts if part))
        self.update()

    # --- events ---

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._measure()
        self._refine.start()
        self._on_geometry_changed()

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._measure()
            self._refine.start()
            self._on_geometry_changed()
        return super().event(event)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / _WHEEL_NOTCH
        if not self.has_photo() or notches == 0:
            event.ignore()
            return
        self._zoom_about(self.zoom * ZOOM_STEP**notches, event.position())
        self._emit_hover(event.position())
        event.accept()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        marks = (shift or self._marks_regions) and self.has_photo()
        if marks and event.button() is Qt.MouseButton.LeftButton:
            self.clear_region()
            self._marker.begin(self._geometry.nearest_fraction(event.position()))
        elif event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag_from = event.position()
            self._update_cursor()

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag_from = None
        self._marker.end()
        self._update_cursor()

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._marker.is_dragging:
            self._marker.drag_to(self._geometry.nearest_fraction(event.position()))
            self.region_changed.emit(self.region)
            self.update()
        elif self._drag_from is not None and self._geometry.can_pan:
            self._geometry.pan(event.position() - self._drag_from)
            self._drag_from = event.position()
            self.update()
        self._emit_hover(event.position())

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        if self._marks_regions:  # two presses in a row are two presses there
            self.mousePressEvent(event)
        elif self.fitted and self.zoom != 1.0:
            self._zoom_about(1.0, event.position())
        else:
            self.fit()

    @override
    def leaveEvent(self, event: QEvent) -> None:
        self.position_hovered.emit(None)

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.set_peeking(False)
        super().focusOutEvent(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.set_peeking(True)
        elif not self._handle_key(Qt.Key(event.key())):
            super().keyPressEvent(event)

    @override
    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.set_peeking(False)
        else:
            super().keyReleaseEvent(event)

    def _handle_key(self, key: Qt.Key) -> bool:
        match key:
            case Qt.Key.Key_Escape if self.region is not None:
                self.clear_region()
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.zoom_in()
            case Qt.Key.Key_Minus:
                self.zoom_out()
            case Qt.Key.Key_0:
                self.fit()
            case Qt.Key.Key_1:
                self.actual_size()
            case _ if key in _PANS and self.has_photo() and self._geometry.can_pan:
                self._geometry.pan(_PANS[key])
                self.update()
            case _:
                return False  # the window may use arrows to go to the next photo
        return True

    def _emit_hover(self, position: QPointF) -> None:
        self.position_hovered.emit(self.view_to_photo(position))
