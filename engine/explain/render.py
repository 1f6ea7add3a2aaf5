"""A map turned into colours that lie over a photo: NumPy alone.

The window and the files that commands write are drawn by the same code, so they look the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.values import FloatArray, PixelArray
from engine.explain.colormaps import LEVELS, ColorMapName, lookup_table

#: Of the highest values, and how dark their surroundings are: see docs/EXPLANATIONS.md.
DEFAULT_OPACITY, DEFAULT_DIM = 0.4, 0.45
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
#: Pixels further from the line than this are not touched.
_REACH = _HALO_WIDTH / 2 + 0.5

#: 0xAARRGGBB, colours multiplied by their opacity.
ArgbArray = NDArray[np.uint32]
#: Flat indices of pixels near the contour, and how far each is from it, in pixels.
_Near = tuple[NDArray[np.intp], FloatArray]


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
        clear_below: leave the photo untouched below the threshold; otherwise colours go on there.
        even: the same opacity for all values instead of more for higher ones.
        dim: how much darker the photo is where ``clear_below`` leaves it without colours, 0 to 1.
    """

    colormap: ColorMapName = ColorMapName.INFERNO
    opacity: float = DEFAULT_OPACITY
    low: float = 0.0
    high: float = 1.0
    threshold: float | None = None
    smooth: bool = True
    contour: bool = True
    clear_below: bool = True
    even: bool = False
    dim: float = 0.0

    def __post_init__(self) -> None:
        if not self.high > self.low:
            raise ValueError(f"high must be above low, not {self.high} and {self.low}")
        if not 0.0 <= self.opacity <= 1.0:
            raise ValueError(f"opacity must be 0 to 1, not {self.opacity}")
        if not 0.0 <= self.dim <= 1.0:
            raise ValueError(f"dim must be 0 to 1, not {self.dim}")


def style_alpha(style: OverlayStyle, steps: int = LEVELS) -> FloatArray:
    """How opaque each value is, from ``low`` to ``high``: (steps,) float32, 0 to ``opacity``."""
    at = np.linspace(0.0, 1.0, steps, dtype=np.float32)
    signed = style.colormap is ColorMapName.DIVERGING
    strength = np.abs(2.0 * at - 1.0) if signed else at
    if style.even:
        strength = np.ones_like(at)
    edge = _clear_edge(style)
    if edge is not None:
        least = 1.0 if style.even else _ALPHA_AT_THRESHOLD
        points = (edge * _RAMP_START, edge, 1.0)
        strength = np.interp(at, points, (0.0, least, 1.0)).astype(np.float32)
        if edge == 0.0:  # everything is at or above it
            strength = least + at * (1.0 - least)
    alpha: FloatArray = (strength * style.opacity).astype(np.float32)
    return alpha


def style_dim(style: OverlayStyle, steps: int = LEVELS) -> FloatArray:
    """How much darker the photo is at each value, from ``low`` to ``high``: (steps,) float32."""
    at = np.linspace(0.0, 1.0, steps, dtype=np.float32)
    edge = _clear_edge(style)
    if not edge:  # no value is left without colours
        return np.zeros_like(at)
    return np.interp(at, (edge * _RAMP_START, edge), (style.dim, 0.0)).astype(np.float32)


def _clear_edge(style: OverlayStyle) -> float | None:
    """Where on the scale, from 0 to 1, colours begin; ``None`` if they are everywhere."""
    if style.threshold is None or not style.clear_below:
        return None
    return float(np.clip((style.threshold - style.low) / (style.high - style.low), 0.0, 1.0))


def overlay_pixels(values: FloatArray, style: OverlayStyle) -> ArgbArray:
    """Colour a map.

    Args:
        values: (h, w) of any scale; with ``style.smooth`` interpolated
            (``evidence.on_photo``), otherwise squares of equal values, each some pixels
            wide (``enlarged_cells``). Not-a-number is clear.
        style: colours, opacity and limits.

    Returns:
        (h, w) uint32 0xAARRGGBB, colours multiplied by their opacity.
    """
    span = style.high - style.low
    scaled = (values.astype(np.float32, copy=False) - style.low) * ((_STEPS - 1) / span)
    known = np.nan_to_num(scaled, nan=0.0, posinf=_STEPS, neginf=0.0)
    index = (np.clip(known, 0, _STEPS - 1) + 0.5).astype(np.uint16)
    pixels: ArgbArray = _premultiplied_table(style)[index]
    if np.isnan(scaled).any():
        pixels[np.isnan(scaled)] = 0
    if style.contour and style.threshold is not None and style.opacity > 0:
        _draw_contour(pixels, values, style)
    return pixels


def enlarged_cells(values: FloatArray) -> FloatArray:
    """A raw grid with each cell as a square of pixels, so that scaling leaves its edges sharp."""
    factor = -(-_CELLS_MIN_SIDE // max(values.shape))
    return values.repeat(factor, axis=0).repeat(factor, axis=1)


def blended(photo: PixelArray, overlay: ArgbArray) -> PixelArray:
    """A photo with an overlay over it; where the overlay is clear, the photo is untouched.

    Args:
        photo: (h, w, 3) uint8.
        overlay: (h, w), of ``overlay_pixels``.

    Returns:
        (h, w, 3) uint8.
    """
    opacity = overlay >> 24
    channels = [(overlay >> shift) & 0xFF for shift in (16, 8, 0)]
    rest = (photo.astype(np.uint32) * (255 - opacity)[..., None] + 127) // 255
    both = np.stack(channels, axis=-1) + rest
    mixed: PixelArray = np.minimum(both, 255).astype(np.uint8)
    return mixed


def _premultiplied_table(style: OverlayStyle) -> ArgbArray:
    """(steps,) uint32 0xAARRGGBB, colours multiplied by their opacity."""
    colors = lookup_table(style.colormap)[np.arange(_STEPS) * LEVELS // _STEPS]
    alpha, dim = style_alpha(style, _STEPS), style_dim(style, _STEPS)
    channels = np.rint(colors * alpha[:, None]).astype(np.uint32)
    opacity = np.rint((alpha + dim * (1.0 - alpha)) * 255.0).astype(np.uint32)
    packed: ArgbArray = opacity << 24 | channels[:, 0] << 16 | channels[:, 1] << 8 | channels[:, 2]
    return packed


def _draw_contour(pixels: ArgbArray, values: FloatArray, style: OverlayStyle) -> None:
    """A white line with a dark rim where the map crosses the threshold; legible on any photo."""
    threshold = np.float32(style.low if style.threshold is None else style.threshold)
    find = _near_smooth if style.smooth else _near_cells
    near, away = find(values, threshold)
    if not near.size:
        return
    flat = pixels.reshape(-1)
    halo = np.clip(_REACH - away, 0.0, 1.0) * _HALO_OPACITY
    line = np.clip(_CONTOUR_WIDTH / 2 + 0.5 - away, 0.0, 1.0) * _CONTOUR_OPACITY
    flat[near] = _over(_over(flat[near], 0.0, halo), 255.0, line)


def _over(under: ArgbArray, grey: float, alpha: FloatArray) -> ArgbArray:
    """A grey of some opacity over premultiplied pixels."""
    channels = np.stack([(under >> shift) & 0xFF for shift in (24, 16, 8, 0)], axis=1)
    top = np.array([255.0, grey, grey, grey], dtype=np.float32)
    mixed = np.rint(channels * (1.0 - alpha[:, None]) + top * alpha[:, None]).astype(np.uint32)
    packed: ArgbArray = mixed[:, 0] << 24 | mixed[:, 1] << 16 | mixed[:, 2] << 8 | mixed[:, 3]
    return packed


def _near_smooth(values: FloatArray, threshold: np.float32) -> _Near:
    """Distance to the crossing, to first order: |value − threshold| / |slope|."""
    squared_slope = np.zeros(values.shape, dtype=np.float32)
    across = values[:, 1:] - values[:, :-1]
    squared_slope[:, :-1] += across * across
    down = values[1:] - values[:-1]
    squared_slope[:-1] += down * down
    above = values - threshold
    squared_distance = (above * above).reshape(-1)
    slope = squared_slope.reshape(-1)
    near = np.flatnonzero(squared_distance < slope * np.float32(_REACH * _REACH))
    away: FloatArray = np.sqrt(squared_distance[near] / slope[near])
    return near, away


def _near_cells(values: FloatArray, threshold: np.float32) -> _Near:
    """Distance to an edge between a cell below and one above, in two pixels on either side."""
    above = values >= threshold
    away = np.full(values.shape, np.inf, dtype=np.float32)
    for turned, mask in ((away, above), (away.T, above.T)):
        before, place = np.nonzero(mask[1:] != mask[:-1])
        for offset in (-1, 2, 0, 1):  # the nearest last: they overwrite
            row = np.clip(before + offset, 0, len(mask) - 1)
            distance = np.float32(abs(offset - 0.5))
            turned[row, place] = np.minimum(turned[row, place], distance)
    near = np.flatnonzero(away < _REACH)
    return near, away.reshape(-1)[near]
