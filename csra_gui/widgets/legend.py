"""Coloured squares with names: which colour stands for which label."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QIcon, QPainter, QPaintEvent, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from csra_gui.base.theme import Tone, tone_color

_SQUARE = 12
_GAP = 5
_BETWEEN = 16
_MARGIN = 6
#: Around colours that may be like the ground; a contrast of 3 or more on both themes.
_RIM = QColor("#808080")


class Legend(QWidget):
    """One line of squares and names, and a title before them; what has no room is left out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = ""
        self._entries: tuple[tuple[QColor, str], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_entries(self, title: str, entries: Sequence[tuple[QColor, str]]) -> None:
        """Show others; plain text."""
        self._title, self._entries = title, tuple(entries)
        self.setAccessibleName(title)
        self.setAccessibleDescription(", ".join(name for _, name in self._entries))
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, max(_SQUARE, self.fontMetrics().height()) + 2 * _MARGIN)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.sizeHint().height())

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        metrics = self.fontMetrics()
        base = (self.height() + metrics.ascent() - metrics.descent()) / 2
        x = float(_MARGIN)
        painter.setPen(tone_color(Tone.MUTED, self.palette()))
        painter.drawText(QPointF(x, base), self._title)
        x += metrics.horizontalAdvance(self._title) + _BETWEEN
        for color, name in self._entries:
            painter.setPen(QPen(_RIM, 1))
            painter.setBrush(color)
            painter.drawRect(QRectF(x, (self.height() - _SQUARE) / 2, _SQUARE, _SQUARE))
            x += _SQUARE + _GAP
            painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
            painter.drawText(QPointF(x, base), name)
            x += metrics.horizontalAdvance(name) + _BETWEEN


def color_icon(color: QColor) -> QIcon:
    """A square of one colour, with a rim that is seen on light and dark ground."""
    pixmap = QPixmap(2 * _SQUARE, 2 * _SQUARE)
    pixmap.fill(_RIM)
    painter = QPainter(pixmap)
    painter.fillRect(pixmap.rect().adjusted(2, 2, -2, -2), color)
    painter.end()
    return QIcon(pixmap)
