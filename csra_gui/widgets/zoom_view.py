"""A view that zooms and pans one photo: the wheel, dragging and keys; what is painted is open."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.base.key_positions import key_of
from csra_gui.widgets.photo_geometry import PhotoGeometry, PhotoPlace

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


class ZoomView(QWidget):
    """Where a photo lies, and the gestures that move it.

    The wheel zooms about the pointer, dragging pans, and a double click goes to the photo's own
    pixels and back. Zoom is in device pixels per pixel of the photo, so 1.0 is sharp on any
    screen.

    Signals:
        position_hovered: ``QPointF`` in fractions of the photo, ``None`` beside it.
        zoom_changed: the new zoom.
        place_changed: the ``PhotoPlace``, when the person moved the photo or zoomed.
    """

    position_hovered = Signal(object)
    zoom_changed = Signal(float)
    place_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drag_from: QPointF | None = None
        self._told_zoom = 1.0
        self._geometry = PhotoGeometry()
        self._refine = QTimer(self, singleShot=True, interval=_REFINE_DELAY_MS)
        self._refine.timeout.connect(self._on_refine_timeout)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(120, 60)

    def has_photo(self) -> bool:
        """Whether there is a photo to see."""
        return not self._geometry.photo.isEmpty()

    @property
    def zoom(self) -> float:
        """Device pixels per pixel of the image."""
        return self._geometry.zoom

    @property
    def fitted(self) -> bool:
        """Whether the photo follows the size of the view."""
        return self._geometry.fitted

    @property
    def place(self) -> PhotoPlace:
        """Where the photo lies, for another view of the same photo."""
        return self._geometry.place

    def set_place(self, place: PhotoPlace) -> None:
        """Lie as in another view of the same photo; ``place_changed`` is silent."""
        before = self.place
        if place != before:
            self._geometry.take(place)
            if (place.zoom, place.fitted) != (before.zoom, before.fitted):
                self._refine.start()
            self._on_geometry_changed()

    @Slot()
    def fit(self) -> None:
        """Show the whole photo, as large as the view allows."""
        self._geometry.fit()
        self._rescale()
        self._refine.start()
        self._on_geometry_changed()
        self.place_changed.emit(self.place)

    @Slot()
    def actual_size(self) -> None:
        """One pixel of the image on one pixel of the screen."""
        self._zoom_about(1.0, QRectF(self.rect()).center())

    @Slot()
    def zoom_in(self) -> None:
        """One step closer, about the middle."""
        self._zoom_about(self._geometry.stepped_zoom(ZOOM_STEP), QRectF(self.rect()).center())

    @Slot()
    def zoom_out(self) -> None:
        """One step away, about the middle."""
        self._zoom_about(self._geometry.stepped_zoom(1 / ZOOM_STEP), QRectF(self.rect()).center())

    def photo_rect(self) -> QRectF:
        """Where the photo lies, in the widget's coordinates; empty without a photo."""
        return self._geometry.rect()

    def view_to_photo(self, position: QPointF) -> QPointF | None:
        """The fraction of the photo under a point of the widget; ``None`` beside the photo."""
        return self._geometry.fraction_at(position)

    @override
    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    # --- for the view that paints ---

    def _set_photo_size(self, size: QSize) -> None:
        """Another photo, of so many pixels, fitted; empty for none."""
        self._geometry.photo = size
        self._measure()
        self.fit()
        if self.underMouse():  # the pointer rests over another place of another photo now
            self._emit_hover(QPointF(self.mapFromGlobal(self.cursor().pos())))

    def _rescale(self) -> None:
        """Zooming has paused: whatever depends on the size on the screen can be made anew."""

    def _update_cursor(self) -> None:
        if not (self.has_photo() and self._geometry.can_pan):
            self.unsetCursor()
        elif self._drag_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            self.setCursor(Qt.CursorShape.OpenHandCursor)

    def _handle_key(self, key: Qt.Key) -> bool:
        """Whether a key meant something here; the window may use the others."""
        match key:
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.zoom_in()
            case Qt.Key.Key_Minus:
                self.zoom_out()
            case Qt.Key.Key_0:
                self.fit()
            case Qt.Key.Key_1:
                self.actual_size()
            case _ if key in _PANS and self.has_photo() and self._geometry.can_pan:
                self._pan(_PANS[key])
            case _:
                return False
        return True

    def _emit_hover(self, position: QPointF) -> None:
        self.position_hovered.emit(self.view_to_photo(position))

    # --- geometry ---

    def _zoom_about(self, zoom: float, anchor: QPointF) -> None:
        self._geometry.zoom_about(zoom, anchor)
        self._refine.start()
        self._on_geometry_changed()
        self.place_changed.emit(self.place)

    def _pan(self, by: QPointF) -> None:
        self._geometry.pan(by)
        self._on_geometry_changed()
        self.place_changed.emit(self.place)

    def _measure(self) -> None:
        self._geometry.view = QSizeF(self.size())
        self._geometry.ratio = self.devicePixelRatioF()
        self._geometry.refit()

    def _on_geometry_changed(self) -> None:
        """The photo lies otherwise, or another part of it is seen."""
        if self.has_photo() and self.zoom != self._told_zoom:
            self._told_zoom = self.zoom
            self.zoom_changed.emit(self.zoom)
        self._update_cursor()
        self.update()

    @Slot()
    def _on_refine_timeout(self) -> None:
        self._rescale()
        self._on_geometry_changed()

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
        factor = ZOOM_STEP**notches
        stepped = abs(notches) <= 1  # a wheel that is spun goes past 100 %
        zoom = self._geometry.stepped_zoom(factor) if stepped else self.zoom * factor
        self._zoom_about(zoom, event.position())
        self._emit_hover(event.position())
        event.accept()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag_from = event.position()
            self._update_cursor()

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag_from = None
        self._update_cursor()

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag_from is not None and self._geometry.can_pan:
            self._pan(event.position() - self._drag_from)
            self._drag_from = event.position()
        self._emit_hover(event.position())

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        if self.fitted and self.zoom != 1.0:
            self._zoom_about(1.0, event.position())
        else:
            self.fit()

    @override
    def leaveEvent(self, event: QEvent) -> None:
        self.position_hovered.emit(None)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._handle_key(key_of(event)):
            super().keyPressEvent(event)
