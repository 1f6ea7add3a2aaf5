"""The colours of a map and the numbers they stand for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from csra_gui.base.theme import BACKDROP, Tone, tone_color
from csra_gui.widgets.colormaps import LEVELS
from csra_gui.widgets.overlay import OverlayStyle, render_overlay
from engine.texts import whole_percent

_BAR_HEIGHT = 12
_TICK = 4
_GAP = 3


class ColorBar(QWidget):
    """A horizontal scale: faded as in the overlay, with low, middle, high and the threshold."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._style = OverlayStyle()
        self._unit = ""
        self._ramp: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Colour scale"))
        self._describe()

    def set_style(self, style: OverlayStyle, unit: str = "") -> None:
        """Show the scale of another style.

        Args:
            style: colours and limits.
            unit: after the numbers; "%" shows 0 to 1 as 0 to 100.
        """
        if (style, unit) == (self._style, self._unit):
            return  # so it is with nearly every photo that is pointed at
        self._style = style
        self._unit = unit
        self._ramp = None
        self._describe()
        self.update()

    def _describe(self) -> None:
        style = self._style
        text = f"{self._number(style.low)} – {self._number(style.high)}"
        if style.threshold is not None:
            text += ", " + self.tr("threshold") + f" {self._number(style.threshold)}"
        self.setAccessibleDescription(text)

    def _colors(self) -> QImage:
        """Made when it is first seen."""
        if self._ramp is None:
            style = self._style
            ramp = np.linspace(style.low, style.high, LEVELS, dtype=np.float32)[None, :]
            # At full opacity, or the colours could not be told apart on the bar.
            shown = replace(style, opacity=1.0, dim=0.0, smooth=True, contour=False)
            self._ramp = render_overlay(ramp, shown)
        return self._ramp

    @override
    def sizeHint(self) -> QSize:
        return QSize(160, _BAR_HEIGHT + 2 * _TICK + _GAP + self.fontMetrics().height())

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(90, self.sizeHint().height())

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        bar = QRectF(1, _TICK, self.width() - 2, _BAR_HEIGHT)
        painter.fillRect(bar, BACKDROP)
        painter.drawImage(bar, self._colors())
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Mid), 1))
        painter.drawRect(bar)
        self._paint_threshold(painter, bar)
        self._paint_numbers(painter, bar)

    def _paint_threshold(self, painter: QPainter, bar: QRectF) -> None:
        if self._style.threshold is None:
            return
        share = (self._style.threshold - self._style.low) / (self._style.high - self._style.low)
        x = bar.left() + bar.width() * min(max(share, 0.0), 1.0)
        line = QLineF(x, bar.top() - _TICK + 1, x, bar.bottom() + _TICK - 1)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Window), 4))
        painter.drawLine(line)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.WindowText), 2))
        painter.drawLine(line)

    def _paint_numbers(self, painter: QPainter, bar: QRectF) -> None:
        painter.setPen(tone_color(Tone.MUTED, self.palette()))
        top = bar.bottom() + _TICK + _GAP
        area = QRectF(bar.left(), top, bar.width(), self.height() - top)
        low, high = self._style.low, self._style.high
        for value, side in (
            (low, Qt.AlignmentFlag.AlignLeft),
            ((low + high) / 2, Qt.AlignmentFlag.AlignHCenter),
            (high, Qt.AlignmentFlag.AlignRight),
        ):
            painter.drawText(area, int(side | Qt.AlignmentFlag.AlignTop), self._number(value))

    def _number(self, value: float) -> str:
        if self._unit == "%":
            return whole_percent(value)
        sign = "+" if self._style.low < 0 < value else ""
        text = f"{sign}{value + 0.0:.3g}".replace("-", "\N{MINUS SIGN}")
        return f"{text} {self._unit}" if self._unit and value == self._style.high else text
