"""What a photo view paints beside the photo: a caption, a message, a frame."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette, QPen, QTextOption

from csra_gui.base.theme import BACKDROP_MUTED, BACKDROP_TEXT

_BAND = QColor(0, 0, 0, 165)
_BAND_TEXT = QColor(255, 255, 255)
_NOTICE = QColor(0xFF, 0xC8, 0x4A, 235)
_NOTICE_TEXT = QColor(0x20, 0x16, 0x00)
_MARGIN = 10.0
_TEXT_WIDTH = 440
_HEADLINE_SCALE = 1.35


def paint_caption(painter: QPainter, photo: QRectF, text: str) -> None:
    """A line on a translucent band at the lower left of the visible part of the photo."""
    band, shown = _band(painter, photo, text)
    band.moveBottom(photo.bottom() - _MARGIN)
    _paint_band(painter, band, shown, _BAND, _BAND_TEXT)


def paint_notice(painter: QPainter, photo: QRectF, text: str) -> None:
    """A line on a conspicuous band at the upper left of the visible part of the photo."""
    band, shown = _band(painter, photo, text)
    band.moveTop(photo.top() + _MARGIN)
    _paint_band(painter, band, shown, _NOTICE, _NOTICE_TEXT)


def paint_badge(painter: QPainter, area: QRectF, text: str) -> QRectF:
    """A line on a translucent band in the lower right corner of the view; where it lies."""
    band, shown = _band(painter, area, text)
    band.moveBottomRight(area.bottomRight() - QPointF(_MARGIN, _MARGIN))
    _paint_band(painter, band, shown, _BAND, _BAND_TEXT)
    return band


def _band(painter: QPainter, photo: QRectF, text: str) -> tuple[QRectF, str]:
    """A band as wide as the text, or as the photo, and as much of the text as fits."""
    metrics = QFontMetricsF(painter.font())
    room = photo.width() - 4 * _MARGIN
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(room, 0.0))
    width = min(metrics.horizontalAdvance(shown) + 2 * _MARGIN, photo.width())
    return QRectF(photo.left() + _MARGIN, 0.0, width, metrics.height() + _MARGIN), shown


def _paint_band(painter: QPainter, band: QRectF, text: str, ground: QColor, ink: QColor) -> None:
    if not text:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(band, 5, 5)
    painter.setPen(ink)
    painter.drawText(band, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine, text)
    painter.restore()


def paint_message(painter: QPainter, area: QRect, headline: str, detail: str) -> None:
    """A headline and a quieter text below it in the middle; plain text, wrapped."""
    painter.save()
    width = min(area.width() - 4 * _MARGIN, _TEXT_WIDTH)
    option = QTextOption(Qt.AlignmentFlag.AlignHCenter)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    small, large = QFont(painter.font()), QFont(painter.font())
    large.setPointSizeF(large.pointSizeF() * _HEADLINE_SCALE)
    rows = ((headline, large, BACKDROP_TEXT), (detail, small, BACKDROP_MUTED))
    parts = [row for row in rows if row[0]]
    heights = []
    for text, font, _color in parts:
        painter.setFont(font)
        heights.append(painter.boundingRect(QRectF(0, 0, width, 1e4), text, option).height())
    left = area.center().x() - width / 2
    top = area.center().y() - (sum(heights) + _MARGIN * (len(parts) - 1)) / 2
    for (text, font, color), height in zip(parts, heights, strict=True):
        painter.setFont(font)
        painter.setPen(color)
        painter.drawText(QRectF(left, top, width, height + 1), text, option)
        top += height + _MARGIN
    painter.restore()


def paint_focus_frame(painter: QPainter, area: QRect, palette: QPalette) -> None:
    """A thin line that says where the keyboard goes."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(palette.color(QPalette.ColorRole.Accent), 1.0))
    painter.drawRect(QRectF(area).adjusted(0.5, 0.5, -0.5, -0.5))
    painter.restore()
