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
    """Squares and names after a title, on as many lines as they need."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = ""
        self._entries: tuple[tuple[QColor, str], ...] = ()
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_entries(self, title: str, entries: Sequence[tuple[QColor, str]]) -> None:
        """Show others; plain text."""
        self._title, self._entries = title, tuple(entries)
        self.setAccessibleName(title)
        self.setAccessibleDescription(", ".join(name for _, name in self._entries))
        self.updateGeometry()
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, self.heightForWidth(max(self.width(), 200)))

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, self._line_height + _MARGIN)

    @override
    def heightForWidth(self, width: int) -> int:
        lines = 1 + max((line for _, line in self._places(width)), default=0)
        return lines * self._line_height + _MARGIN

    @property
    def _line_height(self) -> int:
        return max(_SQUARE, self.fontMetrics().height()) + _MARGIN

    def _places(self, width: int) -> list[tuple[float, int]]:
        """Of each entry where it begins, and on which line."""
        metrics, places, line = self.fontMetrics(), [], 0
        x = float(_MARGIN + metrics.horizontalAdvance(self._title) + _BETWEEN)
        for _, name in self._entries:
            needed = _SQUARE + _GAP + metrics.horizontalAdvance(name)
            if x + needed > width - _MARGIN and x > _MARGIN:
                x, line = float(_MARGIN), line + 1
            places.append((x, line))
            x += needed + _BETWEEN
        return places

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        metrics, height = self.fontMetrics(), self._line_height
        to_base = (metrics.ascent() - metrics.descent()) / 2
        middle = (height + _MARGIN) / 2
        painter.setPen(tone_color(Tone.MUTED, self.palette()))
        painter.drawText(QPointF(_MARGIN, middle + to_base), self._title)
        for (color, name), (x, line) in zip(self._entries, self._places(self.width()), strict=True):
            y = middle + line * height
            painter.setPen(QPen(_RIM, 1))
            painter.setBrush(color)
            painter.drawRect(QRectF(x, y - _SQUARE / 2, _SQUARE, _SQUARE))
            painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
            painter.drawText(QPointF(x + _SQUARE + _GAP, y + to_base), name)


def color_icon(color: QColor) -> QIcon:
    """A square of one colour, with a rim that is seen on light and dark ground."""
    pixmap = QPixmap(2 * _SQUARE, 2 * _SQUARE)
    pixmap.fill(_RIM)
    painter = QPainter(pixmap)
    painter.fillRect(pixmap.rect().adjusted(2, 2, -2, -2), color)
    painter.end()
    return QIcon(pixmap)
