"""What a spot or a part of a photo says, in two lines of plain text."""

from __future__ import annotations

import numpy as np

from csra_gui.maps.display import number_text
from engine.api.categories import Categories
from engine.api.geometry import Box
from engine.api.values import FloatArray, Label, PositionScores
from engine.explain.evidence import MapKind, logits, with_head
from engine.explain.regions import PointValues, labels_at, region_labels, region_shares, values_at

_MOST = 3


def spot_labels(
    scores: PositionScores, categories: Categories, point: tuple[float, float], *, smooth: bool
) -> str:
    """The best labels of a spot, whatever the threshold is.

    Args:
        scores: of the photo.
        categories: of the model.
        point: x and y in fractions of the photo.
        smooth: whether the map that is shown is interpolated.
    """
    best = labels_at(scores, point, categories, 0.0, smooth=smooth)[:_MOST]
    return f"This spot looks like {_listed(best)}"


def spot_value(
    scores: PositionScores,
    category: int,
    point: tuple[float, float],
    *,
    kind: MapKind,
    head: int | None,
    smooth: bool,
) -> str:
    """The value of the map that is shown at a spot, and the spot's part in the logit.

    Args:
        scores: of the photo.
        category: whose map is shown.
        point: x and y in fractions of the photo.
        kind: of the map.
        head: whose attention is shown; ``None`` is the mean of all.
        smooth: whether it is interpolated.
    """
    values = values_at(scores, category, point, smooth=smooth)
    shown = _of_kind(values, kind)
    if kind is MapKind.ATTENTION and head is not None:
        heads = [place == head for place in range(len(scores.values))]
        only = with_head(scores, heads=heads)
        shown = values_at(only, category, point, smooth=smooth).attention
    total = float(logits(scores)[category])
    # Of a logit below 0 a part means nothing: what speaks for the label would count against it.
    part = f", {values.evidence / total * 100:.1f} % of its logit" if total > 0 else ""
    return f"{number_text(kind, shown)}{part} (cell {values.row + 1}, {values.column + 1})"


def region_lines(
    scores: PositionScores, categories: Categories, box: Box, listed: list[int]
) -> tuple[str, str]:
    """How much of each label comes from a part of the photo, and what that part says alone.

    Args:
        scores: of the photo.
        categories: of the model.
        box: in fractions of the photo.
        listed: the categories to tell of; ranked here by their share.
    """
    shares = region_shares(scores, box)
    alone = region_labels(scores, box, categories, 0.0)[:_MOST]
    return _shares(shares, categories, listed), f"On its own it looks like {_listed(alone)}"


def _shares(shares: FloatArray, categories: Categories, listed: list[int]) -> str:
    ranked = sorted(listed, key=lambda category: -shares[category])
    parts = [f"{shares[c] * 100:.0f} % of {categories[c]}" for c in ranked]
    verb = "comes" if len(parts) == 1 else "come"
    return f"{', '.join(parts)} {verb} from here"


def listed_categories(
    scores: FloatArray, thresholds: float | FloatArray, shown: int | None
) -> list[int]:
    """The labels of a photo and the category that is shown; the best guess if there are none."""
    found = [int(c) for c in np.flatnonzero(scores >= np.asarray(thresholds, dtype=np.float32))]
    if shown is not None and shown not in found:
        found.append(shown)
    return found or [int(scores.argmax())]


def _of_kind(values: PointValues, kind: MapKind) -> float:
    return {
        MapKind.LOCAL_PROBABILITY: values.probability,
        MapKind.EVIDENCE: values.evidence,
        MapKind.SCORE: values.score,
        MapKind.ATTENTION: values.attention,
    }[kind]


def _listed(labels: tuple[Label, ...]) -> str:
    return ", ".join(f"{label.category} {label.score * 100:.0f} %" for label in labels)
