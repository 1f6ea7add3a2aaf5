"""A map turned into colours that lie over a photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from csra_gui.widgets.colormaps import LEVELS, ColorMapName, lookup_table
from engine.values import FloatArray

#: Finer than the 256 colours, so that the edge at the threshold is soft.
_STEPS = 1024
#: Opacity falls to nothing from the threshold down to this share of it.
_RAMP_START = 0.8
#: Share of the full opacity that a value at the threshold has.
_ALPHA_AT_THRESHOLD = 0.5
#: Cells of a raw grid are drawn this large at least, so that scaling leaves their edges sharp.
_CELLS_MIN_SIDE = 448
_CONTOUR_WIDTH = 2.0
_HALO_WIDTH = 4.5
_CONTOUR_OPACITY = 0.95
_HALO_OPACITY = 0.55


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """How a map is coloured.

    Attributes:
        colormap: the colour scale; a diverging one is clear in the middle, not at the low end.
        opacity: of the highest values, 0 to 1.
        low: the value that gets the first colour; the same for all maps, never a map's minimum.
        high: the value that gets the last colour, above ``low``.
        threshold: below it the photo shows untouched; ``None`` colours everything.
        smooth: the map is interpolated; otherwise its cells are drawn as squares.
        contour: draw a line where the map crosses the threshold.
    """

    colormap: ColorMapName = ColorMapName.INFERNO
    opacity: float = 0.65
    low: float = 0.0
    high: float = 1.0
    threshold: float | None = None
    smooth: bool = True
    contour: bool = True

    def __post_init__(self) -> None:
        if not self.high > self.low:
            raise ValueError(f"high must be above low, not {self.high} and {self.low}")
        if not 0.0 <= self.opacity <= 1.0:
            raise ValueError(f"opacity must be 0 to 1, not {self.opacity}")


def style_alpha(style: OverlayStyle, steps: int = LEVELS) -> FloatArray:
    """How opaque each value is, from ``low`` to ``high``: (steps,) float32, 0 to ``opacity``."""
    at = np.linspace(0.0, 1.0, steps, dtype=np.float32)
    signed = style.colormap is ColorMapName.DIVERGING
    strength = np.abs(2.0 * at - 1.0) if signed else at
    if style.threshold is not None:
        edge = float(np.clip((style.threshold - style.low) / (style.high - style.low), 0.0, 1.0))
        points = (edge * _RAMP_START, edge, 1.0)
        strength = np.interp(at, points, (0.0, _ALPHA_AT_THRESHOLD, 1.0)).astype(np.float32)
        if edge == 0.0:  # everything is at or above it
            strength = _ALPHA_AT_THRESHOLD + at * (1.0 - _ALPHA_AT_THRESHOLD)
    alpha: FloatArray = (strength * style.opacity).astype(np.float32)
    return alpha


def render_overlay(values: FloatArray, style: OverlayStyle) -> QImage:
    """Colour a map.

    Args:
        values: (h, w) of any scale; with ``style.smooth`` already interpolated
            (``engine.evidence.on_photo``), otherwise one value per cell. Not-a-number is clear.
        style: colours, opacity and limits.

    Returns:
        ARGB32_Premultiplied with the map's shape; squares are enlarged by a whole factor.
    """
    span = style.high - style.low
    scaled = (values.astype(np.float32, copy=False) - style.low) * ((_STEPS - 1) / span)
    known = np.nan_to_num(scaled, nan=0.0, posinf=_STEPS, neginf=0.0)
    index = (np.clip(known, 0, _STEPS - 1) + 0.5).astype(np.uint16)
    pixels = _premultiplied_table(style)[index]
    if np.isnan(scaled).any():
        pixels[np.isnan(scaled)] = 0
    if not style.smooth:
        pixels, values = _enlarged(pixels, values)
    if style.contour and style.threshold is not None and style.opacity > 0:
        _draw_contour(pixels, values, style)
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
    return image.copy()  # the copy owns its pixels; the array ends here


def _premultiplied_table(style: OverlayStyle) -> NDArray[np.uint32]:
    """(steps,) uint32 0xAARRGGBB, colours multiplied by their opacity."""
    colors = lookup_table(style.colormap)[np.arange(_STEPS) * LEVELS // _STEPS]
    return _packed(colors.astype(np.float32), style_alpha(style, _STEPS))


def _packed(colors: NDArray[np.float32], alpha: FloatArray) -> NDArray[np.uint32]:
    channels = np.rint(colors * alpha[:, None]).astype(np.uint32)
    opacity = np.rint(alpha * 255.0).astype(np.uint32)
    packed: NDArray[np.uint32] = (
        opacity << 24 | channels[:, 0] << 16 | channels[:, 1] << 8 | channels[:, 2]
    )
    return packed


def _enlarged(
    pixels: NDArray[np.uint32], values: FloatArray
) -> tuple[NDArray[np.uint32], FloatArray]:
    factor = -(-_CELLS_MIN_SIDE // max(values.shape))
    if factor == 1:
        return pixels, values
    ones = np.ones((factor, factor))
    return (
        np.kron(pixels, ones.astype(np.uint32)),
        np.kron(values, ones.astype(np.float32)),
    )


def _draw_contour(pixels: NDArray[np.uint32], values: FloatArray, style: OverlayStyle) -> None:
    """A white line with a dark rim where the map crosses the threshold; legible on any photo."""
    threshold = float(style.threshold if style.threshold is not None else style.low)
    distance = (
        _distance_smooth(values, threshold) if style.smooth else _distance_cells(values, threshold)
    )
    near = np.flatnonzero(distance < _HALO_WIDTH / 2 + 0.5)
    if not near.size:
        return
    away = distance.reshape(-1)[near]
    flat = pixels.reshape(-1)
    halo = np.clip(_HALO_WIDTH / 2 + 0.5 - away, 0.0, 1.0) * _HALO_OPACITY
    line = np.clip(_CONTOUR_WIDTH / 2 + 0.5 - away, 0.0, 1.0) * _CONTOUR_OPACITY
    flat[near] = _over(_over(flat[near], 0.0, halo), 255.0, line)


def _over(under: NDArray[np.uint32], grey: float, alpha: FloatArray) -> NDArray[np.uint32]:
    """A grey of some opacity over premultiplied pixels."""
    channels = np.stack([(under >> shift) & 0xFF for shift in (24, 16, 8, 0)], axis=1)
    top = np.array([255.0, grey, grey, grey], dtype=np.float32)
    mixed = np.rint(channels * (1.0 - alpha[:, None]) + top * alpha[:, None]).astype(np.uint32)
    packed: NDArray[np.uint32] = (
        mixed[:, 0] << 24 | mixed[:, 1] << 16 | mixed[:, 2] << 8 | mixed[:, 3]
    )
    return packed


def _distance_smooth(values: FloatArray, threshold: float) -> FloatArray:
    """Pixels to the crossing, to first order: |value − threshold| / |slope|."""
    slope = np.zeros(values.shape, dtype=np.float32)
    for axis in (0, 1):
        if values.shape[axis] > 1:
            step = np.abs(np.diff(values, axis=axis))
            ahead = (slice(None), slice(None, -1)) if axis else (slice(None, -1), slice(None))
            slope[ahead] += step * step
    slope = np.sqrt(slope)
    distance = np.abs(values - np.float32(threshold))
    pixels: FloatArray = np.divide(
        distance, slope, out=np.full_like(distance, np.inf), where=slope > 1e-9
    )
    return pixels


def _distance_cells(values: FloatArray, threshold: float) -> FloatArray:
    """Zero at pixels on either side of an edge between cells below and above, else infinite."""
    above = values >= threshold
    distance = np.full(values.shape, np.inf, dtype=np.float32)
    down = above[1:] != above[:-1]
    across = above[:, 1:] != above[:, :-1]
    for reach in (1, 0):
        away = np.float32(reach + 0.5)
        rows, columns = values.shape
        for offset in (-reach, reach + 1):
            y, x = np.nonzero(down)
            distance[np.clip(y + offset, 0, rows - 1), x] = away
            y, x = np.nonzero(across)
            distance[y, np.clip(x + offset, 0, columns - 1)] = away
    return distance
