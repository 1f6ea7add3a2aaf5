"""What a photo view paints beside the photo: a caption, a message, a frame."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette, QPen

from csra_gui.theme import BACKDROP_MUTED, BACKDROP_TEXT

_STRIP = QColor(0, 0, 0, 165)
_STRIP_TEXT = QColor(255, 255, 255)
_MARGIN = 10.0
_TEXT_WIDTH = 440


def paint_caption(painter: QPainter, photo: QRectF, text: str) -> None:
    """A line on a translucent strip at the lower left of the visible part of the photo."""
    if photo.isEmpty():
        return
    metrics = QFontMetricsF(painter.font())
    room = photo.width() - 4 * _MARGIN
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(room, 0.0))
    width = metrics.horizontalAdvance(shown) + 2 * _MARGIN
    height = metrics.height() + _MARGIN
    strip = QRectF(
        photo.left() + _MARGIN, photo.bottom() - _MARGIN - height, min(width, photo.width()), height
    )
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_STRIP)
    painter.drawRoundedRect(strip, 5, 5)
    painter.setPen(_STRIP_TEXT)
    painter.drawText(strip, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine, shown)
    painter.restore()


def paint_message(painter: QPainter, area: QRect, headline: str, detail: str) -> None:
    """A headline and a quieter text below it in the middle; plain text, wrapped."""
    painter.save()
    width = min(area.width() - 4 * _MARGIN, _TEXT_WIDTH)
    flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
    flags |= Qt.TextFlag.TextWrapAnywhere  # only where a word alone is wider than the view
    large = QFont(painter.font())
    large.setPointSizeF(large.pointSizeF() * 1.35)
    head_box = QFontMetricsF(large).boundingRect(QRectF(0, 0, width, 1e4), int(flags), headline)
    small = QFont(painter.font())
    body_box = QFontMetricsF(small).boundingRect(QRectF(0, 0, width, 1e4), int(flags), detail)
    gap = _MARGIN if headline and detail else 0.0
    top = area.center().y() - (head_box.height() + gap + body_box.height()) / 2
    left = area.center().x() - width / 2
    painter.setFont(large)
    painter.setPen(BACKDROP_TEXT)
    painter.drawText(QRectF(left, top, width, head_box.height() + 1), int(flags), headline)
    painter.setFont(small)
    painter.setPen(BACKDROP_MUTED)
    body = QRectF(left, top + head_box.height() + gap, width, body_box.height() + 1)
    painter.drawText(body, int(flags), detail)
    painter.restore()


def paint_focus_frame(painter: QPainter, area: QRect, palette: QPalette) -> None:
    """A thin line that says where the keyboard goes."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(palette.color(QPalette.ColorRole.Accent), 1.0))
    painter.drawRect(QRectF(area).adjusted(0.5, 0.5, -0.5, -0.5))
    painter.restore()
