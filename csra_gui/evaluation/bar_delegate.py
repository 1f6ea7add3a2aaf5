"""A number over a bar of its length; numbers that can be clicked look like links."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from csra_gui.base.theme import Tone, blended, tone_color
from csra_gui.plots.colors import series_color

_Index = QModelIndex | QPersistentModelIndex
_BAR_SHARE = 0.35
_MARGIN = 2.0
_LEAST_WIDTH = 60


class BarDelegate(QStyledItemDelegate):
    """Paints a share from 0 to 1 behind its number.

    Args:
        bar_role: of the share; ``None`` is no bar.
        link_role: anything but ``None`` makes the text look like a link.
        parent: the view.
    """

    def __init__(self, bar_role: int, link_role: int, parent: QObject) -> None:
        super().__init__(parent)
        self._bar_role = bar_role
        self._link_role = link_role

    @override
    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None:
        super().initStyleOption(option, index)
        if index.data(self._link_role) is not None:
            color = tone_color(Tone.ACCENT, option.palette)
            option.palette.setColor(QPalette.ColorRole.Text, color)

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        hint = super().sizeHint(option, index)
        has_bar = index.data(self._bar_role) is not None
        return hint.expandedTo(QSize(_LEAST_WIDTH, 0)) if has_bar else hint

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        share = index.data(self._bar_role)
        if share is not None:
            palette = option.palette
            base = palette.color(QPalette.ColorRole.Base)
            area = QRectF(option.rect).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
            area.setWidth(area.width() * min(max(float(share), 0.0), 1.0))
            painter.fillRect(area, blended(series_color(0, palette), base, _BAR_SHARE))
        super().paint(painter, option, index)
