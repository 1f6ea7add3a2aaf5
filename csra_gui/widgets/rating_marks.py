"""Stars and colour labels as marks: quiet ones on thumbnails, icons in menus and buttons."""

from __future__ import annotations

from types import MappingProxyType

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPalette, QPen, QPixmap

from csra_gui.base.icons import icon_pixmap
from csra_gui.base.theme import Tone, tone_color
from engine.library.ratings import REJECTED, colors_in

#: Like the colours of other programs, light enough on dark and dark enough on light.
COLOR_VALUES = MappingProxyType(
    {
        "red": QColor("#d64545"),
        "yellow": QColor("#d9a900"),
        "green": QColor("#3f9a4c"),
        "blue": QColor("#3f7ddb"),
        "purple": QColor("#9358cc"),
    }
)
#: Of words that are no colour of ours.
_OTHER = QColor("#8a8a90")
STAR_SIDE = 12
_DOT_SIDE = 10
_GAP = 3
_BAND_OPACITY = 0.85
_BAND_HEIGHT = STAR_SIDE + 4


def rating_text(rating: int) -> str:
    """A rating in a few signs: "★★★", "Rejected"; empty for none."""
    return "Rejected" if rating == REJECTED else "★" * rating


def rating_sentence(rating: int) -> str:
    """A rating for people who hear it: "3 stars"; empty for none."""
    if rating == REJECTED:
        return "rejected photo"
    return f"{rating} star{'s' if rating > 1 else ''}" if rating else ""


def color_icon(color: str) -> QIcon:
    """A dot of a colour label; a ring for none."""
    side = 32
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if color:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(COLOR_VALUES.get(color, _OTHER))
    else:
        painter.setPen(QPen(_OTHER, 2.5))
    painter.drawEllipse(QRectF(4, 4, side - 8, side - 8))
    painter.end()
    return QIcon(pixmap)


def paint_marks(painter: QPainter, palette: QPalette, area: QRect, rating: int, color: str) -> None:
    """Stars, or the cross of a rejected photo, and dots: on a band at the lower left of an area."""
    dots = colors_in(color)
    marks = 1 if rating == REJECTED else rating
    width = marks * STAR_SIDE + len(dots) * (_DOT_SIDE + _GAP) + 2 * _GAP
    if not (marks or dots) or width > area.width():
        return
    band = QRect(area.left(), area.bottom() + 1 - _BAND_HEIGHT, width, _BAND_HEIGHT)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(palette.color(QPalette.ColorRole.Base))
    painter.setOpacity(_BAND_OPACITY)
    painter.drawRoundedRect(band, _GAP, _GAP)
    painter.setOpacity(1.0)
    name = "close" if rating == REJECTED else "star-filled"
    tone = Tone.DANGER if rating == REJECTED else Tone.MUTED
    star = icon_pixmap(
        name, STAR_SIDE, tone_color(tone, palette), painter.device().devicePixelRatioF()
    )
    at, middle = band.left() + _GAP, band.center().y() + 1
    for _ in range(marks):
        painter.drawPixmap(QRect(at, middle - STAR_SIDE // 2, STAR_SIDE, STAR_SIDE), star)
        at += STAR_SIDE
    painter.setPen(Qt.PenStyle.NoPen)
    for dot in dots:
        at += _GAP
        painter.setBrush(COLOR_VALUES.get(dot, _OTHER))
        painter.drawEllipse(QRectF(at, middle - _DOT_SIDE / 2, _DOT_SIDE, _DOT_SIDE))
        at += _DOT_SIDE
