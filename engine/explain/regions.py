"""What parts of a photo say: arithmetic on position scores, in NumPy alone.

Rectangles and points are in fractions of the upright photo; padding of a letterboxed photo belongs
to none of them. A cell of the model's grid counts by the share of it that a rectangle covers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.api.geometry import Box
from engine.api.label_parents import NO_PARENTS, CategoryParents
from engine.api.values import (
    DEFAULT_THRESHOLD,
    FloatArray,
    Label,
    PositionScores,
    ranked_labels,
)
from engine.explain.evidence import (
    activate,
    evidence_map,
    evidence_maps,
    local_probabilities,
    mean_attention,
    score_map,
    silence,
)

#: Max pooling has no fractions: it looks at cells that a rectangle covers at least so much of.
_MAJORITY = 0.5


@dataclass(frozen=True, slots=True)
class PointValues:
    """What the maps of one category say at one point of a photo.

    Attributes:
        row: of the cell that the point lies in, from the top of the model's grid.
        column: of that cell, from the left.
        probability: local probability, 0 to 1.
        evidence: what a cell adds to the logit there.
        score: position scores of all heads, added.
        attention: mean over the heads that know it, as a multiple of uniform attention.
    """

    row: int
    column: int
    probability: float
    evidence: float
    score: float
    attention: float


def cell_shares(scores: PositionScores, box: Box) -> FloatArray:
    """The share of each cell that a rectangle of the photo covers: (h, w), 0 to 1."""
    rows, columns = scores.values.shape[2:]
    inside = box.clipped().within(scores.content)
    down = _overlap(rows, inside.top, inside.bottom)
    across = _overlap(columns, inside.left, inside.right)
    shares: FloatArray = np.outer(down, across).astype(np.float32)
    return shares


def region_shares(scores: PositionScores, box: Box) -> FloatArray:
    """The share of each category's positive evidence that lies in a rectangle: (C,), 0 to 1.

    "63 % of *dog* comes from here". The whole is the evidence on the whole grid, so the shares of
    tiles add up to 1 less what lies in padding. It says nothing of how much evidence there is:
    show it for labels that were given. A category without any positive evidence has 0.
    """
    positive = np.maximum(evidence_maps(scores), 0.0).astype(np.float64)
    inside = np.tensordot(positive, cell_shares(scores, box).astype(np.float64), axes=2)
    whole = positive.sum(axis=(1, 2))
    shares = np.divide(inside, whole, out=np.zeros_like(whole), where=whole > 0)
    known: FloatArray = shares.astype(np.float32)
    return known


def region_scores(scores: PositionScores, box: Box) -> FloatArray:
    """What the model's head would say if the photo were only this rectangle: (C,), 0 to 1.

    The head pools over the cells of the rectangle: the mean and the softmax attention weigh each
    cell by the share that is covered, and max pooling looks at cells covered by half or more (if
    there are none, at the one covered most). For the whole of a squashed photo these are its own
    scores. The network does not run again, so each cell still knows what surrounds it.

    Args:
        scores: of one image.
        box: in fractions of the photo; without an area it stands for the cell it lies in.
    """
    shares = _shares_or_cell(scores, box)
    values = scores.values.reshape(*scores.values.shape[:2], -1).astype(np.float64)
    weights = shares.reshape(-1).astype(np.float64)
    used = weights > 0
    values, weights = values[..., used], weights[used]
    base = (values * weights).sum(axis=-1) / weights.sum()
    attended = [
        _attended(head, weights, temperature)
        for head, temperature in zip(values, scores.temperatures, strict=True)
    ]
    logits = (base + scores.lam * np.stack(attended)).sum(axis=0)
    return activate(silence(logits, scores), scores.activation)


def region_labels(
    scores: PositionScores,
    box: Box,
    categories: Sequence[str],
    threshold: float | Sequence[float] = DEFAULT_THRESHOLD,
    *,
    parents: CategoryParents = NO_PARENTS,
) -> tuple[Label, ...]:
    """The labels of a rectangle by ``region_scores``, best first; 0 as threshold ranks all.

    Of ``parents``, those that follow from a label there are left out.
    """
    return _ranked(region_scores(scores, box), categories, threshold, parents)


def values_at(
    scores: PositionScores, category: int, point: tuple[float, float], *, smooth: bool = True
) -> PointValues:
    """What the maps of a category say at a point.

    Args:
        scores: of one image.
        category: its index in the model's order.
        point: x and y in fractions of the photo.
        smooth: interpolated as ``on_photo`` does; otherwise the values of the cell itself.
    """
    around = _around(scores, point, smooth=smooth)
    cell = _around(scores, point, smooth=False)
    looks = mean_attention(scores, category)
    return PointValues(
        row=cell.rows[0],
        column=cell.columns[0],
        probability=float(local_scores_at(scores, point, smooth=smooth)[category]),
        evidence=float(around.value(evidence_map(scores, category))),
        score=float(around.value(score_map(scores, category))),
        attention=float(around.value(looks)) * looks.size,
    )


def local_scores_at(
    scores: PositionScores, point: tuple[float, float], *, smooth: bool = True
) -> FloatArray:
    """The local probability of every category at a point: (C,); arguments as ``values_at``."""
    around = _around(scores, point, smooth=smooth)
    patch = scores.values[:, :, list(around.rows)][..., list(around.columns)]
    maps = local_probabilities(replace(scores, values=patch))
    local: FloatArray = (maps * around.weights).sum(axis=(1, 2), dtype=np.float32)
    return local


def labels_at(
    scores: PositionScores,
    point: tuple[float, float],
    categories: Sequence[str],
    threshold: float | Sequence[float] = DEFAULT_THRESHOLD,
    *,
    smooth: bool = True,
    parents: CategoryParents = NO_PARENTS,
) -> tuple[Label, ...]:
    """The labels of a spot by local probability, best first; arguments as ``values_at``.

    Of ``parents``, those that follow from a label there are left out.
    """
    local = local_scores_at(scores, point, smooth=smooth)
    return _ranked(local, categories, threshold, parents)


def _ranked(
    scores: FloatArray,
    categories: Sequence[str],
    threshold: float | Sequence[float],
    parents: CategoryParents,
) -> tuple[Label, ...]:
    known = parents.implied(scores)
    outdone = {categories[place] for place in parents.outdone(known)}
    labels = ranked_labels(known, categories, threshold)
    return tuple(label for label in labels if label.category not in outdone)


@dataclass(frozen=True, slots=True, eq=False)
class _Around:
    """Cells around a point and what each weighs: (rows, columns)."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    weights: FloatArray

    def value(self, grid: FloatArray) -> np.floating:
        patch: FloatArray = grid[np.ix_(self.rows, self.columns)]
        total: np.floating = (patch * self.weights).sum()
        return total


def _around(scores: PositionScores, point: tuple[float, float], *, smooth: bool) -> _Around:
    rows, columns = scores.values.shape[2:]
    content = scores.content
    x = content.left + min(max(point[0], 0.0), 1.0) * content.width
    y = content.top + min(max(point[1], 0.0), 1.0) * content.height
    down, vertical = _neighbours(y, rows, smooth=smooth)
    across, horizontal = _neighbours(x, columns, smooth=smooth)
    return _Around(down, across, np.outer(vertical, horizontal).astype(np.float32))


def _neighbours(
    at: float, cells: int, *, smooth: bool
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Cells along one axis and their weights, as ``on_photo`` interpolates."""
    if not smooth:
        return (min(int(at * cells), cells - 1),), (1.0,)
    place = min(max(at * cells - 0.5, 0.0), cells - 1.0)
    low = int(place)
    return (low, min(low + 1, cells - 1)), (1.0 - (place - low), place - low)


def _overlap(cells: int, start: float, stop: float) -> NDArray[np.float64]:
    """The share of each cell along one axis that lies between two fractions."""
    edges = np.arange(cells + 1, dtype=np.float64)
    low = np.maximum(edges[:-1], start * cells)
    high = np.minimum(edges[1:], stop * cells)
    shares: NDArray[np.float64] = np.clip(high - low, 0.0, 1.0)
    return shares


def _shares_or_cell(scores: PositionScores, box: Box) -> FloatArray:
    shares = cell_shares(scores, box)
    if not shares.any():
        inside = box.clipped()
        middle = (inside.left + inside.right) / 2, (inside.top + inside.bottom) / 2
        cell = _around(scores, middle, smooth=False)
        shares[cell.rows[0], cell.columns[0]] = 1.0
    return shares


def _attended(
    values: NDArray[np.float64], weights: NDArray[np.float64], temperature: float
) -> NDArray[np.float64]:
    """Attention pooling of one head over weighted cells: (C, n) → (C,)."""
    if math.isinf(temperature):
        enough = weights >= min(_MAJORITY, weights.max())
        highest: NDArray[np.float64] = values[:, enough].max(axis=-1)
        return highest
    powers = weights * np.exp(temperature * (values - values.max(axis=-1, keepdims=True)))
    pooled: NDArray[np.float64] = (values * powers).sum(axis=-1) / powers.sum(axis=-1)
    return pooled
