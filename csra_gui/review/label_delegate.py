"""Paints one label: who says so, its name, its score as a bar with the threshold on it, a pin."""

from __future__ import annotations

import math

from PySide6.QtCore import (
    QLineF,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem
from typing_extensions import override

from csra_gui.base.icons import icon_pixmap
from csra_gui.base.theme import Tone, blended, tone_color
from csra_gui.review.label_list_model import LabelRole, LabelRow, Share
from csra_gui.widgets.tips import DelegateWithTipsAbove
from engine.library.values import Verdict

_PADDING = 10
_GAP = 6
_BAR_HEIGHT = 4
_TICK_HEIGHT = 10
_PIN_SIDE = 14
STATE_SIDE = 14
_RADIUS = 5.0
_SAID = {
    Verdict.ACCEPTED: ("check", Tone.SUCCESS),
    Verdict.REJECTED: ("close", Tone.DANGER),
    Verdict.ADDED: ("person", Tone.SUCCESS),
    Verdict.IMPORTED: ("file", Tone.SUCCESS),
}
_SHARES = {
    Share.ALL: ("check", Tone.SUCCESS),
    Share.SOME: ("minus", Tone.WARNING),
    Share.NONE: ("", Tone.MUTED),
}


class LabelDelegate(DelegateWithTipsAbove):
    """For views on a ``LabelListModel``."""

    @override
    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        height = option.fontMetrics.height() + _BAR_HEIGHT + 2 * _GAP + _PADDING
        return QSize(160, height)

    @override
    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        row = index.data(LabelRole.ROW)
        if not isinstance(row, LabelRow):
            return
        pinned = bool(index.data(LabelRole.PINNED))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _paint_ground(painter, option, pinned=pinned)
        area = _inside(option.rect)
        text = QRect(area.left(), area.top(), area.width(), option.fontMetrics.height() + 2)
        _paint_state(painter, option, text, row)
        if row.index >= 0 and (pinned or option.state & QStyle.StateFlag.State_MouseOver):
            _paint_pin(painter, option, pin_area(option.rect), pinned=pinned)
        text.adjust(STATE_SIDE + _GAP, 0, -_PIN_SIDE - _GAP, 0)
        _paint_texts(painter, option, text, row)
        if not math.isnan(row.score):
            bar = QRectF(text.left(), area.bottom() - _TICK_HEIGHT, text.width(), _TICK_HEIGHT)
            _paint_bar(painter, option, bar, row)
        painter.restore()


def _inside(rect: QRect) -> QRect:
    return rect.adjusted(_PADDING + 2, _PADDING // 2 + 1, -_PADDING - 2, -_PADDING // 2)


def pin_area(rect: QRect) -> QRect:
    """Where the pin of a label is.

    Args:
        rect: of the whole label, in the view.
    """
    area = _inside(rect)
    top = area.top() + (area.height() - _PIN_SIDE) // 2
    return QRect(area.right() - _PIN_SIDE + 1, top, _PIN_SIDE, _PIN_SIDE)


def _paint_ground(painter: QPainter, option: QStyleOptionViewItem, *, pinned: bool) -> None:
    base = option.palette.color(QPalette.ColorRole.Base)
    text = option.palette.color(QPalette.ColorRole.Text)
    accent = tone_color(Tone.ACCENT, option.palette)
    tile = QRectF(option.rect).adjusted(4, 1, -4, -1)
    hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
    focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
    painter.setPen(Qt.PenStyle.NoPen)
    if pinned:
        painter.setBrush(blended(accent, base, 0.24 if hovered else 0.18))
        painter.drawRoundedRect(tile, _RADIUS, _RADIUS)
    elif hovered:
        painter.setBrush(blended(text, base, 0.08))
        painter.drawRoundedRect(tile, _RADIUS, _RADIUS)
    if focused:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent, 1.5))
        painter.drawRoundedRect(tile.adjusted(0.75, 0.75, -0.75, -0.75), _RADIUS, _RADIUS)


def state_icon(row: LabelRow) -> tuple[str, Tone]:
    """The icon that says who says so, and its colour; the name may be empty."""
    if row.of > 1:
        return _SHARES[row.share]
    if row.in_file:
        return "file", Tone.MUTED
    return ("machine", Tone.MUTED) if row.verdict is None else _SAID[row.verdict]


def _paint_state(
    painter: QPainter, option: QStyleOptionViewItem, area: QRect, row: LabelRow
) -> None:
    """Who says so: the machine, or the person and what; of several photos, how many have it."""
    name, tone = state_icon(row)
    top = area.top() + (area.height() - STATE_SIDE) // 2
    box = QRect(area.left(), top, STATE_SIDE, STATE_SIDE)
    if row.of > 1:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(tone_color(Tone.MUTED, option.palette), 1.0))
        painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), 2.5, 2.5)
    if name:
        ratio = painter.device().devicePixelRatioF()
        color = tone_color(tone, option.palette)
        painter.drawPixmap(box.topLeft(), icon_pixmap(name, STATE_SIDE, color, ratio))


def _paint_texts(
    painter: QPainter, option: QStyleOptionViewItem, area: QRect, row: LabelRow
) -> None:
    muted = tone_color(Tone.MUTED, option.palette)
    font = QFont(option.font)
    if row.counts:
        font.setWeight(QFont.Weight.DemiBold)
    font.setStrikeOut(row.verdict is Verdict.REJECTED)
    painter.setPen(option.palette.color(QPalette.ColorRole.Text) if row.counts else muted)
    painter.setFont(option.font)
    figure = option.fontMetrics.horizontalAdvance(row.figure)
    middle = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
    painter.drawText(area, int(middle | Qt.AlignmentFlag.AlignRight), row.figure)
    name = area.adjusted(0, 0, -figure - _GAP * 2, 0)
    painter.setFont(font)
    shown = painter.fontMetrics().elidedText(
        row.category, Qt.TextElideMode.ElideRight, name.width()
    )
    left = int(middle | Qt.AlignmentFlag.AlignLeft)
    painter.drawText(name, left, shown)
    beside = "  ".join(filter(None, (row.mark, ", ".join(row.beneath))))
    if beside:
        name.setLeft(name.left() + painter.fontMetrics().horizontalAdvance(shown) + _GAP)
        painter.setFont(option.font)
        painter.setPen(muted)
        beside = option.fontMetrics.elidedText(beside, Qt.TextElideMode.ElideRight, name.width())
        painter.drawText(name, left, beside)


def _paint_pin(
    painter: QPainter, option: QStyleOptionViewItem, area: QRect, *, pinned: bool
) -> None:
    ratio = painter.device().devicePixelRatioF()
    color = tone_color(Tone.ACCENT if pinned else Tone.MUTED, option.palette)
    painter.drawPixmap(area.topLeft(), icon_pixmap("pin", _PIN_SIDE, color, ratio))


def _paint_bar(
    painter: QPainter, option: QStyleOptionViewItem, area: QRectF, row: LabelRow
) -> None:
    base = option.palette.color(QPalette.ColorRole.Base)
    text = option.palette.color(QPalette.ColorRole.Text)
    accent = tone_color(Tone.ACCENT, option.palette)
    fill = accent if row.counts else blended(text, base, 0.38)
    track = QRectF(area)
    track.setHeight(_BAR_HEIGHT)
    track.moveCenter(area.center())
    _round_bar(painter, track, blended(text, base, 0.14))
    done = QRectF(track)
    done.setWidth(track.width() * min(max(row.score, 0.0), 1.0))
    if done.width() >= 1:
        _round_bar(painter, done, fill)
    x = area.left() + area.width() * min(max(row.threshold, 0.0), 1.0)
    painter.setPen(QPen(base, 4.0))  # a gap, so that the tick shows on the bar as beside it
    painter.drawLine(QLineF(x, track.top(), x, track.bottom()))
    painter.setPen(QPen(blended(text, base, 0.75), 1.5))
    painter.drawLine(QLineF(x, area.top() + 1, x, area.bottom() - 1))


def _round_bar(painter: QPainter, bar: QRectF, color: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRoundedRect(bar, bar.height() / 2, bar.height() / 2)
