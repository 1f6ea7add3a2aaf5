"""Labels as boxes on one line below a thumbnail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPalette, QPen

from csra_gui.base.theme import Tone, blended, tone_color
from csra_gui.session.scored_label import ScoredLabel
from engine.library.values import Verdict
from engine.texts import display_text

GAP = 4
_PADDING = 5
_ROUND = 6.0
_FILL_SHARE = 0.24
_CONFIRMED = "✓"
#: A box narrower than this many characters says nothing.
_LEAST_CHARACTERS = 9


@dataclass(frozen=True, slots=True)
class Chip:
    """A name and what is said of it in a box; one that the person confirmed is green, with a tick.

    Attributes:
        name: is cut short where there is no room.
        said: the score or a tick, which never is; scores are left out before names are cut.
        width: of the box, in pixels.
        confirmed: whether the person said so.
        mark: the sign of a suggestion, right behind the name; never cut.
    """

    name: str
    said: str
    width: int
    confirmed: bool = False
    mark: str = ""


def mine_first(labels: Sequence[ScoredLabel]) -> list[ScoredLabel]:
    """What the person said before what the model says; each in its order."""
    return sorted(labels, key=lambda label: not _is_mine(label))


def chip_height(metrics: QFontMetrics) -> int:
    """The height of a box for a font."""
    return metrics.height() + 4


def chips_that_fit(labels: Sequence[ScoredLabel], metrics: QFontMetrics, width: int) -> list[Chip]:
    """The boxes for one line, the person's first; the last one counts the labels left out.

    Where there is no room for two labels, their scores are left out, and then their names are cut:
    two share the line, so that one of them never takes it all.
    """
    chips = [_chip(label, metrics) for label in mine_first(labels)]

    def counted(shown: list[Chip]) -> list[Chip]:
        left_out = len(chips) - len(shown)
        return [*shown, _more(left_out, metrics)] if left_out else shown

    for made in (chips, [_without_score(chip, metrics) for chip in chips]):
        chips = made
        fitting = [n for n in range(len(chips) + 1) if _needed(chips, n, metrics) <= width]
        shown = chips[: max(fitting, default=0)]
        if len(shown) > 1 or len(shown) == len(chips):
            return counted(shown)
    both = width - _needed(chips, 2, metrics) + chips[0].width + chips[1].width if chips[1:] else 0
    least = _LEAST_CHARACTERS * metrics.averageCharWidth()
    if both < 2 * least:
        room = width - _needed(chips, 1, metrics) + chips[0].width
        return counted([replace(chips[0], width=min(chips[0].width, max(room, 0)))])
    first = min(chips[0].width, max(both // 2, both - chips[1].width))
    second = min(chips[1].width, both - first)
    return counted([replace(chips[0], width=first), replace(chips[1], width=second)])


def paint_chips(
    painter: QPainter, palette: QPalette, area: QRect, chips: Sequence[Chip], *, selected: bool
) -> None:
    """Paint boxes in the middle of a line, in the painter's font.

    Args:
        painter: to paint with.
        palette: of the view.
        area: the line.
        chips: from the left.
        selected: whether the ground is that of a selected photo.
    """
    width = sum(chip.width for chip in chips) + GAP * (len(chips) - 1)
    left = area.left() + max(0, (area.width() - width) // 2)
    height = chip_height(QFontMetrics(painter.font()))
    for chip in chips:
        place = QRect(left, area.top(), min(chip.width, area.width()), height)
        _paint(painter, palette, place, chip, selected=selected)
        left += chip.width + GAP


def chip_fill(palette: QPalette, *, confirmed: bool, selected: bool) -> QColor:
    """The ground of a box; on that of a selected photo, which is like it, the plain one."""
    base = palette.color(QPalette.ColorRole.Base)
    return base if selected else blended(_tone(palette, confirmed), base, _FILL_SHARE)


def _paint(
    painter: QPainter, palette: QPalette, place: QRect, chip: Chip, *, selected: bool
) -> None:
    line = QPen(_tone(palette, chip.confirmed), 1.0)
    painter.setPen(line if selected else QPen(Qt.PenStyle.NoPen))
    painter.setBrush(chip_fill(palette, confirmed=chip.confirmed, selected=selected))
    box = QRectF(place)
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5) if selected else box, _ROUND, _ROUND)
    painter.setPen(palette.color(QPalette.ColorRole.Text))
    metrics = QFontMetrics(painter.font())
    said = chip.mark + (f" {chip.said}" if chip.said and chip.name else chip.said)
    room = place.width() - 2 * _PADDING - metrics.horizontalAdvance(said)
    name = metrics.elidedText(chip.name, Qt.TextElideMode.ElideRight, max(room, 0))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, name + said)


def _tone(palette: QPalette, confirmed: bool) -> QColor:
    return tone_color(Tone.SUCCESS if confirmed else Tone.ACCENT, palette)


def _is_mine(label: ScoredLabel) -> bool:
    return label.verdict in (Verdict.ACCEPTED, Verdict.ADDED)


def _chip(label: ScoredLabel, metrics: QFontMetrics) -> Chip:
    name, mine = display_text(label.category), _is_mine(label)
    said = _CONFIRMED if mine else label.score_text
    text = f"{name}{label.mark} {said}".rstrip()
    return Chip(name, said, _width(text, metrics), mine, label.mark)


def _without_score(chip: Chip, metrics: QFontMetrics) -> Chip:
    if chip.confirmed:  # a tick, which says more than a score and takes less room
        return chip
    return replace(chip, said="", width=_width(f"{chip.name}{chip.mark}", metrics))


def _more(count: int, metrics: QFontMetrics) -> Chip:
    return Chip("", f"+{count}", _width(f"+{count}", metrics))


def _needed(chips: Sequence[Chip], shown: int, metrics: QFontMetrics) -> int:
    """The width of the first chips as they are, and of the one that counts the others."""
    widths = [chip.width for chip in chips[:shown]]
    if shown < len(chips):
        widths.append(_more(len(chips) - shown, metrics).width)
    return sum(widths) + GAP * max(len(widths) - 1, 0)


def _width(text: str, metrics: QFontMetrics) -> int:
    return metrics.horizontalAdvance(text) + 2 * _PADDING + 1
