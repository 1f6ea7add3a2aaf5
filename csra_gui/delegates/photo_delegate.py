"""How one photo of the grid is painted: thumbnail, name, labels or what went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from csra_gui.item_models.photo_roles import PhotoRole
from csra_gui.photo_table import ScoredLabel
from csra_gui.resources import icon_pixmap
from csra_gui.theme import Tone, blended, tone_color

_Index = QModelIndex | QPersistentModelIndex

_MARGIN = 6
_GAP = 4
_CHIP_PADDING = 5
_ROUND = 6.0


class PhotoDelegate(QStyledItemDelegate):
    """Paints cells of ``PhotoListModel``; the view tells it the thumbnail's side."""

    thumbnail_side = 160

    def cell_size(self, font: QFont) -> QSize:
        """The smallest cell that shows everything, for the font of the view."""
        line = QFontMetrics(font).height()
        text = line + 2 * _GAP + _chip_height(QFontMetrics(_small(font)))
        width = self.thumbnail_side + 2 * _MARGIN
        return QSize(width, self.thumbnail_side + 2 * _MARGIN + text + _GAP)

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return self.cell_size(option.font)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        if index.data(PhotoRole.PHOTO) is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self._paint_background(painter, option)
        cell = option.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        thumbnail = QRect(cell.left(), cell.top(), cell.width(), self.thumbnail_side)
        error = index.data(PhotoRole.ERROR)
        self._paint_thumbnail(painter, option, thumbnail, index)
        name = QRect(
            cell.left(), thumbnail.bottom() + 1 + _GAP, cell.width(), option.fontMetrics.height()
        )
        self._paint_name(painter, option, name, str(index.data()))
        rest = QRect(cell.left(), name.bottom() + 1 + _GAP, cell.width(), 0)
        rest.setBottom(option.rect.bottom() - _MARGIN)
        if error is not None:
            self._paint_error(painter, option, rest, str(error))
        elif index.data(PhotoRole.IS_TAGGED):
            self._paint_labels(painter, option, rest, index.data(PhotoRole.LABELS))
        painter.restore()

    @staticmethod
    def _paint_background(painter: QPainter, option: QStyleOptionViewItem) -> None:
        palette = option.palette
        accent = tone_color(Tone.ACCENT, palette)
        box = QRectF(option.rect).adjusted(2, 2, -2, -2)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(blended(accent, palette.color(QPalette.ColorRole.Base), 0.1))
            painter.setPen(QPen(accent, 2.0))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(palette.color(QPalette.ColorRole.Midlight))
        else:
            return
        painter.drawRoundedRect(box, _ROUND, _ROUND)

    def _paint_thumbnail(
        self, painter: QPainter, option: QStyleOptionViewItem, area: QRect, index: _Index
    ) -> None:
        image = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(image, QImage):
            size = image.deviceIndependentSize().toSize()
            size = size.scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
            # Never larger than it is: a tiny picture blown up says less than it hides.
            size = size.boundedTo(image.size()) if size.width() > image.width() else size
            target = QRect(0, 0, max(1, size.width()), max(1, size.height()))
            target.moveCenter(area.center())
            painter.drawImage(target, image)
            return
        square = QRect(0, 0, self.thumbnail_side, self.thumbnail_side)
        square.moveCenter(area.center())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(option.palette.color(QPalette.ColorRole.Midlight))
        painter.drawRoundedRect(square, _ROUND, _ROUND)
        if index.data(PhotoRole.ERROR) is not None:
            side = self.thumbnail_side // 3
            mark = QRect(0, 0, side, side)
            mark.moveCenter(square.center())
            color = tone_color(Tone.WARNING, option.palette)
            ratio = painter.device().devicePixelRatioF()
            painter.drawPixmap(mark, icon_pixmap("image-broken", side, color, ratio))

    @staticmethod
    def _paint_name(
        painter: QPainter, option: QStyleOptionViewItem, area: QRect, name: str
    ) -> None:
        painter.setFont(option.font)
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        text = option.fontMetrics.elidedText(name, Qt.TextElideMode.ElideMiddle, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, text)

    @staticmethod
    def _paint_error(
        painter: QPainter, option: QStyleOptionViewItem, area: QRect, error: str
    ) -> None:
        font = _small(option.font)
        painter.setFont(font)
        painter.setPen(tone_color(Tone.WARNING, option.palette))
        text = QFontMetrics(font).elidedText(error, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, text)

    @staticmethod
    def _paint_labels(
        painter: QPainter,
        option: QStyleOptionViewItem,
        area: QRect,
        labels: Sequence[ScoredLabel],
    ) -> None:
        font = _small(option.font)
        painter.setFont(font)
        metrics = QFontMetrics(font)
        if not labels:
            painter.setPen(tone_color(Tone.MUTED, option.palette))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "no labels")
            return
        chips = _chips_that_fit(labels, metrics, area.width())
        width = sum(w for _, w in chips) + _GAP * (len(chips) - 1)
        left = area.left() + max(0, (area.width() - width) // 2)
        fill, text_color = _chip_colors(option.palette)
        for text, chip_width in chips:
            chip = QRect(left, area.top(), min(chip_width, area.width()), _chip_height(metrics))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawRoundedRect(chip, _ROUND, _ROUND)
            painter.setPen(text_color)
            shown = metrics.elidedText(
                text, Qt.TextElideMode.ElideMiddle, chip.width() - 2 * _CHIP_PADDING
            )
            painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, shown)
            left += chip_width + _GAP


def _chips_that_fit(
    labels: Sequence[ScoredLabel], metrics: QFontMetrics, width: int
) -> list[tuple[str, int]]:
    """Texts and widths of the chips for one line; the last one counts those left out."""

    def sized(text: str) -> tuple[str, int]:
        return text, metrics.horizontalAdvance(text) + 2 * _CHIP_PADDING + 1

    chips: list[tuple[str, int]] = []
    used = 0
    for position, label in enumerate(labels):
        chip = sized(f"{label.category} {label.score:.0%}")
        left_out = len(labels) - position - 1
        reserve = sized(f"+{left_out}")[1] + _GAP if left_out else 0
        if chips and used + chip[1] + reserve > width:
            return [*chips, sized(f"+{left_out + 1}")]
        if not chips:
            chip = chip[0], min(chip[1], width - reserve)
        chips.append(chip)
        used += chip[1] + _GAP
    return chips


def _chip_height(metrics: QFontMetrics) -> int:
    return metrics.height() + 4


def _small(font: QFont) -> QFont:
    small = QFont(font)
    if font.pointSizeF() > 0:
        small.setPointSizeF(font.pointSizeF() * 0.9)
    return small


def _chip_colors(palette: QPalette) -> tuple[QColor, QColor]:
    """Fill and text of a chip."""
    accent = tone_color(Tone.ACCENT, palette)
    fill = blended(accent, palette.color(QPalette.ColorRole.Base), 0.24)
    return fill, palette.color(QPalette.ColorRole.Text)
