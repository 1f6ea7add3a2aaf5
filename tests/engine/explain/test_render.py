import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from engine.explain.colormaps import ColorMapName, lookup_table
from engine.explain.render import (
    OverlayStyle,
    blended,
    enlarged_cells,
    overlay_pixels,
    style_alpha,
    style_dim,
)
from tests.paths import ROOT

PHOTO = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def ramp():
    return np.tile(np.linspace(0, 1, 80, dtype=np.float32), (60, 1))


@pytest.mark.parametrize("colormap", [c for c in ColorMapName if c is not ColorMapName.DIVERGING])
def test_the_photo_is_untouched_well_below_the_threshold(colormap):
    style = OverlayStyle(colormap, threshold=0.5, contour=False)
    shown = blended(PHOTO, overlay_pixels(ramp(), style))
    clear = ramp()[0] < 0.39
    np.testing.assert_array_equal(shown[:, clear], PHOTO[:, clear])
    assert (shown[:, ramp()[0] >= 0.5] != PHOTO[:, ramp()[0] >= 0.5]).any(axis=-1).all()


@pytest.mark.parametrize("colormap", [c for c in ColorMapName if c is not ColorMapName.DIVERGING])
def test_surroundings_can_be_darker_and_what_is_above_the_threshold_is_not(colormap):
    plain = OverlayStyle(colormap, opacity=0.4, threshold=0.5, contour=False)
    untouched = blended(PHOTO, overlay_pixels(ramp(), plain)).astype(int)
    dimmed = blended(PHOTO, overlay_pixels(ramp(), replace(plain, dim=0.45))).astype(int)
    below, above = ramp()[0] < 0.39, ramp()[0] >= 0.5
    np.testing.assert_allclose(dimmed[:, below], PHOTO[:, below] * 0.55, atol=1.5)
    np.testing.assert_array_equal(dimmed[:, above], untouched[:, above])


def test_nothing_is_darker_where_no_value_is_left_without_colours():
    style = OverlayStyle(threshold=0.5, dim=0.45)
    assert style_dim(style).max() == pytest.approx(0.45)
    for bare in (
        replace(style, clear_below=False),
        replace(style, threshold=None),
        replace(style, threshold=0.0),
    ):
        assert not style_dim(bare).any()


def test_an_object_keeps_more_than_half_of_its_contrast_under_the_default_overlay():
    style = OverlayStyle(threshold=0.5, contour=False)
    high = overlay_pixels(np.ones((2, 1), np.float32), style)
    seen = blended(np.array([[[40] * 3], [[200] * 3]], dtype=np.uint8), high).astype(int)
    assert (seen[1] - seen[0] > 0.5 * 160).all()


def test_a_blend_is_photo_and_colour_by_opacity():
    style = OverlayStyle(opacity=0.6, contour=False)
    shown = blended(PHOTO, overlay_pixels(np.ones((60, 80), np.float32), style)).astype(float)
    expected = 0.4 * PHOTO + 0.6 * lookup_table(ColorMapName.INFERNO)[-1]
    np.testing.assert_allclose(shown, expected, atol=1.5)


def test_nothing_is_brighter_than_white_after_blending():
    white = np.full((4, 4, 3), 255, np.uint8)
    style = OverlayStyle(ColorMapName.DIVERGING, contour=False)
    for value in np.linspace(0, 1, 51):
        overlay = overlay_pixels(np.full((4, 4), value, np.float32), style)
        shown = blended(white, overlay).astype(int)
        colour = lookup_table(ColorMapName.DIVERGING)[int(value * 1023 + 0.5) // 4].astype(int)
        assert (shown >= colour - 2).all()


def test_the_contour_lies_where_the_map_crosses_the_threshold():
    with_line = overlay_pixels(ramp(), OverlayStyle(threshold=0.5))
    without = overlay_pixels(ramp(), OverlayStyle(threshold=0.5, contour=False))
    columns = np.flatnonzero((with_line != without).any(axis=0))
    assert columns.min() >= 36 and columns.max() <= 43


def test_raw_cells_are_squares_of_equal_value():
    grid = np.arange(6, dtype=np.float32).reshape(2, 3)
    large = enlarged_cells(grid)
    side = large.shape[1] // 3
    assert large.shape == (2 * side, 3 * side)
    np.testing.assert_array_equal(large[::side, ::side], grid)
    assert len(np.unique(large[:side, :side])) == 1


def test_drawing_needs_neither_qt_nor_torch():
    code = "import sys, engine.explain.render; assert not {'torch', 'PySide6'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_opacity_can_be_even_and_colours_can_go_on_below_the_threshold():
    plain = OverlayStyle(opacity=0.8, threshold=0.5)
    even = style_alpha(replace(plain, even=True), 101)
    assert even[50:].tolist() == pytest.approx([0.8] * 51)
    assert not even[:40].any()
    everywhere = style_alpha(replace(plain, clear_below=False), 101)
    np.testing.assert_allclose(everywhere, np.linspace(0, 0.8, 101), atol=1e-6)
    both = style_alpha(replace(plain, clear_below=False, even=True), 101)
    np.testing.assert_allclose(both, 0.8, atol=1e-6)
