"""How one photo of the grid is painted: thumbnail, name, labels or what went wrong."""

from __future__ import annotations

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QFont, QFontMetrics, QImage, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem
from typing_extensions import override

from csra_gui.base.icons import icon_pixmap
from csra_gui.base.theme import Tone, blended, tone_color
from csra_gui.browse.chips import chip_height, chips_that_fit, paint_chips
from csra_gui.browse.photo_roles import PhotoRole
from csra_gui.widgets.rating_marks import paint_marks
from csra_gui.widgets.tips import DelegateWithTipsAbove

_Index = QModelIndex | QPersistentModelIndex

_MARGIN = 6
_GAP = 4
_ROUND = 6.0
_SELECTED_SHARE = 0.22
_BADGE_SIDE = 18
_BADGE_ICON_SIDE = 12
_BADGE_OPACITY = 0.85
_CENTER = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter


class PhotoDelegate(DelegateWithTipsAbove):
    """Paints cells of ``ThumbnailModel``; the view tells it what it cannot know.

    Attributes:
        thumbnail_side: in device-independent pixels.
        shows_text: whether name and labels are below the thumbnail.
        current_photo: the one that keys start from; it has a frame.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.thumbnail_side = 160
        self.shows_text = True
        self.current_photo: int | None = None

    def cell_size(self, font: QFont) -> QSize:
        """The smallest cell that shows everything, for the font of the view."""
        side = self.thumbnail_side + 2 * _MARGIN
        if not self.shows_text:
            return QSize(side, side)
        text = QFontMetrics(font).height() + 2 * _GAP + chip_height(QFontMetrics(_small(font)))
        return QSize(side, side + text + _GAP)

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return self.cell_size(option.font)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        photo = index.data(PhotoRole.PHOTO)
        if photo is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        _paint_background(painter, option, is_current=photo == self.current_photo)
        cell = option.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        thumbnail = QRect(cell.left(), cell.top(), cell.width(), self.thumbnail_side)
        image = index.data(Qt.ItemDataRole.DecorationRole)
        error = index.data(PhotoRole.ERROR)
        if isinstance(image, QImage):
            _paint_image(painter, thumbnail, image)
        else:
            self._paint_placeholder(painter, option, thumbnail, is_broken=error is not None)
        if index.data(PhotoRole.IS_REVIEWED):
            _paint_reviewed(painter, option.palette, cell)
        rating, color = index.data(PhotoRole.RATING), index.data(PhotoRole.COLOR)
        if rating or color:
            paint_marks(painter, option.palette, thumbnail, int(rating or 0), str(color or ""))
        said = " · ".join(filter(None, map(index.data, (PhotoRole.NOTE, PhotoRole.PAIR))))
        if said:
            _paint_band(painter, option, thumbnail, said)
        if self.shows_text:
            self._paint_texts(painter, option, index)
        painter.restore()

    def _paint_placeholder(
        self, painter: QPainter, option: QStyleOptionViewItem, area: QRect, *, is_broken: bool
    ) -> None:
        square = QRect(0, 0, self.thumbnail_side, self.thumbnail_side)
        square.moveCenter(area.center())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(option.palette.color(QPalette.ColorRole.Midlight))
        painter.drawRoundedRect(square, _ROUND, _ROUND)
        if is_broken:
            side = self.thumbnail_side // 3
            mark = QRect(0, 0, side, side)
            mark.moveCenter(square.center())
            color = tone_color(Tone.WARNING, option.palette)
            ratio = painter.device().devicePixelRatioF()
            painter.drawPixmap(mark, icon_pixmap("image-broken", side, color, ratio))

    def _paint_texts(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        cell = option.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        top = cell.top() + self.thumbnail_side + _GAP
        name = QRect(cell.left(), top, cell.width(), option.fontMetrics.height())
        painter.setFont(option.font)
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        text = str(index.data())
        shown = option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideMiddle, name.width())
        painter.drawText(name, _CENTER, shown)
        rest = QRect(cell.left(), name.bottom() + 1 + _GAP, cell.width(), 0)
        rest.setBottom(cell.bottom())
        painter.setFont(_small(option.font))
        error, labels = index.data(PhotoRole.ERROR), index.data(PhotoRole.LABELS)
        if labels:
            chips = chips_that_fit(labels, QFontMetrics(painter.font()), rest.width())
            selected = bool(option.state & QStyle.StateFlag.State_Selected)
            paint_chips(painter, option.palette, rest, chips, selected=selected)
        elif error is not None:
            _paint_line(painter, option.palette, rest, str(error), Tone.WARNING)
        elif index.data(PhotoRole.IS_TAGGED):
            _paint_line(painter, option.palette, rest, "no labels", Tone.MUTED)


def _paint_background(painter: QPainter, option: QStyleOptionViewItem, *, is_current: bool) -> None:
    """A fill says that the photo is chosen, a frame that it is the current one."""
    palette = option.palette
    accent = tone_color(Tone.ACCENT, palette)
    selected = bool(option.state & QStyle.StateFlag.State_Selected)
    if selected:
        painter.setBrush(blended(accent, palette.color(QPalette.ColorRole.Base), _SELECTED_SHARE))
    elif option.state & QStyle.StateFlag.State_MouseOver:
        painter.setBrush(palette.color(QPalette.ColorRole.Midlight))
    elif is_current:
        painter.setBrush(Qt.BrushStyle.NoBrush)
    else:
        return
    painter.setPen(QPen(accent, 2.0) if is_current else QPen(Qt.PenStyle.NoPen))
    painter.drawRoundedRect(QRectF(option.rect).adjusted(2, 2, -2, -2), _ROUND, _ROUND)


def _paint_image(painter: QPainter, area: QRect, image: QImage) -> None:
    size = image.deviceIndependentSize().toSize()
    size = size.scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
    # Never larger than it is: a tiny picture blown up says less than it hides.
    size = size.boundedTo(image.size()) if size.width() > image.width() else size
    target = QRect(0, 0, max(1, size.width()), max(1, size.height()))
    target.moveCenter(area.center())
    painter.drawImage(target, image)


def _paint_reviewed(painter: QPainter, palette: QPalette, cell: QRect) -> None:
    """A tick in a disc, at the upper right."""
    disc = QRect(0, 0, _BADGE_SIDE, _BADGE_SIDE)
    disc.moveTopRight(cell.topRight())
    base = palette.color(QPalette.ColorRole.Base)
    painter.setPen(QPen(base, 1.5))
    painter.setBrush(tone_color(Tone.SUCCESS, palette))
    painter.drawEllipse(disc)
    mark = QRect(0, 0, _BADGE_ICON_SIDE, _BADGE_ICON_SIDE)
    mark.moveCenter(disc.center())
    ratio = painter.device().devicePixelRatioF()
    painter.drawPixmap(mark, icon_pixmap("check", _BADGE_ICON_SIDE, base, ratio))


def _paint_band(
    painter: QPainter, option: QStyleOptionViewItem, thumbnail: QRect, text: str
) -> None:
    """How much it is alike, and what a photo of two files is, at the upper left."""
    painter.setFont(_small(option.font))
    metrics = QFontMetrics(painter.font())
    band = QRect(0, 0, metrics.horizontalAdvance(text) + 2 * _GAP, metrics.height() + 2)
    band.moveTopLeft(thumbnail.topLeft())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(option.palette.color(QPalette.ColorRole.Base))
    painter.setOpacity(_BADGE_OPACITY)
    painter.drawRoundedRect(band, _GAP, _GAP)
    painter.setOpacity(1.0)
    painter.setPen(option.palette.color(QPalette.ColorRole.Text))
    painter.drawText(band, _CENTER, text)


def _paint_line(painter: QPainter, palette: QPalette, area: QRect, text: str, tone: Tone) -> None:
    painter.setPen(tone_color(tone, palette))
    shown = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, _CENTER, shown)


def _small(font: QFont) -> QFont:
    small = QFont(font)
    if font.pointSizeF() > 0:
        small.setPointSizeF(font.pointSizeF() * 0.9)
    return small
