from __future__ import annotations

import math

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QFont, QFontMetrics, QImage, QPainter, QPalette
from pytestqt.qtbot import QtBot

from csra_gui.base.theme import Tone, blended, palette_for, tone_color
from csra_gui.browse import photo_delegate
from csra_gui.browse.chips import GAP, Chip, chip_fill, chips_that_fit, paint_chips
from csra_gui.browse.photo_texts import label_text
from csra_gui.session.scored_label import ScoredLabel
from engine.api.label_measures import LabelStatus
from engine.library.values import Verdict
from tests.gui.contrast import contrast


@pytest.fixture
def metrics(qtbot: QtBot) -> QFontMetrics:
    return QFontMetrics(QFont())


def label(name: str, score: float = 0.9, verdict: Verdict | None = None) -> ScoredLabel:
    return ScoredLabel(0, name, score, verdict)


def width(chips: list[Chip]) -> int:
    return sum(chip.width for chip in chips) + GAP * (len(chips) - 1)


def test_what_the_person_said_comes_before_what_the_model_is_surer_of(
    metrics: QFontMetrics,
) -> None:
    found = [
        label("cat", 0.99),
        label("dog", 0.8, Verdict.ACCEPTED),
        label("old barn", math.nan, Verdict.ADDED),
    ]
    chips = chips_that_fit(found, metrics, 1000)
    assert [(chip.name, chip.said) for chip in chips] == [
        ("dog", "✓"),
        ("old barn", "✓"),
        ("cat", "99 %"),
    ]


@pytest.mark.parametrize("room", range(60, 420, 7))
def test_chips_stay_on_their_line_and_count_what_is_left_out(
    metrics: QFontMetrics, room: int
) -> None:
    found = [label("dining table"), label("potted plant"), label("sofa"), label("chair")]
    chips = chips_that_fit(found, metrics, room)
    assert width(chips) <= room
    named = [chip for chip in chips if chip.name]
    assert named
    left_out = len(found) - len(named)
    assert chips[-1].said == (f"+{left_out}" if left_out else chips[-1].said)
    assert (not chips[-1].name) == bool(left_out)


def test_a_long_name_leaves_room_for_a_second_label(metrics: QFontMetrics) -> None:
    found = [label("a name that is as long as the line"), label("cat")]
    room = metrics.horizontalAdvance("a name that is as long")
    chips = chips_that_fit(found, metrics, room)
    assert [chip.name for chip in chips] == [x.category for x in found]
    assert chips[1].width < chips_that_fit(found[1:], metrics, 1000)[0].width
    assert chips[0].width + chips[1].width + GAP == room
    assert [chip.said for chip in chips] == ["", ""]


def test_scores_are_left_out_before_names_are_cut(metrics: QFontMetrics) -> None:
    found = [label("dining table"), label("potted plant")]
    whole = chips_that_fit(found, metrics, 1000)
    chips = chips_that_fit(found, metrics, width(whole) - 1)
    names = sum(metrics.horizontalAdvance(x.category) for x in found)
    assert [(chip.name, chip.said) for chip in chips] == [(x.category, "") for x in found]
    assert names < width(chips) < width(whole)
    [one] = chips_that_fit(found[:1], metrics, whole[0].width - 1)
    assert one.said == "" and one.width > metrics.horizontalAdvance("dining table")


def test_a_suggestion_has_its_mark_behind_its_name(metrics: QFontMetrics) -> None:
    found = [
        ScoredLabel(0, "rocket", 0.66, None, LabelStatus.UNMEASURED),
        ScoredLabel(1, "helmet", 0.6, None, LabelStatus.LIMITED),
        ScoredLabel(2, "person", 0.99, None, LabelStatus.MEASURED),
    ]
    chips = chips_that_fit(found, metrics, 1000)
    assert [chip.mark for chip in chips] == ["?", "~", ""]
    assert [label_text(x) for x in found] == ["rocket? 66 %", "helmet~ 60 %", "person 99 %"]
    mine = ScoredLabel(0, "rocket", 0.66, Verdict.ACCEPTED, LabelStatus.UNMEASURED)
    assert chips_that_fit([mine], metrics, 1000)[0].mark == ""


@pytest.mark.parametrize("room", [-20, 0, 5, 20])
def test_a_cell_without_room_for_chips_harms_nobody(metrics: QFontMetrics, room: int) -> None:
    assert all(chip.width >= 0 for chip in chips_that_fit([label("cat")] * 3, metrics, room))


def test_a_chip_of_no_labels_is_none(metrics: QFontMetrics) -> None:
    assert chips_that_fit([], metrics, 100) == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("confirmed", [False, True])
def test_a_chip_keeps_its_shape_on_the_ground_of_a_selected_photo(
    qtbot: QtBot, dark: bool, confirmed: bool
) -> None:
    palette = palette_for(dark=dark)
    base = palette.color(QPalette.ColorRole.Base)
    ground = blended(tone_color(Tone.ACCENT, palette), base, photo_delegate._SELECTED_SHARE)
    fill = chip_fill(palette, confirmed=confirmed, selected=True)
    assert contrast(fill, palette.color(QPalette.ColorRole.Text)) > 7
    assert contrast(fill, ground) > 1.25

    picture = QImage(120, 30, QImage.Format.Format_RGB32)
    picture.fill(ground)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    chip = Chip("", "", 100, confirmed)
    paint_chips(painter, palette, QRect(10, 4, 100, 20), [chip], selected=True)
    painter.end()
    tone = tone_color(Tone.SUCCESS if confirmed else Tone.ACCENT, palette)
    edge = picture.pixelColor(60, 4)
    assert contrast(edge, ground) > 1.5, "an outline in the colour of the chip"
    assert abs(edge.hue() - tone.hue()) < 25
