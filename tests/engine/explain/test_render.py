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
