"""What all plots share: the colours of the theme, a menu, text for those who cannot see them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.plots.colors import faint
from csra_gui.plots.sharing import Sharing
from csra_gui.plots.values import PlotTable

#: Lines behind the legend can be seen, and its text can be read.
_LEGEND_OPACITY = 0.8


class Plot(QWidget):
    """A pair of axes; what is drawn in it is up to the kinds of plots.

    The library behind it is imported when the first plot is made.

    Signals:
        export_requested: a ``Path`` and the bytes that the person wants to have in it.
    """

    export_requested = Signal(object, object)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph as pg  # noqa: PLC0415  # only whoever looks at a plot waits for it

        self._pg: Any = pg
        self._view: Any = pg.PlotWidget(self)
        self._item: Any = self._view.getPlotItem()
        self._sharing = Sharing(
            self, title.lower().replace(" ", "-"), self.table, self.export_requested.emit
        )
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # The menu is ours, so the event goes on to this widget.
        self._view.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self._view.setAntialiasing(True)
        self._item.setMenuEnabled(False)
        self._item.hideButtons()
        self._item.setMouseEnabled(x=False, y=False)
        self._legend: Any = self._item.addLegend(offset=(-8, 8))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(title)
        self.setMinimumSize(160, 120)
        self._apply_palette()

    def set_axes(self, x: str, y: str) -> None:
        """Name the axes."""
        self._item.setLabel("bottom", x)
        self._item.setLabel("left", y)

    def set_ranges(
        self, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None
    ) -> None:
        """Show these ranges; ``None`` follows the values."""
        for axis, limits in (("x", x), ("y", y)):
            if limits is None:
                self._item.enableAutoRange(axis=axis)
            else:
                self._item.setRange(**{f"{axis}Range": limits}, padding=0.02)

    def limit_y(self, low: float, high: float) -> None:
        """Never show more than what values can be, however close to it they come."""
        self._item.getViewBox().setLimits(yMin=low, yMax=high)

    def shown_y(self) -> tuple[float, float]:
        """The values at the lower and the upper end."""
        self._item.getViewBox().updateAutoRange()  # else only the next drawing does
        low, high = self._item.viewRange()[1]
        return float(low), float(high)

    def place_legend(self, x: float, y: float) -> None:
        """Put the legend where little is drawn; in fractions of the plot, from its top left."""
        self._legend.anchor(itemPos=(x, y), parentPos=(x, y), offset=(0, 0))

    def table(self) -> PlotTable:
        """The numbers that are shown."""
        raise NotImplementedError

    def set_summary(self, text: str) -> None:
        """Say in words what can be seen, for those who cannot."""
        self.setAccessibleDescription(text)

    @property
    def sharing(self) -> Sharing:
        """What the context menu does."""
        return self._sharing

    def _redraw(self) -> None:
        """Draw everything anew, in the colours of the palette as it is now."""
        raise NotImplementedError

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_palette()
            self._redraw()

    def _apply_palette(self) -> None:
        palette = self.palette()
        text, line = palette.color(QPalette.ColorRole.Text), faint(palette)
        self._view.setBackground(palette.color(QPalette.ColorRole.Base))
        self._legend.setLabelTextColor(text)
        ground = palette.color(QPalette.ColorRole.Base)
        ground.setAlphaF(_LEGEND_OPACITY)
        self._legend.setBrush(ground)
        for side in ("bottom", "left"):
            axis = self._item.getAxis(side)
            axis.setPen(self._pg.mkPen(line))
            axis.setTextPen(self._pg.mkPen(text))
            axis.enableAutoSIPrefix(False)
        self._item.showGrid(x=True, y=True, alpha=0.12)
