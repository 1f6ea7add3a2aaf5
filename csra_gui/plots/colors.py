"""Colours of plots, legible on the light and the dark theme."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette

from csra_gui.base.theme import blended, is_dark
from csra_gui.plots.values import Series

_LIGHT = ("#1f5cb0", "#b4450a", "#1d6f3f", "#7a3ba3", "#8a5300", "#0c6e68")
_DARK = ("#77b2ff", "#ff9e6d", "#6fce94", "#d3a4f7", "#f0b752", "#5cd9cb")
_STYLES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
)


def series_color(place: int, palette: QPalette) -> QColor:
    """The colour of the series at this place; they come again after the last."""
    colors = _DARK if is_dark(palette) else _LIGHT
    return QColor(colors[place % len(colors)])


def series_pen(series: Series, place: int, palette: QPalette) -> Any:
    """The pen of a series; where colours come again, the dashes differ."""
    import pyqtgraph as pg  # noqa: PLC0415  # only whoever looks at a plot waits for it

    if series.is_guide:
        text = palette.color(QPalette.ColorRole.Text)
        return pg.mkPen(text, width=1.5, style=Qt.PenStyle.DashLine)
    style = _STYLES[(place // len(_LIGHT)) % len(_STYLES)]
    return pg.mkPen(series_color(place, palette), width=series.width, style=style)


def faint(palette: QPalette) -> QColor:
    """For axes and guides: half way between text and ground."""
    role = QPalette.ColorRole
    return blended(palette.color(role.Text), palette.color(role.Base), 0.5)
