"""Bars over a common axis, in groups side by side; each can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.base.theme import blended
from csra_gui.plots.colors import series_color
from csra_gui.plots.curves import CurvePlot
from csra_gui.plots.values import Numbers, PlotTable

_FILL = 0.92
# Lines over the bars have to be seen.
_STRENGTH = 0.6


@dataclass(frozen=True, eq=False)
class BarGroup:
    """Bars of one colour.

    Attributes:
        name: in the legend.
        heights: (B,), one per bin; NaN is no bar.
        counts: (B,) how many entries each stands for.
    """

    name: str
    heights: Numbers
    counts: Numbers


class BarPlot(CurvePlot):
    """Bars, with lines over them if there are any.

    Signals:
        bar_clicked: the group's place and the bin's.
    """

    bar_clicked = Signal(int, int)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._edges: Numbers = np.zeros(1)
        self._groups: tuple[BarGroup, ...] = ()
        self._bars: list[Any] = []
        self._item.scene().sigMouseClicked.connect(self._on_scene_mouse_clicked)

    def set_bars(self, edges: Numbers, groups: Sequence[BarGroup]) -> None:
        """Show these bars.

        Args:
            edges: (B + 1,) of the bins, rising.
            groups: with B bars each.
        """
        self._edges, self._groups = edges, tuple(groups)
        self._redraw()

    @property
    def groups(self) -> tuple[BarGroup, ...]:
        """The bars that are shown."""
        return self._groups

    @override
    def table(self) -> PlotTable:
        header = ["from", "to"]
        for group in self._groups:
            header += [group.name, f"{group.name}, number"]
        rows = []
        for place in range(len(self._edges) - 1):
            row = [float(self._edges[place]), float(self._edges[place + 1])]
            for group in self._groups:
                row += [float(group.heights[place]), float(group.counts[place])]
            rows.append(row)
        return PlotTable(tuple(header), rows)

    def bar_at(self, x: float) -> tuple[int, int] | None:
        """The group and the bin under a place on the axis, if there is a bar."""
        place = int(np.searchsorted(self._edges, x, side="right")) - 1
        if not self._groups or not 0 <= place < len(self._edges) - 1:
            return None
        low, high = self._edges[place : place + 2]
        group = min(int((x - low) / (high - low) * len(self._groups)), len(self._groups) - 1)
        return (group, place) if self._groups[group].counts[place] > 0 else None

    @override
    def _redraw(self) -> None:
        for bars in self._bars:
            self._item.removeItem(bars)
        self._bars = []
        super()._redraw()
        widths = np.diff(self._edges)
        number = max(1, len(self._groups))
        for place, group in enumerate(self._groups):
            base = self.palette().color(QPalette.ColorRole.Base)
            color = blended(series_color(place, self.palette()), base, _STRENGTH)
            bars = self._pg.BarGraphItem(
                x0=self._edges[:-1] + widths * (place + (1 - _FILL) / 2) / number,
                width=widths * _FILL / number,
                height=np.nan_to_num(group.heights),
                brush=self._pg.mkBrush(color),
                pen=self._pg.mkPen(None),
                name=group.name,
            )
            bars.setZValue(-1)
            self._item.addItem(bars)
            self._bars.append(bars)

    def _on_scene_mouse_clicked(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at = self._item.vb.mapSceneToView(event.scenePos())
        found = self.bar_at(at.x())
        if found is not None:
            self.bar_clicked.emit(*found)
