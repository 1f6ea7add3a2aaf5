"""Maps as pictures to lay over the photo: one label, or several in colours of their own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from csra_gui.maps.comparison import Together
from csra_gui.maps.display import MapDisplay
from csra_gui.widgets.overlay import (
    OverlayStyle,
    argb_image,
    render_overlay,
    style_alpha,
    style_dim,
)
from engine.api.geometry import fitted_size
from engine.api.values import FloatArray, PixelArray, PositionScores
from engine.explain.category_colors import CATEGORY_COLORS
from engine.explain.evidence import cells_on_photo, local_probability, on_photo
from engine.explain.render import ArgbArray

#: Maps have some 14 × 14 cells; more pixels than this would show nothing more.
OVERLAY_SIDE = 512
_STEPS = 256
_RIM_WIDTH = 2


def category_color(place: int) -> QColor:
    """A colour of labels that are drawn together, by its place among them."""
    return QColor(*(int(channel) for channel in CATEGORY_COLORS[place]))


def map_picture(
    values: FloatArray, scores: PositionScores, style: OverlayStyle, side: int = OVERLAY_SIDE
) -> QImage:
    """A map on the model's grid as a picture in the photo's shape.

    Args:
        values: (h, w), of any kind.
        scores: that it was made of; they know how the photo lies in the grid.
        style: its colours.
        side: the longer one of the picture, in pixels; never more than the photo has.
    """
    size = fitted_size(scores.width, scores.height, side)
    lay = on_photo if style.smooth else cells_on_photo
    return render_overlay(lay(values, *size, scores.content), style)


class MapPictures:
    """The pictures made last, so that pointing at a label again costs nothing.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int = 24) -> None:
        self._most = most
        self._scores: PositionScores | None = None
        self._pictures: OrderedDict[Hashable, QImage] = OrderedDict()

    def get(self, scores: PositionScores, key: Hashable, make: Callable[[], QImage]) -> QImage:
        """A picture made of some position scores; other ones make room for theirs.

        Args:
            scores: it is made of.
            key: all that it depends on otherwise.
            make: makes it, if it is not there.
        """
        if scores is not self._scores:
            self._scores = scores
            self._pictures.clear()
        if key not in self._pictures:
            self._pictures[key] = make()
        self._pictures.move_to_end(key)
        while len(self._pictures) > self._most:
            self._pictures.popitem(last=False)
        return self._pictures[key]


def together_picture(
    display: MapDisplay,
    scores: PositionScores,
    categories: Mapping[int, int],
    how: Together,
    side: int = OVERLAY_SIDE,
) -> QImage:
    """Several labels in one picture by their local probabilities, the only maps on one scale.

    Args:
        display: says how strong, and whether true cells are drawn.
        scores: of the photo.
        categories: each with the place of its colour (``engine.explain.category_colors``).
        how: mixed, or only the one that is highest at each place.
        side: the longer one of the picture, in pixels.
    """
    size = fitted_size(scores.width, scores.height, side)
    lay = on_photo if display.smooth else cells_on_photo
    maps = np.stack([lay(local_probability(scores, c), *size, scores.content) for c in categories])
    styles = [display.probability_style(c) for c in categories]
    drawn = list(zip(maps, styles, strict=True))
    alphas = np.stack([_looked_up(style_alpha(style, _STEPS), one) for one, style in drawn])
    dims = np.stack([_looked_up(style_dim(style, _STEPS), one) for one, style in drawn])
    wins = maps.argmax(axis=0) == np.arange(len(maps))[:, None, None]
    if how is Together.WINNER:
        alphas *= wins
    colors = CATEGORY_COLORS[list(categories.values())]
    # Where no label is seen the photo is darker: one more layer, of black.
    layers = np.concatenate([alphas, dims.min(axis=0, keepdims=True)])
    pixels = mixed_pixels(layers, np.pad(colors, ((0, 1), (0, 0))).astype(np.float32))
    for one, style, mine, color in zip(maps, styles, wins, colors, strict=True):
        if style.contour and style.threshold is not None:
            inside = one >= style.threshold
            pixels[_rim(inside & mine if how is Together.WINNER else inside)] = _opaque(color)
    return argb_image(pixels)


def mixed_pixels(alphas: FloatArray, colors: FloatArray) -> ArgbArray:
    """Layers of one colour each, none above another: (h, w) 0xAARRGGBB, premultiplied.

    Args:
        alphas: (K, h, w), 0 to 1.
        colors: (K, 3), 0 to 255.

    Where several are, their colours mix by their opacities, and together they are as opaque as if
    they were laid over each other.
    """
    total = alphas.sum(axis=0)
    opaque = 1.0 - np.prod(1.0 - alphas, axis=0)
    share = np.divide(opaque, total, out=np.zeros_like(total), where=total > 0)
    channels = [
        np.rint(sum(a * c for a, c in zip(alphas, colors[:, channel], strict=True)) * share)
        for channel in range(3)
    ]
    red, green, blue = (channel.astype(np.uint32) for channel in channels)
    pixels: ArgbArray = (
        np.rint(opaque * 255.0).astype(np.uint32) << 24 | red << 16 | green << 8 | blue
    )
    return pixels


def _looked_up(table: FloatArray, values: FloatArray) -> FloatArray:
    """What a table from 0 to 1 has for a map of local probability."""
    found: FloatArray = table[np.rint(np.clip(values, 0.0, 1.0) * (_STEPS - 1)).astype(np.intp)]
    return found


def _rim(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The outermost pixels of an area, so that areas that overlap can be told apart."""
    core = inside.copy()
    for _ in range(_RIM_WIDTH):
        smaller = core.copy()
        smaller[1:] &= core[:-1]
        smaller[:-1] &= core[1:]
        smaller[:, 1:] &= core[:, :-1]
        smaller[:, :-1] &= core[:, 1:]
        core = smaller
    return inside & ~core


def _opaque(color: PixelArray) -> int:
    red, green, blue = (int(channel) for channel in color)
    return 0xFF << 24 | red << 16 | green << 8 | blue
