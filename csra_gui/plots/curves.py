"""Lines over a common axis: with a point to drag, or growing while something goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPalette
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.plots.base import Plot
from csra_gui.plots.colors import faint, series_color, series_pen
from csra_gui.plots.values import PlotTable, Series

_MARKER_SIDE = 15
_KEY_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


class CurvePlot(Plot):
    """Several lines; one point, or one upright line, can be moved by the person.

    Signals:
        marker_moved: where the point is dragged to (x, y); who listens puts it where it belongs.
        cursor_moved: where the upright line is dragged to (x).
        step_requested: an arrow key was pressed, -1 or 1.
    """

    marker_moved = Signal(float, float)
    cursor_moved = Signal(float)
    step_requested = Signal(int)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._series: tuple[Series, ...] = ()
        self._lines: list[Any] = []
        self._marker: Any = None
        self._cursor: Any = None

    @property
    def series(self) -> tuple[Series, ...]:
        """The lines that are shown."""
        return self._series

    def set_series(self, series: Sequence[Series]) -> None:
        """Show these lines instead of those before."""
        self._series = tuple(series)
        self._redraw()

    def set_marker(self, at: tuple[float, float] | None) -> None:
        """Put the point here; ``None`` takes it away. Nothing is emitted."""
        if at is None or not np.isfinite(at).all():
            if self._marker is not None:
                self._marker.hide()
            return
        if self._marker is None:
            self._marker = self._made_marker()
        with QSignalBlocker(self._marker):
            self._marker.setPos(*at)
        self._marker.show()

    @property
    def marker(self) -> tuple[float, float] | None:
        """Where the point is."""
        if self._marker is None or not self._marker.isVisible():
            return None
        point = self._marker.pos()
        return point.x(), point.y()

    def set_cursor(self, x: float | None, bounds: tuple[float, float] | None = None) -> None:
        """Put the upright line here; ``None`` takes it away. Nothing is emitted."""
        if x is None:
            if self._cursor is not None:
                self._cursor.hide()
            return
        if self._cursor is None:
            self._cursor = self._made_cursor()
        with QSignalBlocker(self._cursor):
            if bounds is not None:
                self._cursor.setBounds(bounds)
            self._cursor.setValue(x)
        self._cursor.show()

    @override
    def table(self) -> PlotTable:
        rows = [
            (series.name, float(x), float(y))
            for series in self._series
            if not series.is_guide
            for x, y in zip(series.x, series.y, strict=True)
        ]
        axes = [self._item.getAxis(side).labelText or side for side in ("bottom", "left")]
        return PlotTable(("series", *axes), rows)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _KEY_STEPS.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.step_requested.emit(step)

    @override
    def _redraw(self) -> None:
        for line in self._lines:
            self._item.removeItem(line)
        self._legend.clear()
        self._lines = []
        place = 0
        for series in self._series:
            self._lines.append(self._drawn(series, place))
            place += not series.is_guide
        self._color_movables()

    def _drawn(self, series: Series, place: int) -> Any:
        palette = self.palette()
        dots: dict[str, Any] = {}
        if series.has_points:
            color = series_color(place, palette)
            dots = {"symbol": "o", "symbolSize": 6, "symbolBrush": color, "symbolPen": None}
        return self._item.plot(
            *series.drawn(),
            pen=series_pen(series, place, palette),
            name=series.name or None,
            connect="finite",
            **dots,
        )

    def _made_marker(self) -> Any:
        marker = self._pg.TargetItem(movable=True, size=_MARKER_SIDE, symbol="o")
        marker.setZValue(10)
        marker.sigPositionChanged.connect(self._on_marker_position_changed)
        self._item.addItem(marker, ignoreBounds=True)
        self._marker = marker
        self._color_movables()
        return marker

    def _made_cursor(self) -> Any:
        cursor = self._pg.InfiniteLine(angle=90, movable=True)
        cursor.setZValue(9)
        cursor.sigDragged.connect(self._on_cursor_dragged)
        self._item.addItem(cursor, ignoreBounds=True)
        self._cursor = cursor
        self._color_movables()
        return cursor

    def _color_movables(self) -> None:
        palette = self.palette()
        text = palette.color(QPalette.ColorRole.Text)
        if self._marker is not None:
            self._marker.setPen(self._pg.mkPen(text, width=2))
            self._marker.setBrush(palette.color(QPalette.ColorRole.Base))
            self._marker.setHoverPen(self._pg.mkPen(series_color(0, palette), width=3))
        if self._cursor is not None:
            self._cursor.setPen(self._pg.mkPen(text, width=2))
            self._cursor.setHoverPen(self._pg.mkPen(series_color(0, palette), width=3))

    def _on_marker_position_changed(self, marker: Any) -> None:
        self.marker_moved.emit(marker.pos().x(), marker.pos().y())

    def _on_cursor_dragged(self, cursor: Any) -> None:
        self.cursor_moved.emit(float(cursor.value()))


class LiveCurve(CurvePlot):
    """Lines that grow while something goes on, for example the loss of a training run."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._points: dict[str, tuple[list[float], list[float]]] = {}
        self._best: tuple[float, str] | None = None
        self._best_line: Any = None

    def clear(self) -> None:
        """Forget every value."""
        self._points.clear()
        self.mark_best(None)
        self.set_series(())

    def append(self, name: str, x: float, y: float) -> None:
        """Let a line grow; the first value of a name starts a new line."""
        is_new = name not in self._points
        xs, ys = self._points.setdefault(name, ([], []))
        xs.append(x)
        ys.append(y)
        place = list(self._points).index(name)
        series = Series(name, np.array(xs), np.array(ys), has_points=len(xs) <= 60)
        if is_new or len(xs) == 61:
            self.set_series((*self.series[:place], series, *self.series[place + 1 :]))
            return
        self._series = (*self.series[:place], series, *self.series[place + 1 :])
        self._lines[place].setData(series.x, series.y, connect="finite")

    def mark_best(self, x: float | None, text: str = "best") -> None:
        """Draw an upright line where the best value was; ``None`` takes it away."""
        self._best = None if x is None else (x, text)
        self._draw_best()

    @override
    def _redraw(self) -> None:
        super()._redraw()
        self._draw_best()

    def _draw_best(self) -> None:
        if self._best_line is not None:
            self._item.removeItem(self._best_line)
            self._best_line = None
        if self._best is None:
            return
        color = faint(self.palette())
        self._best_line = self._pg.InfiniteLine(
            self._best[0],
            angle=90,
            pen=self._pg.mkPen(color, style=Qt.PenStyle.DashLine),
            label=self._best[1],
            labelOpts={"position": 0.06, "color": self.palette().color(QPalette.ColorRole.Text)},
        )
        self._item.addItem(self._best_line, ignoreBounds=True)
