"""Boxes, points and covered parts painted over a photo, legible on any photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPen

_RIM = QColor(0, 0, 0, 190)
_TAG_TEXT = QColor(255, 255, 255)
_COVER = QColor(128, 128, 128)
_COVER_LINES = QColor(96, 96, 96)
_CROSS = 9.0
_PAD = 4.0


@dataclass(frozen=True, slots=True)
class PhotoMark:
    """A box, or a point if it has no area, in fractions of the photo.

    Attributes:
        rect: in fractions of the photo.
        color: of its line.
        text: beside it; plain.
        dashed: for what counts less.
    """

    rect: QRectF
    color: QColor
    text: str = ""
    dashed: bool = False

    @property
    def is_point(self) -> bool:
        """Whether it is a point."""
        return self.rect.width() <= 0 and self.rect.height() <= 0


def paint_marks(painter: QPainter, photo: QRectF, marks: Sequence[PhotoMark]) -> None:
    """Paint marks; ``photo`` is where the photo lies in the view."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for mark in marks:
        if mark.is_point:
            _paint_point(painter, placed(mark.rect, photo).topLeft(), mark)
        else:
            _paint_box(painter, placed(mark.rect, photo), mark)
    painter.restore()


def paint_covered(painter: QPainter, photo: QRectF, rect: QRectF) -> None:
    """Hide a part of the photo under hatched grey, so that nobody takes it for the photo."""
    painter.save()
    painter.setClipRect(photo)
    frame = placed(rect, photo)
    painter.fillRect(frame, _COVER)
    painter.fillRect(frame, QBrush(_COVER_LINES, Qt.BrushStyle.BDiagPattern))
    painter.restore()


def placed(rect: QRectF, photo: QRectF) -> QRectF:
    """A rectangle in fractions of the photo, in the coordinates of the view."""
    return QRectF(
        photo.left() + rect.left() * photo.width(),
        photo.top() + rect.top() * photo.height(),
        rect.width() * photo.width(),
        rect.height() * photo.height(),
    )


def _paint_box(painter: QPainter, frame: QRectF, mark: PhotoMark) -> None:
    style = Qt.PenStyle.DashLine if mark.dashed else Qt.PenStyle.SolidLine
    for color, width in ((_RIM, 4.0), (mark.color, 2.0)):
        pen = QPen(color, width, style)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        painter.drawRect(frame)
    if mark.text:
        _paint_tag(painter, frame.topLeft(), mark)


def _paint_point(painter: QPainter, at: QPointF, mark: PhotoMark) -> None:
    for color, width in ((_RIM, 5.0), (mark.color, 2.5)):
        painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(at - QPointF(_CROSS, 0), at + QPointF(_CROSS, 0))
        painter.drawLine(at - QPointF(0, _CROSS), at + QPointF(0, _CROSS))
        painter.drawEllipse(at, _CROSS * 0.55, _CROSS * 0.55)
    if mark.text:
        _paint_tag(painter, at + QPointF(_CROSS, -_CROSS), mark)


def _paint_tag(painter: QPainter, at: QPointF, mark: PhotoMark) -> None:
    """Its text on dark ground, at a point, but inside what can be painted on."""
    metrics = QFontMetricsF(painter.font())
    width, height = metrics.horizontalAdvance(mark.text) + 2 * _PAD, metrics.height() + 2
    area = QRectF(painter.window())
    left = max(0.0, min(at.x(), area.right() - width))
    top = max(0.0, min(at.y() - height, area.bottom() - height))
    tag = QRectF(left, top, width, height)
    painter.fillRect(tag, _RIM)
    painter.setPen(_TAG_TEXT)
    painter.drawText(tag, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine, mark.text)
