"""Counts that can be clicked."""

from __future__ import annotations

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.icons import icon_pixmap
from csra_gui.base.theme import Tone, blended, tone_color
from csra_gui.search.facet_model import FacetModel, FacetRole, FacetRow
from csra_gui.search.filter_terms import TermState

_PADDING = 8
_GAP = 6
_ICON_SIDE = 14
_RADIUS = 4.0
_INDENT = 14
_ARROW_SIDE = 14
_ICONS = {
    TermState.WANTED: ("check", Tone.ACCENT),
    TermState.UNWANTED: ("minus", Tone.DANGER),
    TermState.NOT_APPLIED: ("warning", Tone.WARNING),
}


class FacetDelegate(QStyledItemDelegate):
    """For views on a ``FacetModel``."""

    @override
    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(120, option.fontMetrics.height() + _PADDING)

    @override
    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        row = index.data(FacetRole.ROW)
        if not isinstance(row, FacetRow):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if row.facet is None:
            _paint_heading(painter, option, row)
        else:
            _paint_ground(painter, option, row)
            _paint_texts(painter, option, row, row.facet.count)
        painter.restore()


def _paint_heading(painter: QPainter, option: QStyleOptionViewItem, row: FacetRow) -> None:
    font = QFont(option.font)
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    painter.setPen(tone_color(Tone.MUTED, option.palette))
    area = option.rect.adjusted(_PADDING, 0, -_PADDING, 0)
    painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter), row.caption)


def _paint_ground(painter: QPainter, option: QStyleOptionViewItem, row: FacetRow) -> None:
    base = option.palette.color(QPalette.ColorRole.Base)
    text = option.palette.color(QPalette.ColorRole.Text)
    accent = tone_color(Tone.ACCENT, option.palette)
    tile = QRectF(option.rect).adjusted(4, 1, -4, -1)
    painter.setPen(Qt.PenStyle.NoPen)
    if option.state & QStyle.StateFlag.State_MouseOver:
        painter.setBrush(blended(text, base, 0.08))
        painter.drawRoundedRect(tile, _RADIUS, _RADIUS)
    if row.share:
        bar = QRectF(tile)
        bar.setWidth(max(tile.width() * row.share, 2.0))
        painter.setBrush(blended(accent, base, 0.16))
        painter.drawRoundedRect(bar, _RADIUS, _RADIUS)
    if option.state & QStyle.StateFlag.State_HasFocus:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent, 1.5))
        painter.drawRoundedRect(tile.adjusted(0.75, 0.75, -0.75, -0.75), _RADIUS, _RADIUS)


def _paint_texts(
    painter: QPainter, option: QStyleOptionViewItem, row: FacetRow, count: int
) -> None:
    area = option.rect.adjusted(_PADDING + 2, 0, -_PADDING - 2, 0)
    if row.is_open is not None:
        _paint_arrow(painter, option, arrow_area(option.rect, row), is_open=row.is_open)
    if row.depth is not None:
        area.setLeft(arrow_area(option.rect, row).right())
    if row.state in _ICONS:
        _paint_icon(painter, option, area, *_ICONS[row.state])
        area = area.adjusted(_ICON_SIDE + _GAP, 0, 0, 0)
    middle = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
    painter.setPen(tone_color(Tone.MUTED, option.palette))
    figure = "" if row.state is TermState.NOT_APPLIED else f"{count:,}"
    painter.drawText(area, int(middle | Qt.AlignmentFlag.AlignRight), figure)
    font = QFont(option.font)
    font.setStrikeOut(row.state is TermState.UNWANTED)
    painter.setFont(font)
    painter.setPen(option.palette.color(QPalette.ColorRole.Text))
    name = area.adjusted(0, 0, -option.fontMetrics.horizontalAdvance(figure) - _GAP, 0)
    shown = painter.fontMetrics().elidedText(row.caption, Qt.TextElideMode.ElideRight, name.width())
    painter.drawText(name, int(middle), shown)


def arrow_area(rect: QRect, row: FacetRow) -> QRect:
    """Where a click folds a facet that has parts, or opens it.

    Args:
        rect: of the whole facet, in the view.
        row: the facet.
    """
    left = rect.left() + _PADDING + (row.depth or 0) * _INDENT
    return QRect(left, rect.top(), _ARROW_SIDE + _GAP // 2, rect.height())


def _paint_arrow(
    painter: QPainter, option: QStyleOptionViewItem, area: QRect, *, is_open: bool
) -> None:
    middle = QRectF(area).center()
    half = _ARROW_SIDE / 4
    points = [(-half, -half / 2), (0.0, half / 2), (half, -half / 2)]
    if not is_open:
        points = [(-half / 2, -half), (half / 2, 0.0), (-half / 2, half)]
    painter.setPen(QPen(tone_color(Tone.MUTED, option.palette), 1.5))
    painter.drawPolyline([middle + QPointF(x, y) for x, y in points])


def _paint_icon(
    painter: QPainter, option: QStyleOptionViewItem, area: QRect, name: str, tone: Tone
) -> None:
    ratio = painter.device().devicePixelRatioF()
    top = area.top() + (area.height() - _ICON_SIDE) // 2
    color = tone_color(tone, option.palette)
    painter.drawPixmap(area.left(), top, icon_pixmap(name, _ICON_SIDE, color, ratio))


class FacetList(QListView):
    """Says which facet was clicked, and whether to leave its photos out.

    Signals:
        facet_clicked: its term, and whether the click was a "not this" (Shift, or Delete).
        fold_requested: the term of a facet whose parts shall be listed, or be so no more.
    """

    facet_clicked = Signal(str, bool)
    fold_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.counts = FacetModel(self)
        self._pressed = QPersistentModelIndex()
        self.setModel(self.counts)
        self.setItemDelegate(FacetDelegate(self))
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # after a click keys go to the photos
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Counts")

    @override
    def sizeHint(self) -> QSize:
        return QSize(210, 320)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = QPersistentModelIndex(self.indexAt(event.position().toPoint()))
        super().mousePressEvent(event)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        pressed, self._pressed = self._pressed, QPersistentModelIndex()
        super().mouseReleaseEvent(event)
        if event.button() is not Qt.MouseButton.LeftButton or not pressed.isValid():
            return
        row = index.data(FacetRole.ROW)
        if index != pressed or not isinstance(row, FacetRow):
            return
        at = event.position().toPoint()
        if row.is_open is not None and arrow_area(self.visualRect(index), row).contains(at):
            self._fold(index, is_open=not row.is_open)
        else:
            shift = Qt.KeyboardModifier.ShiftModifier
            self._tell(index, negating=bool(event.modifiers() & shift))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Space:
                shift = Qt.KeyboardModifier.ShiftModifier
                self._tell(self.currentIndex(), negating=bool(event.modifiers() & shift))
            case Qt.Key.Key_Delete:
                self._tell(self.currentIndex(), negating=True)
            case Qt.Key.Key_Left | Qt.Key.Key_Right:
                self._fold(self.currentIndex(), is_open=event.key() == Qt.Key.Key_Right)
            case _:
                super().keyPressEvent(event)

    def _fold(self, index: QModelIndex, *, is_open: bool) -> None:
        row = index.data(FacetRole.ROW)
        if isinstance(row, FacetRow) and row.facet and row.is_open is (not is_open):
            self.fold_requested.emit(row.facet.term)

    def _tell(self, index: QModelIndex, *, negating: bool) -> None:
        row = index.data(FacetRole.ROW)
        if isinstance(row, FacetRow) and row.facet is not None:
            self.facet_clicked.emit(row.facet.term, negating)
