"""Pictures inside a page: as ``data:`` addresses, and as paths of an SVG."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.api.values import DEFAULT_THRESHOLD, FloatArray, PixelArray
from engine.metrics.curves import PrCurve
from engine.resources import resource_path

_JPEG_QUALITY = 82
_COLORMAP = "inferno"
_LEVELS = 256
_OPACITY_AT_THRESHOLD, _FULL_OPACITY = 0.25, 0.5
_CURVE_BUCKETS = 40


def jpeg(pixels: PixelArray, quality: int = _JPEG_QUALITY) -> str:
    """A photo as an address."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, optimize=True)
    return _data_url("image/jpeg", file.getvalue())


def map_png(values: FloatArray | None) -> str | None:
    """A local probability as an address of colours with an opacity of their own.

    Args:
        values: (h, w) in [0, 1]; below the threshold the picture is clear.

    Returns:
        ``None`` where there would be nothing to see.
    """
    if values is None or not (values >= DEFAULT_THRESHOLD).any():
        return None
    share = np.clip((values - DEFAULT_THRESHOLD) / (1.0 - DEFAULT_THRESHOLD), 0.0, 1.0)
    # 256 colours, so it is small: index 0 is clear, the others are values from the threshold on.
    index = np.where(values < DEFAULT_THRESHOLD, 0, 1 + np.rint(share * (_LEVELS - 2)))
    image = Image.fromarray(index.astype(np.uint8))
    image.putpalette(_colors().tobytes())
    opacity = np.linspace(_OPACITY_AT_THRESHOLD, _FULL_OPACITY, _LEVELS) * 255.0
    opacity[0] = 0.0
    file = io.BytesIO()
    image.save(file, "PNG", transparency=opacity.round().astype(np.uint8).tobytes(), optimize=True)
    return _data_url("image/png", file.getvalue())


def svg_line(curve: PrCurve, side: int) -> str:
    """Precision (upwards) against recall as the path of a line in a square."""
    thin = curve.thinned(_CURVE_BUCKETS)
    x, y = (thin.recall * side).tolist(), ((1.0 - thin.precision) * side).tolist()
    line = "".join(f"L{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
    return f"M0 {y[0]:.1f}{line}"


def _colors() -> NDArray[np.uint8]:
    """(256, 3); the scale of 0.5 to 1 is the upper half of the one of 0 to 1."""
    text = resource_path("colormaps", f"{_COLORMAP}.txt").read_text(encoding="ascii")
    table = np.array([list(bytes.fromhex(line)) for line in text.split()], dtype=np.uint8)
    upper: NDArray[np.uint8] = table[np.linspace(_LEVELS // 2, _LEVELS - 1, _LEVELS).astype(int)]
    return upper


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
