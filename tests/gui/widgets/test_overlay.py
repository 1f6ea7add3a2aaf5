from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from csra_gui.widgets.colormaps import ColorMapName, lookup_table
from csra_gui.widgets.overlay import OverlayStyle, render_overlay, style_alpha


def pixels(image: QImage) -> NDArray[np.uint8]:
    """(h, w, 4) premultiplied RGBA."""
    assert image.format() == QImage.Format.Format_ARGB32_Premultiplied
    raw = np.frombuffer(image.constBits(), dtype=np.uint8)
    bgra = raw.reshape(image.height(), image.bytesPerLine() // 4, 4)[:, : image.width()]
    return bgra[..., [2, 1, 0, 3]]


def flat(value: float, side: int = 4) -> NDArray[np.float32]:
    return np.full((side, side), value, dtype=np.float32)


@pytest.mark.parametrize("name", ColorMapName)
def test_every_colour_map_has_256_colours_and_cannot_be_written(name: ColorMapName) -> None:
    table = lookup_table(name)
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8
    assert not table.flags.writeable
    assert len(np.unique(table, axis=0)) > 200


@pytest.mark.parametrize(
    "name",
    [ColorMapName.VIRIDIS, ColorMapName.CIVIDIS, ColorMapName.MAGMA, ColorMapName.INFERNO],
)
def test_colours_get_lighter_from_low_to_high(name: ColorMapName) -> None:
    light = lookup_table(name).astype(float) @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(light[::8]) > 0).all()


def test_the_diverging_map_is_blue_below_neutral_in_the_middle_and_red_above() -> None:
    table = lookup_table(ColorMapName.DIVERGING).astype(int)
    assert table[0, 2] > table[0, 0] + 60
    assert np.ptp(table[127]) < 8
    assert table[255, 0] > table[255, 2] + 60


def test_the_highest_value_gets_the_last_colour_at_full_opacity() -> None:
    for name in ColorMapName:
        image = render_overlay(flat(1.0), OverlayStyle(name, opacity=1.0, threshold=0.5))
        assert (pixels(image)[0, 0, :3] == lookup_table(name)[255]).all()
        assert pixels(image)[0, 0, 3] == 255


def test_colours_are_multiplied_by_their_opacity() -> None:
    shown = pixels(render_overlay(flat(1.0), OverlayStyle(opacity=0.5)))[0, 0].astype(float)
    last = lookup_table(OverlayStyle().colormap)[255]
    assert shown[3] == pytest.approx(127.5, abs=0.5)
    assert shown[:3] == pytest.approx(last * 0.5, abs=0.6)


def test_the_photo_shows_untouched_well_below_the_threshold() -> None:
    shown = pixels(render_overlay(flat(0.3), OverlayStyle(threshold=0.5)))
    assert (shown == 0).all()


def test_opacity_grows_with_the_value_and_starts_from_nothing() -> None:
    alpha = style_alpha(OverlayStyle(opacity=0.7, threshold=0.6))
    assert (np.diff(alpha) >= 0).all()
    assert alpha[0] == 0
    assert alpha[-1] == pytest.approx(0.7)
    assert np.abs(np.diff(alpha)).max() < 0.05  # no step at the threshold


@pytest.mark.parametrize("threshold", [0.0, -1.0])
def test_a_threshold_at_or_below_the_scale_leaves_nothing_out(threshold: float) -> None:
    assert style_alpha(OverlayStyle(threshold=threshold)).min() > 0


@pytest.mark.parametrize("threshold", [1.0, 2.0])
def test_a_threshold_at_the_top_leaves_all_but_the_top_out(threshold: float) -> None:
    alpha = style_alpha(OverlayStyle(threshold=threshold))
    assert np.isfinite(alpha).all()
    assert (alpha[:200] == 0).all()


def test_signed_maps_are_clear_in_the_middle() -> None:
    style = OverlayStyle(ColorMapName.DIVERGING, low=-2.0, high=2.0)
    ramp = np.linspace(-2, 2, 5, dtype=np.float32)[None]
    alpha = pixels(render_overlay(ramp, style))[0, :, 3]
    assert alpha[2] == 0
    assert alpha[0] == alpha[4] == round(style.opacity * 255)


def test_the_scale_is_fixed_so_a_weak_map_stays_weak() -> None:
    weak = np.linspace(0.0, 0.2, 64, dtype=np.float32).reshape(8, 8)
    strong = weak * 5
    style = OverlayStyle(opacity=0.65, contour=False)
    assert pixels(render_overlay(weak, style))[..., 3].max() < 45
    assert pixels(render_overlay(strong, style))[..., 3].max() > 150


def test_values_beyond_the_scale_and_missing_ones_do_no_harm() -> None:
    values = np.array([[-9.0, np.nan, np.inf, 9.0]], dtype=np.float32)
    alpha = pixels(render_overlay(values, OverlayStyle(opacity=1.0, threshold=0.5)))[0, :, 3]
    assert alpha.tolist() == [0, 0, 255, 255]


def test_the_contour_follows_the_threshold_and_nothing_else() -> None:
    ramp = np.tile(np.linspace(0, 1, 201, dtype=np.float32), (20, 1))
    with_line = pixels(render_overlay(ramp, OverlayStyle(threshold=0.5))).astype(int)
    without = pixels(render_overlay(ramp, OverlayStyle(threshold=0.5, contour=False))).astype(int)
    changed = np.flatnonzero((with_line != without).any(axis=(0, 2)))
    assert abs(changed.mean() - 100) <= 1
    assert len(changed) <= 8
    assert with_line[10, 100].min() > 230  # white in the middle
    assert with_line[10, 102, :3].max() < with_line[10, 100, :3].min()  # with a darker rim


def test_cells_are_drawn_as_sharp_squares_in_the_shape_of_the_grid() -> None:
    cells = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], dtype=np.float32)
    style = OverlayStyle(opacity=1.0, smooth=False, contour=False)
    image = render_overlay(cells, style)
    assert image.width() * 3 == image.height() * 2
    side = image.width() // 2
    shown = pixels(image)
    assert (shown[:side, :side] == shown[0, 0]).all()
    assert (shown[:side, side:] == 0).all()


def test_the_contour_of_cells_runs_along_their_edges_only() -> None:
    cells = np.array([[0.9, 0.6], [0.1, 0.1]], dtype=np.float32)
    style = OverlayStyle(threshold=0.5, smooth=False)
    with_line = pixels(render_overlay(cells, style)).astype(int)
    without = pixels(
        render_overlay(cells, OverlayStyle(threshold=0.5, smooth=False, contour=False))
    ).astype(int)
    rows = np.flatnonzero((with_line != without).any(axis=(1, 2)))
    assert len(rows) == 4  # two pixels on either side of the only edge
    assert abs(rows.mean() - (with_line.shape[0] / 2 - 0.5)) < 1e-9


def test_missing_values_are_clear_in_signed_maps_too() -> None:
    style = OverlayStyle(ColorMapName.DIVERGING, opacity=1.0, low=-1.0, high=1.0)
    values = np.array([[np.nan, -1.0]], dtype=np.float32)
    assert pixels(render_overlay(values, style))[0, :, 3].tolist() == [0, 255]


@pytest.mark.parametrize("wrong", [{"low": 1.0, "high": 1.0}, {"opacity": 1.5}, {"opacity": -0.1}])
def test_a_style_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        OverlayStyle(**wrong)  # type: ignore[arg-type]
