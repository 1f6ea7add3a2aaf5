"""The rectangle that a person marks on a photo: where it is, and how it is painted."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

#: A press that moves less than this, in fractions of the photo, is a click.
_LEAST_SIDE = 0.01
_DIMMED = QColor(0, 0, 0, 70)
_LINE = QColor(255, 255, 255)
_RIM = QColor(0, 0, 0, 170)


class RegionMarker:
    """A rectangle in fractions of the photo, so that it keeps its place under zoom and pan."""

    def __init__(self) -> None:
        self._rect: QRectF | None = None
        self._anchor: QPointF | None = None

    @property
    def rect(self) -> QRectF | None:
        """What is marked, inside 0 to 1; ``None`` if nothing is."""
        return self._rect

    @property
    def is_dragging(self) -> bool:
        """Whether a rectangle is being drawn now."""
        return self._anchor is not None

    def begin(self, corner: QPointF) -> None:
        """Start another rectangle at a fraction of the photo."""
        self._anchor = corner
        self._rect = None

    def drag_to(self, corner: QPointF) -> None:
        """Move the corner opposite to where it began."""
        if self._anchor is None:
            return
        rect = QRectF(self._anchor, corner).normalized()
        self._rect = rect if min(rect.width(), rect.height()) >= _LEAST_SIDE else None

    def end(self) -> None:
        """Let go; what is marked stays."""
        self._anchor = None

    def clear(self) -> None:
        """Mark nothing."""
        self._rect = self._anchor = None

    def paint(self, painter: QPainter, photo: QRectF) -> None:
        """Darken what is beside the rectangle a little and frame it, legible on any photo.

        Args:
            painter: of the view.
            photo: where the photo lies in it.
        """
        if self._rect is None:
            return
        frame = QRectF(
            photo.left() + self._rect.left() * photo.width(),
            photo.top() + self._rect.top() * photo.height(),
            self._rect.width() * photo.width(),
            self._rect.height() * photo.height(),
        )
        painter.save()
        painter.setClipRect(photo)
        for beside in _around(frame, photo):
            painter.fillRect(beside, _DIMMED)
        painter.setClipping(False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((_RIM, 3.5), (_LINE, 1.5)):
            painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.SquareCap))
            painter.drawRect(frame)
        painter.restore()


def _around(hole: QRectF, outer: QRectF) -> tuple[QRectF, ...]:
    """The four strips of a rectangle around a hole in it."""
    return (
        QRectF(outer.topLeft(), QPointF(outer.right(), hole.top())),
        QRectF(QPointF(outer.left(), hole.bottom()), outer.bottomRight()),
        QRectF(QPointF(outer.left(), hole.top()), hole.bottomLeft()),
        QRectF(hole.topRight(), QPointF(outer.right(), hole.bottom())),
    )
