"""Labels as small rounded boxes on one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPalette

from csra_gui.base.theme import Tone, blended, tone_color
from csra_gui.session.photo_table import ScoredLabel
from engine.library.values import Verdict
from engine.texts import display_text

GAP = 4
_PADDING = 5
_ROUND = 6.0
_FILL_SHARE = 0.24
_CONFIRMED = "✓"


@dataclass(frozen=True, slots=True)
class Chip:
    """A text in a box; one that the person confirmed has another colour and a tick."""

    text: str
    width: int
    confirmed: bool = False


def chip_height(metrics: QFontMetrics) -> int:
    """The height of a box for a font."""
    return metrics.height() + 4


def chips_that_fit(labels: Sequence[ScoredLabel], metrics: QFontMetrics, width: int) -> list[Chip]:
    """The boxes for one line; the last one counts the labels left out."""

    def more(count: int) -> Chip:
        return Chip(f"+{count}", _width(f"+{count}", metrics))

    chips: list[Chip] = []
    used = 0
    for position, label in enumerate(labels):
        left_out = len(labels) - position - 1
        chip = _chip(label, metrics)
        reserve = more(left_out).width + GAP if left_out else 0
        if chips and used + chip.width + reserve > width:
            return [*chips, more(left_out + 1)]
        if not chips:
            chip = Chip(chip.text, min(chip.width, width - reserve), chip.confirmed)
        chips.append(chip)
        used += chip.width + GAP
    return chips


def paint_chips(
    painter: QPainter, palette: QPalette, area: QRect, labels: Sequence[ScoredLabel]
) -> None:
    """Paint labels in the middle of a line, in the painter's font."""
    metrics = QFontMetrics(painter.font())
    chips = chips_that_fit(labels, metrics, area.width())
    width = sum(chip.width for chip in chips) + GAP * (len(chips) - 1)
    left = area.left() + max(0, (area.width() - width) // 2)
    for chip in chips:
        place = QRect(left, area.top(), min(chip.width, area.width()), chip_height(metrics))
        _paint(painter, palette, place, chip)
        left += chip.width + GAP


def _paint(painter: QPainter, palette: QPalette, place: QRect, chip: Chip) -> None:
    tone = tone_color(Tone.SUCCESS if chip.confirmed else Tone.ACCENT, palette)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(blended(tone, palette.color(QPalette.ColorRole.Base), _FILL_SHARE))
    painter.drawRoundedRect(place, _ROUND, _ROUND)
    painter.setPen(palette.color(QPalette.ColorRole.Text))
    room = place.width() - 2 * _PADDING
    text = QFontMetrics(painter.font()).elidedText(chip.text, Qt.TextElideMode.ElideMiddle, room)
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)


def _chip(label: ScoredLabel, metrics: QFontMetrics) -> Chip:
    confirmed = label.verdict in (Verdict.ACCEPTED, Verdict.ADDED)
    said = _CONFIRMED if confirmed else label.score_text
    text = f"{display_text(label.category)} {said}".rstrip()
    return Chip(text, _width(text, metrics), confirmed)


def _width(text: str, metrics: QFontMetrics) -> int:
    return metrics.horizontalAdvance(text) + 2 * _PADDING + 1
