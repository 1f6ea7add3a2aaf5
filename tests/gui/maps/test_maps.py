from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base import settings as keys
from csra_gui.maps.display import number_text, rounded_up
from csra_gui.maps.head_change import HeadChange
from csra_gui.maps.why_dialog import WhyDialog
from csra_gui.maps.why_text import numbers, plain_reason
from csra_gui.widgets.colormaps import ColorMapName
from csra_gui.widgets.photo_view import PhotoView
from engine.api.geometry import Box
from engine.explain.evidence import MapKind, evidence_limit, evidence_map, logits
from engine.explain.explanation import Explanation, HeadTerms, explanation
from engine.explain.regions import region_shares, values_at
from tests.fakes import CATEGORIES
from tests.gui.driver import Start, at, drag, overlay, select, trigger

CAT, DOG = CATEGORIES.index_of("cat"), CATEGORIES.index_of("dog")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "scale", "colors"),
    [
        ("probability", "0 % – 100 %, threshold 50 %", ColorMapName.INFERNO),
        ("evidence", None, ColorMapName.DIVERGING),
        ("score", None, ColorMapName.DIVERGING),
        ("attention", None, ColorMapName.INFERNO),
    ],
)
def test_each_kind_of_map_has_its_colours_scale_and_sentence(
    looking: Application, kind: str, scale: str | None, colors: ColorMapName
) -> None:
    trigger(looking, f"map_{kind}")
    maps = looking.window.review.labels.maps
    assert looking.settings.value(keys.MAP_KIND) == kind
    assert maps.kinds.currentData() == kind
    assert looking.window.maps.display.style(CAT).colormap is colors
    assert looking.window.maps.viewer.view.overlay_visible()
    assert maps.meaning.text().endswith(".")
    if scale is not None:
        assert maps.bar.accessibleDescription() == scale


@pytest.mark.slow
def test_every_kind_paints_something_else(looking: Application) -> None:
    seen = []
    for kind in MapKind:
        trigger(looking, f"map_{kind.value}")
        seen.append(overlay(looking))
    assert all(one != other for i, one in enumerate(seen) for other in seen[:i])


def test_evidence_has_one_symmetric_scale_for_all_labels_and_adds_up_to_the_logit(
    looking: Application,
) -> None:
    trigger(looking, "map_evidence")
    scores = looking.session.focus.evidence
    assert scores is not None
    styles = [looking.window.maps.display.style(category) for category in range(len(CATEGORIES))]
    assert len({(style.low, style.high) for style in styles}) == 1
    assert styles[0].low == -styles[0].high
    assert evidence_limit(scores) <= styles[0].high <= 1.35 * evidence_limit(scores)
    shown = looking.window.maps.display.values(scores, CAT)
    assert np.array_equal(shown, evidence_map(scores, CAT))
    assert shown.sum() == pytest.approx(logits(scores)[CAT], abs=1e-4)


def test_attention_is_coloured_where_it_is_more_than_even(looking: Application) -> None:
    trigger(looking, "map_attention")
    scores = looking.session.focus.evidence
    assert scores is not None
    assert looking.window.maps.display.values(scores, CAT).mean() == pytest.approx(1.0, abs=1e-4)
    style = looking.window.maps.display.style(CAT)
    assert (style.low, style.threshold) == (0.0, 1.0)
    assert style.high >= max(
        looking.window.maps.display.values(scores, c).max() for c in range(len(CATEGORIES))
    )


@pytest.mark.slow
def test_the_kind_chosen_beside_the_labels_is_remembered_and_ticked_in_the_menu(
    looking: Application,
) -> None:
    kinds = looking.window.review.labels.maps.kinds
    kinds.setFocus()
    QTest.keyClick(kinds, Qt.Key.Key_Down)
    assert looking.settings.value(keys.MAP_KIND) == "evidence"
    assert looking.window.actions_table["map_evidence"].isChecked()
    assert not looking.window.actions_table["map_probability"].isChecked()


def test_other_colours_true_cells_and_the_line_change_the_picture(looking: Application) -> None:
    looking.session.thresholds.set_common(0.95)  # the blob reaches it, what is around does not
    seen = [overlay(looking)]
    commands = ("colors_viridis", "map_contour", "smooth_maps", "map_even", "map_dim")
    for command in (*commands, "map_clear_below"):
        trigger(looking, command)
        seen.append(overlay(looking))
        assert seen[-1] != seen[-2]
    assert looking.settings.value(keys.COLOR_MAP) == "viridis"
    assert looking.window.review.labels.maps.colors.currentData() == "viridis"


def test_what_the_label_is_not_seen_in_is_darker_and_colours_there_end_that(
    looking: Application,
) -> None:
    looking.session.thresholds.set_common(0.95)
    display = looking.window.maps.display
    assert display.style(CAT).dim > 0
    darker = overlay(looking)
    trigger(looking, "map_dim")
    assert overlay(looking) != darker
    assert display.style(CAT).dim == 0
    trigger(looking, "map_clear_below")
    assert not looking.window.actions_table["map_dim"].isEnabled()


def test_an_opacity_that_was_chosen_before_stays(start: Start, settings_file: Path) -> None:
    settings_file.parent.mkdir(parents=True)
    settings_file.write_text("[view]\noverlay_opacity=0.8\n")
    application = start()
    assert application.window.maps.display.style(CAT).opacity == pytest.approx(0.8)


def test_keys_change_the_opacity_within_its_limits(looking: Application) -> None:
    looking.settings.set_value(keys.OVERLAY_OPACITY, 0.5)
    QTest.keyClick(looking.window, Qt.Key.Key_BracketRight)
    assert looking.window.review.labels.opacity.value() == pytest.approx(0.6)
    for _ in range(12):
        QTest.keyClick(looking.window, Qt.Key.Key_BracketLeft)
    assert looking.settings.value(keys.OVERLAY_OPACITY) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("number", "end"), [(0.0, 1e-6), (0.031, 0.04), (0.1, 0.1), (1.0, 1.0), (7.3, 8.0), (99, 100)]
)
def test_ends_of_scales_are_round_and_never_too_small(number: float, end: float) -> None:
    assert rounded_up(number) == pytest.approx(end)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (MapKind.LOCAL_PROBABILITY, "12 %"),
        (MapKind.EVIDENCE, "+0.125 logits"),
        (MapKind.SCORE, "+0.12"),
        (MapKind.ATTENTION, "0.12 × even"),
    ],
)
def test_values_are_read_in_the_unit_of_their_kind(kind: MapKind, text: str) -> None:
    assert number_text(kind, 0.1249) == text


def point_at(view: PhotoView, x: float, y: float) -> tuple[float, float]:
    """Move the pointer there; which fraction it hit, on whole pixels."""
    QTest.mouseMove(view, at(view, x, y))
    hit = view.view_to_photo(QPointF(at(view, x, y)))
    assert hit is not None
    return hit.x(), hit.y()


def readout(application: Application) -> list[str]:
    return application.window.maps.viewer.readout.text().split("\n")


def test_pointing_at_the_photo_reads_the_value_and_the_labels_of_that_spot(
    looking: Application,
) -> None:
    view, scores = looking.window.maps.viewer.view, looking.session.focus.evidence
    assert scores is not None
    point_at(view, 0.8, 0.8)
    spot = point_at(view, 0.3, 0.6)
    values = values_at(scores, CAT, spot)
    first, second = readout(looking)
    assert first.startswith(f"cat here: {values.probability * 100:.0f} %, ")
    share = values.evidence / logits(scores)[CAT] * 100
    assert f"{share:.1f} % of its logit (cell {values.row + 1}, {values.column + 1})" in first
    assert second.startswith("This spot looks like ")
    assert second.count(" %") == 3
    trigger(looking, "map_evidence")
    assert (
        f"{values.evidence:+.3f}".replace("-", "\N{MINUS SIGN}") + " logits" in readout(looking)[0]
    )


def test_the_readout_goes_when_the_pointer_leaves_the_photo(looking: Application) -> None:
    view = looking.window.maps.viewer.view
    point_at(view, 0.8, 0.8)  # the pointer may rest where a test before this one left it
    point_at(view, 0.3, 0.6)
    assert readout(looking)[0].startswith("cat here: ")
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert readout(looking)[0].startswith("Point at the photo")


def test_a_rectangle_says_how_much_of_each_label_comes_from_it(looking: Application) -> None:
    view, scores = looking.window.maps.viewer.view, looking.session.focus.evidence
    assert scores is not None
    drag(view, (0.1, 0.2), (0.6, 0.9))
    rect = view.region
    assert rect is not None
    shares = region_shares(scores, Box(rect.left(), rect.top(), rect.right(), rect.bottom()))
    first, second = readout(looking)
    assert f"{shares[CAT] * 100:.0f} % of cat" in first
    assert f"{shares[DOG] * 100:.0f} % of dog" in first
    told = [int(part.split(" %")[0]) for part in first.split(", ")]
    assert told == sorted(told, reverse=True)
    assert second.startswith("On its own it looks like ")


def test_a_rectangle_keeps_its_place_under_zoom_until_escape(looking: Application) -> None:
    view = looking.window.maps.viewer.view
    drag(view, (0.25, 0.25), (0.75, 0.5))
    marked = QRectF(view.region or QRectF())
    view.zoom_in()
    assert view.region == marked
    assert "from here" in readout(looking)[0]
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert view.region is None
    assert "from here" not in readout(looking)[0]


def test_dragging_marks_without_shift_only_in_region_mode_and_a_click_marks_nothing(
    looking: Application,
) -> None:
    view = looking.window.maps.viewer.view
    drag(view, (0.2, 0.2), (0.7, 0.7), shift=False)
    assert view.region is None
    trigger(looking, "mark_region")
    drag(view, (0.7, 0.7), (0.2, 0.2), shift=False)
    assert view.region is not None
    assert view.region.width() == pytest.approx(0.5, abs=0.01)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, 0.5, 0.5))
    assert view.region is None


def test_another_photo_forgets_the_rectangle(qtbot: QtBot, looking: Application) -> None:
    view = looking.window.maps.viewer.view
    drag(view, (0.2, 0.2), (0.7, 0.7))
    select(qtbot, looking, "dog.jpg")
    qtbot.waitUntil(lambda: view.region is None)
    assert "from here" not in readout(looking)[0]


def test_why_says_the_sum_behind_the_pinned_label_and_follows_the_one_pointed_at(
    looking: Application,
) -> None:
    looking.window.review.labels.why.click()
    [dialog] = looking.window.findChildren(WhyDialog)
    scores = looking.session.focus.evidence
    assert scores is not None
    assert dialog.heading.text() == "cat"
    assert "so it is a label" in dialog.reason.text()
    assert not dialog.numbers.isVisible()
    dialog.unfold.click()
    assert dialog.numbers.isVisible()
    why = explanation(scores, CAT, 0.5)
    assert f"Logit: {why.logit:+.3f}" in dialog.numbers.toPlainText()
    looking.session.focus.set_hovered(DOG)
    assert dialog.heading.text() == "dog"
    looking.session.thresholds.set_common(1.0)
    assert "not a label" in dialog.reason.text()
    trigger(looking, "why")
    assert looking.window.findChildren(WhyDialog) == [dialog]
    dialog.close()


def test_no_score_below_one_is_called_certain() -> None:
    heads = (HeadTerms(1.0, 8.0, 1.0, 0.2),)
    why = Explanation(CAT, 0.2, heads, 8.2, 0.99973, 0.5)
    assert plain_reason(why, "cat").startswith("The model is 99.9 % sure of cat.")
    assert plain_reason(why, "animal", kind="cat").startswith("animal: follows from cat, 99.9 %.")


def test_the_numbers_have_a_line_per_head_and_add_up() -> None:
    heads = (HeadTerms(1.0, -2.0, 5.0, 1.0), HeadTerms(float("inf"), -1.5, 6.0, 1.2))
    why = Explanation(CAT, 0.2, heads, -1.3, 0.214, 0.5)
    minus = "\N{MINUS SIGN}"
    assert numbers(why, "cat").split("\n") == [
        f"Head 1 (T = 1): base {minus}2.000 + λ 0.2 × attention +5.000 = {minus}1.000",
        f"Head 2 (T = max): base {minus}1.500 + λ 0.2 × maximum +6.000 = {minus}0.300",
        f"Logit: {minus}1.000 {minus}0.300 = {minus}1.300",
        f"Score: sigmoid({minus}1.300) = 21.4 %",
        "Threshold: 21.4 % < 50.0 %, so it is not a label",
    ]
    words = plain_reason(why, "cat")
    assert f"speaks against cat ({minus}3.50)" in words
    assert "speak for it (+2.20)" in words
    assert "below 0 means below 50 % sure" in words


def test_a_calibrated_score_is_said_as_a_frequency_and_decides_nothing() -> None:
    heads = (HeadTerms(1.0, 1.0, 5.0, 1.0),)
    why = Explanation(CAT, 0.2, heads, 2.0, 0.881, 0.9, calibrated=0.83)
    assert "Of 100 photos with this score about 83 show cat." in plain_reason(why, "cat")
    calibrated, threshold = numbers(why, "cat").split("\n")[-2:]
    assert calibrated.startswith("Calibrated: 83.0 %. Of 100 photos")
    assert threshold == "Threshold: 88.1 % < 90.0 %, so it is not a label"


def test_why_follows_the_what_if_and_says_so(looking: Application) -> None:
    trigger(looking, "why")
    [dialog] = looking.window.findChildren(WhyDialog)
    before = dialog.numbers.toPlainText()
    looking.window.maps.display.source.set_change(HeadChange(lam=1.0))
    assert dialog.heading.text() == "cat (what if: λ = 1)"
    assert "λ 1 ×" in dialog.numbers.toPlainText()
    looking.window.maps.display.source.reset()
    assert dialog.numbers.toPlainText() == before
    dialog.close()
