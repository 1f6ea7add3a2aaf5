"""One photo, large: zoom, pan, and a map laid exactly over it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal, Slot
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
from csra_gui.widgets.photo_painting import paint_caption, paint_focus_frame, paint_message

ZOOM_STEP = 1.25
MAX_ZOOM = 16.0
#: Small photos are enlarged to fill the view, but not further than this.
MAX_FIT_ZOOM = 4.0
_WHEEL_NOTCH = 120.0
_PAN_STEP = 64
#: After this pause in zooming the photo is scaled again in full quality.
_REFINE_DELAY_MS = 90


class PhotoView(QWidget):
    """Shows a photo, or a message where there is none.

    Zoom is in device pixels per pixel of the given image, so 1.0 is sharp on any screen.

    Signals:
        position_hovered: ``QPointF`` in fractions of the photo, ``None`` beside it.
        zoom_changed: the new zoom.
    """

    position_hovered = Signal(object)
    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._photo = QPixmap()
        self._scaled = QPixmap()
        self._overlay = QPixmap()
        self._message = ("", "")
        self._caption = ""
        self._zoom = 1.0
        self._fitted = True
        self._peeking = False
        self._center = QPointF(0.5, 0.5)  # the fraction of the photo in the middle of the view
        self._drag_from: QPointF | None = None
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
        same_size = image is not None and not image.isNull() and image.size() == self._photo.size()
        self._photo = QPixmap() if image is None else QPixmap.fromImage(image)
        self._photo.setDevicePixelRatio(1.0)
        self._overlay = QPixmap()
        self._scaled = QPixmap()
        if not (same_size and not self._fitted):
            self._fitted = True
            self._center = QPointF(0.5, 0.5)
            self._apply_fit()
        self._rescale()
        self._update_cursor()
        self.update()

    def set_overlay(self, image: QImage | None) -> None:
        """Lay an image, of any size, over the whole photo; ``None`` takes it away."""
        self._overlay = QPixmap() if image is None else QPixmap.fromImage(image)
        self._overlay.setDevicePixelRatio(1.0)
        self.update()

    def set_message(self, headline: str, detail: str = "") -> None:
        """What to say while there is no photo; plain text."""
        self._message = (headline, detail)
        self._describe()
        self.update()

    def set_caption(self, text: str) -> None:
        """A line on a strip at the lower edge of the photo; empty takes it away."""
        self._caption = text
        self._describe()
        self.update()

    def set_peeking(self, peeking: bool) -> None:
        """Hide the overlay for a moment, as holding the space bar does."""
        self._peeking = peeking
        self.update()

    def has_photo(self) -> bool:
        """Whether there is a photo to see."""
        return not self._photo.isNull()

    def overlay_visible(self) -> bool:
        """Whether an overlay is painted now."""
        return self.has_photo() and not self._overlay.isNull() and not self._peeking

    # --- zoom ---

    @property
    def zoom(self) -> float:
        """Device pixels per pixel of the image."""
        return self._zoom

    @property
    def fitted(self) -> bool:
        """Whether the photo follows the size of the view."""
        return self._fitted

    @Slot()
    def fit(self) -> None:
        """Show the whole photo, as large as the view allows."""
        self._fitted = True
        self._center = QPointF(0.5, 0.5)
        self._apply_fit()
        self._rescale()
        self._update_cursor()
        self.update()

    @Slot()
    def actual_size(self) -> None:
        """One pixel of the image on one pixel of the screen."""
        self._zoom_about(1.0, QRectF(self.rect()).center())

    @Slot()
    def zoom_in(self) -> None:
        """One step closer, about the middle."""
        self._zoom_about(self._zoom * ZOOM_STEP, QRectF(self.rect()).center())

    @Slot()
    def zoom_out(self) -> None:
        """One step away, about the middle."""
        self._zoom_about(self._zoom / ZOOM_STEP, QRectF(self.rect()).center())

    # --- geometry ---

    def photo_rect(self) -> QRectF:
        """Where the photo lies, in the widget's coordinates; empty without a photo."""
        if not self.has_photo():
            return QRectF()
        width, height = self._size_at(self._zoom)
        left = self.width() / 2 - self._center.x() * width
        top = self.height() / 2 - self._center.y() * height
        ratio = self.devicePixelRatioF()  # on whole device pixels, or thin lines turn soft
        return QRectF(round(left * ratio) / ratio, round(top * ratio) / ratio, width, height)

    def view_to_photo(self, position: QPointF) -> QPointF | None:
        """The fraction of the photo under a point of the widget; ``None`` beside the photo."""
        rect = self.photo_rect()
        if rect.isEmpty() or not rect.contains(position):
            return None
        return QPointF(
            (position.x() - rect.left()) / rect.width(), (position.y() - rect.top()) / rect.height()
        )

    @override
    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    def _size_at(self, zoom: float) -> tuple[float, float]:
        scale = zoom / self.devicePixelRatioF()
        return self._photo.width() * scale, self._photo.height() * scale

    def _fit_zoom(self) -> float:
        if not self.has_photo():
            return 1.0
        ratio = self.devicePixelRatioF()
        across = self.width() * ratio / self._photo.width()
        down = self.height() * ratio / self._photo.height()
        return min(across, down, MAX_FIT_ZOOM * ratio)

    def _apply_fit(self) -> None:
        self._set_zoom(self._fit_zoom())

    def _set_zoom(self, zoom: float) -> None:
        if zoom != self._zoom:
            self._zoom = zoom
            self.zoom_changed.emit(zoom)

    def _zoom_about(self, zoom: float, anchor: QPointF) -> None:
        """Change the zoom and leave what is under the anchor where it is."""
        if not self.has_photo():
            return
        lowest = min(self._fit_zoom(), 1.0)
        zoom = min(max(zoom, lowest), MAX_ZOOM)
        before = self.photo_rect()
        at_x = (anchor.x() - before.left()) / before.width()
        at_y = (anchor.y() - before.top()) / before.height()
        width, height = self._size_at(zoom)
        self._fitted = zoom == self._fit_zoom()
        self._set_zoom(zoom)
        middle = QRectF(self.rect()).center()
        self._move_center(
            at_x + (middle.x() - anchor.x()) / width, at_y + (middle.y() - anchor.y()) / height
        )
        self._refine.start()
        self._update_cursor()

    def _move_center(self, x: float, y: float) -> None:
        """Pan, but no further than the photo's edge; a side that fits stays centred."""
        width, height = self._size_at(self._zoom)
        self._center = QPointF(
            _clamped_center(x, self.width() / width), _clamped_center(y, self.height() / height)
        )
        self.update()

    def _can_pan(self) -> bool:
        rect = self.photo_rect()
        return rect.width() > self.width() + 0.5 or rect.height() > self.height() + 0.5

    # --- painting ---

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), BACKDROP)
        if self.has_photo():
            self._paint_photo(painter)
            if self._caption:
                paint_caption(painter, self.photo_rect().intersected(self.rect()), self._caption)
        else:
            paint_message(painter, self.rect(), *self._message)
        if self.hasFocus():
            paint_focus_frame(painter, self.rect(), self.palette())

    def _paint_photo(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        target = self.photo_rect()
        if self._scaled.size() == self._device_size():
            painter.drawPixmap(target, self._scaled, QRectF(self._scaled.rect()))
        else:
            painter.drawPixmap(target, self._photo, QRectF(self._photo.rect()))
        if self.overlay_visible():
            painter.drawPixmap(target, self._overlay, QRectF(self._overlay.rect()))

    def _device_size(self) -> QSize:
        width, height = self._photo.width() * self._zoom, self._photo.height() * self._zoom
        return QSize(max(1, round(width)), max(1, round(height)))

    def _rescale(self) -> None:
        """Keep a copy in the size of the screen: fewer pixels to paint, and no aliasing."""
        self._refine.stop()
        self._scaled = QPixmap()
        if self.has_photo() and self._zoom < 1.0:
            self._scaled = QPixmap.fromImage(
                self._photo.toImage().scaled(
                    self._device_size(),
                    Qt.AspectRatioMode.IgnoreAspectRatio,
                    Qt.TransformationMode.SmoothTransformation,
                )
            )

    @Slot()
    def _on_refine_timeout(self) -> None:
        self._rescale()
        self.update()

    # --- events ---

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        if not self.has_photo():
            return
        if self._fitted:
            self._apply_fit()
        self._move_center(self._center.x(), self._center.y())
        self._refine.start()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.DevicePixelRatioChange and self.has_photo():
            if self._fitted:
                self._apply_fit()
            self._refine.start()

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / _WHEEL_NOTCH
        if not self.has_photo() or notches == 0:
            event.ignore()
            return
        self._zoom_about(self._zoom * ZOOM_STEP**notches, event.position())
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
        if self._drag_from is not None and self._can_pan():
            moved = event.position() - self._drag_from
            self._drag_from = event.position()
            self._pan(moved)
        self._emit_hover(event.position())

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        if self._fitted:
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
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.set_peeking(True)
        elif event.key() == Qt.Key.Key_Space:
            event.accept()
        elif not self._handle_zoom_key(event.key()):
            super().keyPressEvent(event)

    @override
    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.set_peeking(False)
        else:
            super().keyReleaseEvent(event)

    def _handle_zoom_key(self, key: int) -> bool:
        actions = {
            Qt.Key.Key_Plus: self.zoom_in,
            Qt.Key.Key_Equal: self.zoom_in,
            Qt.Key.Key_Minus: self.zoom_out,
            Qt.Key.Key_0: self.fit,
            Qt.Key.Key_1: self.actual_size,
        }
        moves = {
            Qt.Key.Key_Left: QPointF(_PAN_STEP, 0),
            Qt.Key.Key_Right: QPointF(-_PAN_STEP, 0),
            Qt.Key.Key_Up: QPointF(0, _PAN_STEP),
            Qt.Key.Key_Down: QPointF(0, -_PAN_STEP),
        }
        if action := actions.get(Qt.Key(key)):
            action()
            return True
        move = moves.get(Qt.Key(key))
        if move is None or not self._can_pan():
            return False  # the window may use the arrows to go to the next photo
        self._pan(move)
        return True

    def _pan(self, moved: QPointF) -> None:
        width, height = self._size_at(self._zoom)
        self._move_center(
            self._center.x() - moved.x() / width, self._center.y() - moved.y() / height
        )

    def _emit_hover(self, position: QPointF) -> None:
        self.position_hovered.emit(self.view_to_photo(position))

    def _update_cursor(self) -> None:
        if not (self.has_photo() and self._can_pan()):
            self.unsetCursor()
        elif self._drag_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            self.setCursor(Qt.CursorShape.OpenHandCursor)

    def _describe(self) -> None:
        parts = [part for part in (self._caption, *self._message) if part]
        self.setAccessibleDescription(". ".join(parts))


def _clamped_center(value: float, visible: float) -> float:
    """Keep the view inside the photo; ``visible`` is the share of the photo that fits."""
    if visible >= 1.0:
        return 0.5
    return min(max(value, visible / 2), 1.0 - visible / 2)
