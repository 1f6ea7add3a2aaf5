"""How one photo of the grid is painted: thumbnail, name, labels or what went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from csra_gui.item_models.photo_roles import PhotoRole
from csra_gui.photo_table import ScoredLabel
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
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        self._paint_background(painter, option, selected)
        cell = option.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        thumbnail = QRect(cell.left(), cell.top(), cell.width(), self.thumbnail_side)
        error = index.data(PhotoRole.ERROR)
        self._paint_thumbnail(painter, option, thumbnail, index)
        name = QRect(
            cell.left(), thumbnail.bottom() + 1 + _GAP, cell.width(), option.fontMetrics.height()
        )
        self._paint_name(painter, option, name, str(index.data()), selected)
        rest = QRect(cell.left(), name.bottom() + 1 + _GAP, cell.width(), 0)
        rest.setBottom(option.rect.bottom() - _MARGIN)
        if error is not None:
            self._paint_error(painter, option, rest, str(error), selected)
        elif index.data(PhotoRole.IS_TAGGED):
            self._paint_labels(painter, option, rest, index.data(PhotoRole.LABELS), selected)
        painter.restore()

    def _paint_background(
        self, painter: QPainter, option: QStyleOptionViewItem, selected: bool
    ) -> None:
        palette = option.palette
        box = option.rect.adjusted(1, 1, -1, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        if selected:
            painter.setBrush(palette.color(QPalette.ColorRole.Highlight))
            painter.drawRoundedRect(box, _ROUND, _ROUND)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(palette.color(QPalette.ColorRole.Midlight))
            painter.drawRoundedRect(box, _ROUND, _ROUND)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(tone_color(Tone.ACCENT, palette))
            painter.setBrush(Qt.BrushStyle.NoBrush)
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
            painter.setPen(tone_color(Tone.WARNING, option.palette))
            font = QFont(option.font)
            font.setPixelSize(self.thumbnail_side // 3)
            painter.setFont(font)
            painter.drawText(square, Qt.AlignmentFlag.AlignCenter, "⚠")

    @staticmethod
    def _paint_name(
        painter: QPainter, option: QStyleOptionViewItem, area: QRect, name: str, selected: bool
    ) -> None:
        painter.setFont(option.font)
        painter.setPen(_text_color(option.palette, selected))
        text = option.fontMetrics.elidedText(name, Qt.TextElideMode.ElideMiddle, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, text)

    @staticmethod
    def _paint_error(
        painter: QPainter, option: QStyleOptionViewItem, area: QRect, error: str, selected: bool
    ) -> None:
        font = _small(option.font)
        painter.setFont(font)
        color = tone_color(Tone.WARNING, option.palette)
        painter.setPen(_text_color(option.palette, True) if selected else color)
        text = QFontMetrics(font).elidedText(error, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, text)

    @staticmethod
    def _paint_labels(
        painter: QPainter,
        option: QStyleOptionViewItem,
        area: QRect,
        labels: Sequence[ScoredLabel],
        selected: bool,
    ) -> None:
        font = _small(option.font)
        painter.setFont(font)
        metrics = QFontMetrics(font)
        if not labels:
            muted = _text_color(option.palette, True) if selected else _muted(option.palette)
            painter.setPen(muted)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "no labels")
            return
        chips = _chips_that_fit(labels, metrics, area.width())
        width = sum(w for _, w in chips) + _GAP * (len(chips) - 1)
        left = area.left() + max(0, (area.width() - width) // 2)
        fill, text_color = _chip_colors(option.palette, selected)
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


def _text_color(palette: QPalette, selected: bool) -> QColor:
    role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
    return palette.color(role)


def _muted(palette: QPalette) -> QColor:
    return tone_color(Tone.MUTED, palette)


def _chip_colors(palette: QPalette, selected: bool) -> tuple[QColor, QColor]:
    """Fill and text of a chip."""
    if selected:
        over = palette.color(QPalette.ColorRole.HighlightedText)
        fill = blended(over, palette.color(QPalette.ColorRole.Highlight), 0.16)
        return fill, over
    accent = tone_color(Tone.ACCENT, palette)
    fill = blended(accent, palette.color(QPalette.ColorRole.Base), 0.14)
    return fill, palette.color(QPalette.ColorRole.Text)
