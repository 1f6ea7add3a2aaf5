"""A map turned into an image that lies over a photo."""

from __future__ import annotations

from PySide6.QtGui import QImage

from engine.api.values import FloatArray
from engine.explain.render import (
    ArgbArray,
    OverlayStyle,
    enlarged_cells,
    overlay_pixels,
    style_alpha,
    style_dim,
)

__all__ = ["OverlayStyle", "argb_image", "render_overlay", "style_alpha", "style_dim"]


def render_overlay(values: FloatArray, style: OverlayStyle) -> QImage:
    """Colour a map.

    Args:
        values: (h, w) of any scale; with ``style.smooth`` already interpolated
            (``engine.explain.evidence.on_photo``), otherwise one value per cell.
            Not-a-number is clear.
        style: colours, opacity and limits.

    Returns:
        ARGB32_Premultiplied with the map's shape; squares are enlarged by a whole factor.
    """
    return argb_image(overlay_pixels(values if style.smooth else enlarged_cells(values), style))


def argb_image(pixels: ArgbArray) -> QImage:
    """(h, w) premultiplied 0xAARRGGBB as an image."""
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
    return image.copy()  # it owns its pixels; Qt promises nothing for a borrowed array
