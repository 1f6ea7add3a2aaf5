"""Icons that ship with the program, tinted to the theme."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QIcon,
    QIconEngine,
    QPainter,
    QPalette,
    QPixmap,
    QPixmapCache,
)
from PySide6.QtSvg import QSvgRenderer
from typing_extensions import override

from engine.resources import resource_path

#: Icons with colours of their own, drawn as they are.
_COLOURED = frozenset({"app"})
_CLONES: list[QIconEngine] = []


def icon(name: str) -> QIcon:
    """One of our icons; it takes the text colour of the palette whenever it is painted.

    Args:
        name: of a file in ``resources/icons``, without its ending.

    Raises:
        FileNotFoundError: there is no such icon.
    """
    _svg(name)
    return QIcon(_TintedEngine(name))


def icon_pixmap(name: str, side: int, color: QColor, ratio: float = 1.0) -> QPixmap:
    """One of our icons as pixels, in one colour.

    Args:
        name: as for ``icon``.
        side: in device-independent pixels.
        color: of its strokes; ignored by the program's own icon.
        ratio: device pixels per device-independent pixel.
    """
    pixmap = _tinted(name, QSize(side, side) * ratio, color)
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


@cache
def _svg(name: str) -> bytes:
    return resource_path("icons", f"{name}.svg").read_bytes()


def _tinted(name: str, size: QSize, color: QColor) -> QPixmap:
    """The icon in device pixels, from the cache if it was drawn before."""
    key = f"csra-icon/{name}/{size.width()}x{size.height()}/{color.rgba():08x}"
    pixmap = QPixmap()
    if QPixmapCache.find(key, pixmap):
        return pixmap
    pixmap = QPixmap(size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    side = min(size.width(), size.height())
    square = QRectF((size.width() - side) / 2, (size.height() - side) / 2, side, side)
    QSvgRenderer(_svg(name)).render(painter, square)
    if name not in _COLOURED:
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
        painter.fillRect(QRect(QPoint(0, 0), size), color)
    painter.end()
    QPixmapCache.insert(key, pixmap)
    return pixmap


def _mode_color(mode: QIcon.Mode) -> QColor:
    palette = QGuiApplication.palette()
    if mode is QIcon.Mode.Disabled:
        return palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText)
    if mode is QIcon.Mode.Selected:
        return palette.color(QPalette.ColorRole.HighlightedText)
    return palette.color(QPalette.ColorRole.ButtonText)


class _TintedEngine(QIconEngine):
    """Draws an icon in the colour that the palette has at that moment."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    @override
    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        size = rect.size() * painter.device().devicePixelRatioF()
        painter.drawPixmap(rect, _tinted(self._name, size, _mode_color(mode)))

    @override
    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return QPixmap(_tinted(self._name, size, _mode_color(mode)))

    @override
    def scaledPixmap(
        self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float
    ) -> QPixmap:
        pixmap = self.pixmap(size * scale, mode, state)
        pixmap.setDevicePixelRatio(scale)
        return pixmap

    @override
    def key(self) -> str:
        return "csra-tinted"

    @override
    def clone(self) -> QIconEngine:
        # PySide leaves the copy to Python, which would drop it at once; Qt calls this only
        # when someone adds a pixmap to a copy of an icon, so keeping them costs nothing.
        copy = _TintedEngine(self._name)
        _CLONES.append(copy)
        return copy
