"""The worst errors to look at: photo, map and boxes, all inside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.api.geometry import Box
from engine.api.values import DEFAULT_THRESHOLD, FloatArray, PixelArray
from engine.report.markup import Html, element, from_data, joined, note, section
from engine.report.worst_errors import ErrorExample
from engine.resources import resource_path

_JPEG_QUALITY = 82
_COLORMAP = "inferno"
_LEVELS = 256
_OPACITY_AT_THRESHOLD, _FULL_OPACITY = 0.35, 0.75


def gallery_section(examples: Sequence[ErrorExample]) -> Html | None:
    """All examples, wrong labels first; ``None`` if there are none."""
    if not examples:
        return None
    wrong = [example for example in examples if example.is_false_positive]
    missed = [example for example in examples if not example.is_false_positive]
    return section(
        "errors",
        "The errors the model was surest of",
        note(
            "The worst of each category before the second worst of any. The colours are the local "
            "probability: the score the whole photo would get if it looked everywhere as it does "
            "there, from 0.5 on (dark) to 1 (light); below 0.5 the photo is untouched. "
            "White frames are the boxes of the category in the data set. "
            "Point at a photo to see it without the map. Some of these are errors of the labels."
        ),
        _group("Given, but not in the labels", wrong),
        _group("In the labels, but not given", missed),
    )


def _group(title: str, examples: Sequence[ErrorExample]) -> Html | None:
    if not examples:
        return None
    shown = joined(_example(example) for example in examples)
    return joined([element("h3", title), element("div", shown, class_="gallery")])


def _example(example: ErrorExample) -> Html:
    height, width = example.photo.shape[:2]
    alternative = f"{example.category}, sample {from_data(example.id)}"
    photo = element("img", src=_jpeg(example.photo), alt=alternative, width=width, height=height)
    shown = element(
        "div",
        photo,
        _map(example.overlay),
        *(_frame(box) for box in example.boxes),
        class_="shot",
        tabindex="0",
    )
    caption = element(
        "figcaption",
        element("strong", example.category),
        element("span", f"{example.score:.3f}", class_="value"),
        element("small", from_data(example.id), class_="id"),
        element("small", _highest(example), class_="id"),
    )
    return element("figure", shown, caption, style=f"--shape:{width / height:.4f}")


def _highest(example: ErrorExample) -> str | None:
    if example.overlay is None:
        return None
    highest = float(example.overlay.max())
    if highest >= DEFAULT_THRESHOLD:
        return None
    return f"no place reaches 0.5; the highest is {highest:.2f}"


def _map(overlay: FloatArray | None) -> Html | None:
    if overlay is None or not (overlay >= DEFAULT_THRESHOLD).any():
        return None
    return element("img", src=_map_png(overlay), alt="", class_="map")


def _frame(box: Box) -> Html:
    sides = {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
    style = ";".join(f"{side}:{100 * value:.2f}%" for side, value in sides.items())
    return element("span", class_="box", style=style)


def _jpeg(pixels: PixelArray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return _data_url("image/jpeg", file.getvalue())


def _map_png(values: FloatArray) -> str:
    """Colours with an opacity of their own, 0 below the threshold: 256 of them, so it is small."""
    share = np.clip((values - DEFAULT_THRESHOLD) / (1.0 - DEFAULT_THRESHOLD), 0.0, 1.0)
    # Index 0 is clear, the others are the values from the threshold on.
    index = np.where(values < DEFAULT_THRESHOLD, 0, 1 + np.rint(share * (_LEVELS - 2)))
    image = Image.fromarray(index.astype(np.uint8))
    image.putpalette(_colors().tobytes())
    opacity = np.linspace(_OPACITY_AT_THRESHOLD, _FULL_OPACITY, _LEVELS) * 255.0
    opacity[0] = 0.0
    file = io.BytesIO()
    image.save(file, "PNG", transparency=opacity.round().astype(np.uint8).tobytes(), optimize=True)
    return _data_url("image/png", file.getvalue())


def _colors() -> NDArray[np.uint8]:
    """(256, 3); the scale of 0.5 to 1 is the upper half of the one of 0 to 1."""
    text = resource_path("colormaps", f"{_COLORMAP}.txt").read_text(encoding="ascii")
    table = np.array([list(bytes.fromhex(line)) for line in text.split()], dtype=np.uint8)
    upper: NDArray[np.uint8] = table[np.linspace(_LEVELS // 2, _LEVELS - 1, _LEVELS).astype(int)]
    return upper


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
