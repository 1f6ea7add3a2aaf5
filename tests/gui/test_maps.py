from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from csra_gui import settings as keys
from csra_gui.app import Application
from csra_gui.map_display import number_text, rounded_up
from csra_gui.widgets.colormaps import ColorMapName
from engine.evidence import MapKind, evidence_limit, evidence_map, logits
from tests.fakes import CATEGORIES
from tests.gui.conftest import Start
from tests.gui.test_window import select, wait_until_tagged

CAT, DOG = CATEGORIES.index_of("cat"), CATEGORIES.index_of("dog")


@pytest.fixture
def looking(qtbot: QtBot, start: Start, photos: Path) -> Application:
    """A window on the photo of a cat and a dog, with its position scores there and cat pinned."""
    application = start([photos])
    wait_until_tagged(qtbot, application)
    select(qtbot, application, "cat-and-dog.jpg")
    qtbot.waitUntil(application.window.viewer.view.has_photo)
    application.session.set_pinned(CAT)
    return application


def overlay(application: Application) -> QImage:
    return application.window.viewer.view._overlay.toImage()


def trigger(application: Application, name: str) -> None:
    application.window.actions_table[name].trigger()


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
    maps = looking.window.labels.maps
    assert looking.settings.value(keys.MAP_KIND) == kind
    assert maps.kinds.currentData() == kind
    assert looking.window.maps.style(CAT).colormap is colors
    assert looking.window.viewer.view.overlay_visible()
    assert maps.meaning.text().endswith(".")
    if scale is not None:
        assert maps.bar.accessibleDescription() == scale


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
    scores = looking.session.current_evidence
    assert scores is not None
    styles = [looking.window.maps.style(category) for category in range(len(CATEGORIES))]
    assert len({(style.low, style.high) for style in styles}) == 1
    assert styles[0].low == -styles[0].high
    assert evidence_limit(scores) <= styles[0].high <= 1.35 * evidence_limit(scores)
    shown = looking.window.maps.values(scores, CAT)
    assert np.array_equal(shown, evidence_map(scores, CAT))
    assert shown.sum() == pytest.approx(logits(scores)[CAT], abs=1e-4)


def test_attention_is_coloured_where_it_is_more_than_even(looking: Application) -> None:
    trigger(looking, "map_attention")
    scores = looking.session.current_evidence
    assert scores is not None
    assert looking.window.maps.values(scores, CAT).mean() == pytest.approx(1.0, abs=1e-4)
    style = looking.window.maps.style(CAT)
    assert (style.low, style.threshold) == (0.0, 1.0)
    assert style.high >= max(
        looking.window.maps.values(scores, c).max() for c in range(len(CATEGORIES))
    )


def test_the_kind_chosen_beside_the_labels_is_remembered_and_ticked_in_the_menu(
    looking: Application,
) -> None:
    kinds = looking.window.labels.maps.kinds
    kinds.setFocus()
    QTest.keyClick(kinds, Qt.Key.Key_Down)
    assert looking.settings.value(keys.MAP_KIND) == "evidence"
    assert looking.window.actions_table["map_evidence"].isChecked()
    assert not looking.window.actions_table["map_probability"].isChecked()


def test_other_colours_true_cells_and_the_line_change_the_picture(looking: Application) -> None:
    looking.session.thresholds.set_common(0.95)  # the blob reaches it, what is around does not
    seen = [overlay(looking)]
    for command in ("colors_viridis", "map_contour", "smooth_maps"):
        trigger(looking, command)
        seen.append(overlay(looking))
        assert seen[-1] != seen[-2]
    assert looking.settings.value(keys.COLOR_MAP) == "viridis"
    assert looking.window.labels.maps.colors.currentData() == "viridis"


def test_keys_change_the_opacity_within_its_limits(looking: Application) -> None:
    looking.settings.set_value(keys.OVERLAY_OPACITY, 0.5)
    QTest.keyClick(looking.window, Qt.Key.Key_BracketRight)
    assert looking.window.labels.opacity.value() == pytest.approx(0.6)
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
