"""Maps of one image drawn over its photo, without a window: what the commands write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.api.geometry import fitted_size
from engine.api.values import PixelArray, PositionScores
from engine.explain.colormaps import ColorMapName
from engine.explain.evidence import MapKind, cells_on_photo, evidence_limit, map_of, on_photo
from engine.explain.render import DEFAULT_OPACITY, OverlayStyle, blended, overlay_pixels

_TILE_SIDE, _CAPTION_HEIGHT, _GAP, _FONT_SIZE = 320, 26, 8, 15
_MAX_COLUMNS = 5
_PAGE, _INK = (255, 255, 255), (27, 33, 39)
#: Attention in multiples of uniform: where its line is, and the least end of its scale.
_UNIFORM, _LEAST_ATTENTION = 1.0, 2.0


@dataclass(frozen=True, slots=True)
class DrawingSettings:
    """How maps are drawn.

    Attributes:
        kind: which map.
        threshold: of local probability, 0 to 1; below it the photo is untouched.
        colormap: ``None`` chooses one that suits the kind.
        raw: true cells instead of a smooth map.
        opacity: of the highest values, 0 to 1.
    """

    kind: MapKind = MapKind.LOCAL_PROBABILITY
    threshold: float = 0.5
    colormap: ColorMapName | None = None
    raw: bool = False
    opacity: float = DEFAULT_OPACITY


def style_for(scores: PositionScores, settings: DrawingSettings) -> OverlayStyle:
    """The one scale for all maps of an image, whichever are drawn.

    Local probability has 0 to 1 for all images. Evidence has ± ``evidence_limit``, scores ± the
    largest and attention 0 to the largest of all categories: never of one map alone.
    """
    kind, colormap = settings.kind, settings.colormap
    plain = OverlayStyle(colormap or ColorMapName.INFERNO, settings.opacity)
    if kind is MapKind.LOCAL_PROBABILITY:
        return replace(plain, threshold=settings.threshold)
    categories = range(scores.values.shape[1])
    if kind is MapKind.ATTENTION:
        highest = max(float(map_of(scores, c, kind).max()) for c in categories)
        return replace(plain, high=max(_LEAST_ATTENTION, highest), threshold=_UNIFORM)
    limit = evidence_limit(scores)
    if kind is MapKind.SCORE:
        largest = max(float(np.abs(map_of(scores, c, kind)).max()) for c in categories)
        limit = max(1e-6, largest)
    signed = colormap or ColorMapName.DIVERGING
    return replace(plain, colormap=signed, low=-limit, high=limit, contour=False)


def draw_map(
    photo: PixelArray,
    scores: PositionScores,
    category: int,
    settings: DrawingSettings,
    style: OverlayStyle,
) -> PixelArray:
    """A photo with one map over it.

    Args:
        photo: (h, w, 3) uint8, the upright photo in any size, without padding.
        scores: of the same image.
        category: index in the model's order.
        settings: kind of map and how it is laid over the photo.
        style: of ``style_for``.

    Returns:
        (h, w, 3) uint8.
    """
    height, width = photo.shape[:2]
    lay = cells_on_photo if settings.raw else on_photo
    values = lay(map_of(scores, category, settings.kind), width, height, scores.content)
    return blended(photo, overlay_pixels(values, replace(style, smooth=not settings.raw)))


def contact_sheet(tiles: Sequence[tuple[str, PixelArray]]) -> Image.Image:
    """Pictures side by side with their captions below.

    Args:
        tiles: captions and (h, w, 3) uint8, at least one; larger ones are scaled down.
    """
    small = [(caption, _scaled(pixels, _TILE_SIDE)) for caption, pixels in tiles]
    width = max(image.width for _, image in small)
    height = max(image.height for _, image in small) + _CAPTION_HEIGHT
    width = max(width, _TILE_SIDE // 2)  # room for a caption
    columns = min(_MAX_COLUMNS, len(small))
    rows = -(-len(small) // columns)
    size = (columns * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP)
    sheet = Image.new("RGB", size, _PAGE)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT_SIZE)
    for place, (caption, image) in enumerate(small):
        left = _GAP + place % columns * (width + _GAP)
        top = _GAP + place // columns * (height + _GAP)
        sheet.paste(image, (left, top))
        shown = _fitting(caption, font, width)
        pen.text((left, top + height - _CAPTION_HEIGHT + 4), shown, fill=_INK, font=font)
    return sheet


def _scaled(pixels: PixelArray, side: int) -> Image.Image:
    image = Image.fromarray(pixels)
    size = fitted_size(image.width, image.height, side)
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def _fitting(caption: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int) -> str:
    """As much of a caption as fits; its end, the score, stays."""
    if font.getlength(caption) <= width:
        return caption
    name, _, score = caption.rpartition(" ")
    while name and font.getlength(f"{name}… {score}") > width:
        name = name[:-1]
    return f"{name}… {score}"
