"""Whether maps point at the objects: the pointing game and the energy pointing game.

Boxes are (K, 4) arrays of left, top, right, bottom in pixels of the upright photo, where left and
top are the first pixel's edges and right and bottom the last one's: ``xmin − 1, ymin − 1, xmax,
ymax`` of VOC's one-based inclusive numbers, and ``x, y, x + w, y + h`` of COCO's.

The rules are those of TorchRay's benchmark (Fong, Patrick, Vedaldi 2019), after the game of
excitation backprop (Zhang et al. 2016):

- for each image and each category in it, the map is scaled to the photo, and its highest point is
  a hit if it lies less than 15 pixels from a box of the category;
- a pair whose boxes are all marked difficult is skipped; else all its boxes count;
- the result is the mean over categories of the share of hits, for all pairs and for the
  difficult ones: the boxes of the category cover less than a quarter of the photo, and at least
  one other category is in it.

The published lists of difficult pairs were made after that definition; they are not in here, so
a result may differ from one on the lists. On COCO, TorchRay plays with the outlines of the objects
and not with their boxes, which are easier to hit: compare VOC with published numbers, COCO not.

15 pixels of what? TorchRay's code measures in the photo's own pixels (``Frame.PHOTO``), although
its networks see the photo scaled to a shorter side of 224, the frame of the older literature
(``Frame.NETWORK``). The first is stricter for every larger photo; the published accuracy of the
centre baseline lies nearer to the second on the photos of VOC2007 val. Say which one a number is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import ConfigError
from engine.api.values import FloatArray

TOLERANCE = 15.0
NETWORK_SIDE = 224
DIFFICULT_AREA = 0.25

BoxArray = NDArray[np.floating]
Point = tuple[float, float]


class Frame(StrEnum):
    """In which pixels the tolerance is measured."""

    PHOTO = "photo"
    NETWORK = "shorter side 224"

    def tolerance(self, width: int, height: int) -> float:
        """15 pixels of this frame, in pixels of a photo of that size."""
        if self is Frame.PHOTO:
            return TOLERANCE
        return TOLERANCE * min(width, height) / NETWORK_SIDE


@dataclass(frozen=True, eq=False)
class Located:
    """Where one category is in one photo.

    Attributes:
        category: its index.
        boxes: (K, 4), pixels of the upright photo.
        width: of the upright photo, in pixels.
        height: of the upright photo, in pixels.
        all_marked_difficult: every box is marked difficult, so the pair is skipped.
        has_others: the photo has at least one more category.
    """

    category: int
    boxes: BoxArray
    width: int
    height: int
    all_marked_difficult: bool = False
    has_others: bool = False

    def __post_init__(self) -> None:
        if self.boxes.ndim != 2 or self.boxes.shape[1] != 4 or not len(self.boxes):
            raise ConfigError(f"Boxes are (K, 4) with K > 0, not {self.boxes.shape}.")
        if self.width < 1 or self.height < 1:
            raise ConfigError("A photo has at least one pixel.")

    @property
    def is_difficult(self) -> bool:
        """Whether the pair belongs to the difficult subset: small, and not alone.

        The areas of the boxes are added, as the definition says; where they overlap, twice.
        """
        sides = np.clip(self.boxes[:, 2:] - self.boxes[:, :2], 0.0, None)
        return self.has_others and bool(
            sides.prod(axis=1).sum() < DIFFICULT_AREA * self.width * self.height
        )


def highest_point(photo_map: FloatArray) -> Point:
    """The highest pixel (x, y) of a map laid over the photo; of equal ones the first in rows."""
    row, column = divmod(int(photo_map.argmax()), photo_map.shape[1])
    return float(column), float(row)


def is_hit(point: Point, boxes: BoxArray, tolerance: float) -> bool:
    """Whether a pixel (x, y) is in a box or less than ``tolerance`` pixels from a pixel of one."""
    x, y = point
    across = np.maximum(0.0, np.maximum(boxes[:, 0] - x, x - (boxes[:, 2] - 1)))
    down = np.maximum(0.0, np.maximum(boxes[:, 1] - y, y - (boxes[:, 3] - 1)))
    squared = across**2 + down**2
    return bool(((squared < tolerance**2) | (squared == 0.0)).any())


def box_mask(boxes: BoxArray, width: int, height: int) -> NDArray[np.bool_]:
    """(height, width); the pixels whose centre is in one of the boxes."""
    mask = np.zeros((height, width), dtype=np.bool_)
    for left, top, right, bottom in np.clip(np.ceil(boxes - 0.5), 0, None).astype(np.intp):
        mask[top:bottom, left:right] = True
    return mask


def energy_inside(photo_map: FloatArray, mask: NDArray[np.bool_]) -> float:
    """The share of a map's positive values that lies inside the boxes; 0 if it has none.

    Args:
        photo_map: (height, width), laid over the photo.
        mask: (height, width), from ``box_mask``.
    """
    positive = np.maximum(photo_map, 0.0)
    total = float(positive.sum(dtype=np.float64))
    return float(positive[mask].sum(dtype=np.float64)) / total if total > 0.0 else 0.0
