"""Rectangles in fractions of an image: where the photo lies in the square that a model sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.api.config import ResizeMode


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions: 0, 0 is the top left corner and 1, 1 the bottom right one.

    Attributes:
        left: where it begins, a fraction of the width.
        top: where it begins, a fraction of the height.
        right: where it ends, a fraction of the width.
        bottom: where it ends, a fraction of the height.
    """

    left: float
    top: float
    right: float
    bottom: float

    UNIT: ClassVar[Box]

    @property
    def width(self) -> float:
        """Horizontal extent, a fraction."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Vertical extent, a fraction."""
        return self.bottom - self.top

    def clipped(self) -> Box:
        """The part inside the image; corners may be given in any order, as when one is dragged."""
        left, right = sorted(min(max(x, 0.0), 1.0) for x in (self.left, self.right))
        top, bottom = sorted(min(max(y, 0.0), 1.0) for y in (self.top, self.bottom))
        return Box(left, top, right, bottom)

    def within(self, outer: Box) -> Box:
        """This box, a part of ``outer``, in the fractions in which that one is given."""
        return Box(
            outer.left + self.left * outer.width,
            outer.top + self.top * outer.height,
            outer.left + self.right * outer.width,
            outer.top + self.bottom * outer.height,
        )


Box.UNIT = Box(0.0, 0.0, 1.0, 1.0)


def fitted_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    """The size of an image scaled down to fit a square, never up and never to 0 pixels."""
    scale = min(1.0, max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def content_box(width: int, height: int, side: int, resize: ResizeMode) -> Box:
    """The part of the model's square input that a photo covers.

    Args:
        width: of the upright photo, in pixels.
        height: of the upright photo, in pixels.
        side: of the square input, in pixels.
        resize: ``squash`` covers all of it, ``letterbox`` a centred part.
    """
    if resize == "squash":
        return Box.UNIT
    scale = side / max(width, height)
    inner_w, inner_h = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (side - inner_w) // 2, (side - inner_h) // 2
    return Box(left / side, top / side, (left + inner_w) / side, (top + inner_h) / side)
