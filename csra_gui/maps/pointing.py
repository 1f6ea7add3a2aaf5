"""Whether a map points at the object: one round of the evaluation's pointing game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.api.categories import Categories
from engine.api.values import PositionScores, TrueBox
from engine.data.datasets.category_mapping import match_categories
from engine.explain.evidence import on_photo, score_map
from engine.metrics.localisation import TOLERANCE, highest_point, is_hit


@dataclass(frozen=True, slots=True)
class Pointing:
    """Where the score map of a label is highest, and whether that is at an object.

    Attributes:
        x: of the highest pixel's centre, a fraction of the photo.
        y: of it.
        is_hit: whether it is less than 15 pixels from a box of the category.
        is_skipped: every box is marked difficult, so the game is not played with this label.
    """

    x: float
    y: float
    is_hit: bool
    is_skipped: bool

    def text(self) -> str:
        """The outcome in a word or two."""
        if self.is_skipped:
            return "not counted: all difficult"
        return "hit" if self.is_hit else "miss"


def boxes_of(
    boxes: Sequence[TrueBox], categories: Categories, category: int
) -> tuple[TrueBox, ...]:
    """The boxes of one of a model's categories, also where the data set calls it otherwise."""
    theirs = Categories(tuple(dict.fromkeys(box.category for box in boxes)))
    match = match_categories(theirs, categories, {})
    wanted = {
        theirs[column]
        for column, place in match.places.items()
        if match.names[place] == categories[category]
    }
    return tuple(box for box in boxes if box.category in wanted)


def point(scores: PositionScores, category: int, boxes: Sequence[TrueBox]) -> Pointing:
    """Play the game with the score map, in pixels of the photo (``docs/EVALUATION.md``).

    Args:
        scores: of the photo.
        category: whose map.
        boxes: of that category, at least one.
    """
    width, height = scores.width, scores.height
    laid = on_photo(score_map(scores, category), width, height, scores.content)
    at = highest_point(laid)
    corners = np.array([box.box for box in boxes], dtype=np.float64)
    return Pointing(
        (at[0] + 0.5) / width,
        (at[1] + 0.5) / height,
        is_hit(at, corners, TOLERANCE),
        all(box.is_difficult for box in boxes),
    )
