"""The maps behind a prediction: arithmetic on position scores, in NumPy alone.

With S the scores of one category in one head over N = h·w positions, T its temperature and λ the
weight of attention, the paper's residual attention (section 3, equations 2 to 5) is

    logit = Σ_heads [ mean(S) + λ · Σ_p softmax(T·S)_p · S_p ]

Every map here is (h, w) on the model's grid; ``on_photo`` lays it over the photo.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.api.config import Activation, HeadConfig
from engine.api.geometry import Box
from engine.api.values import FloatArray, PositionScores

#: The share of contributions that a signed scale reaches over.
_WITHIN_LIMIT = 0.98
#: Position scores below this add nothing to a logit that anybody would see.
_LEAST_PART = 1e-4
_Number = TypeVar("_Number", bound=np.floating)


class MapKind(StrEnum):
    """The kinds of map that one set of position scores holds.

    LOCAL_PROBABILITY: the score of an image whose positions are all like this one.
    EVIDENCE: what each position adds to the logit.
    SCORE: the position scores of all heads added, the classic class activation map.
    ATTENTION: where the heads look, as a multiple of uniform.
    """

    LOCAL_PROBABILITY = "probability"
    EVIDENCE = "evidence"
    SCORE = "score"
    ATTENTION = "attention"


def sigmoid(logit: NDArray[np.floating]) -> FloatArray:
    """1 / (1 + e^−x) without overflow, float32."""
    return (0.5 * (1.0 + np.tanh(0.5 * np.asarray(logit, dtype=np.float64)))).astype(np.float32)


def activate(logits: NDArray[np.floating], activation: Activation) -> FloatArray:
    """Logits (…, C) → scores in [0, 1]: sigmoid of each, or softmax over the categories."""
    if activation == "sigmoid":
        return sigmoid(logits)
    shifted = np.asarray(logits, dtype=np.float64)
    powers = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    scores: FloatArray = (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)
    return scores


def attention(scores: PositionScores, category: int) -> FloatArray:
    """Where each head looks: (num_heads, h, w), each head's map sums to 1.

    It is not evidence: an absent category has attention that sums to 1 as well.

    Args:
        scores: of one image.
        category: its index in the model's order.
    """
    maps: FloatArray = _attention(scores, slice(category, category + 1))[:, 0].astype(np.float32)
    return maps


def heads_knowing(scores: PositionScores, category: int) -> tuple[int, ...]:
    """Places of the heads that have a part in a category; of a made-up model maybe none.

    A head made for other categories gives 0 everywhere, or what rounds to it. Its attention is
    then one of nothing, and no map of it says anything.
    """
    parts = _have_part(scores.values[:, category : category + 1]).any(axis=1)
    return tuple(np.flatnonzero(parts).tolist())


def mean_attention(scores: PositionScores, category: int) -> FloatArray:
    """Where the heads that know a category look, on average: (h, w), sums to 1."""
    maps = attention(scores, category)
    known = heads_knowing(scores, category)
    mean: FloatArray = (maps[list(known)] if known else maps).mean(axis=0, dtype=np.float32)
    return mean


def evidence_map(scores: PositionScores, category: int) -> FloatArray:
    """What each position adds to the logit: (h, w), signed, and its sum is the logit.

    Args:
        scores: of one image.
        category: its index in the model's order.
    """
    contributions: FloatArray = _evidence(scores, slice(category, category + 1))[0].astype(
        np.float32
    )
    return contributions


def evidence_maps(scores: PositionScores) -> FloatArray:
    """The evidence maps of all categories: (C, h, w)."""
    return _evidence(scores, slice(None)).astype(np.float32)


def score_map(scores: PositionScores, category: int) -> FloatArray:
    """The position scores of all heads added: (h, w), the classic class activation map.

    Args:
        scores: of one image.
        category: its index in the model's order.
    """
    total: FloatArray = scores.values[:, category].sum(axis=0, dtype=np.float64).astype(np.float32)
    return total


def local_probability(scores: PositionScores, category: int) -> FloatArray:
    """The score the whole image would get if every position looked like this one: (h, w).

    In [0, 1] and on one scale for all categories and images, so a threshold means the same in it
    as it does for the score.

    Args:
        scores: of one image.
        category: its index in the model's order.
    """
    if category in scores.silenced:
        return np.zeros(scores.values.shape[2:], dtype=np.float32)
    if scores.activation == "sigmoid":
        return sigmoid((1.0 + scores.lam) * score_map(scores, category))
    return np.ascontiguousarray(local_probabilities(scores)[category])


def local_probabilities(scores: PositionScores) -> FloatArray:
    """The local probability of all categories: (C, h, w)."""
    local_logits = (1.0 + scores.lam) * scores.values.sum(axis=0, dtype=np.float64)
    silence(local_logits, scores)
    if scores.activation == "sigmoid":
        return sigmoid(local_logits)
    return np.moveaxis(activate(np.moveaxis(local_logits, 0, -1), scores.activation), -1, 0)


def map_of(scores: PositionScores, category: int, kind: MapKind) -> FloatArray:
    """The map of one kind: (h, w); attention as a multiple of uniform, of heads that know it.

    Args:
        scores: of one image.
        category: its index in the model's order.
        kind: which map.
    """
    match kind:
        case MapKind.LOCAL_PROBABILITY:
            return local_probability(scores, category)
        case MapKind.EVIDENCE:
            return evidence_map(scores, category)
        case MapKind.SCORE:
            return score_map(scores, category)
        case MapKind.ATTENTION:
            mean = mean_attention(scores, category)
            relative: FloatArray = mean * np.float32(mean.size)
            return relative


def logits(scores: PositionScores) -> FloatArray:
    """The map of one kind: (h, w); attention as a multiple of uniform, of heads that know it.

    Args:
        scores: of one image.
        category: its index in the model's order.
        kind: which map.
    """
    total: FloatArray = _evidence(scores, slice(None)).sum(axis=(1, 2)).astype(np.float32)
    return silence(total, scores)


def silence(logits: NDArray[_Number], scores: PositionScores) -> NDArray[_Number]:
    """Set logits (C, …) of what nothing is left of to −∞, in place: 0 would mean 50 %."""
    if scores.silenced:
        logits[list(scores.silenced)] = -np.inf
    return logits


def evidence_limit(scores: PositionScores, categories: Sequence[int] | None = None) -> float:
    """The end of a signed scale, ± this, on which several evidence maps can be compared.

    A head with max pooling puts all its attention on one cell, which may have a hundred times the
    evidence of any other: a scale made for that cell would show nothing else. So the few largest
    contributions lie beyond the end and have its colour.

    Args:
        scores: of one image; take the largest limit to compare several.
        categories: those that are shown; ``None`` is all. Never one alone beside others: a
            category with hardly any evidence would be as bright as the strongest.

    Returns:
        In logits, above 0: all but 2 % of the contributions are smaller.
    """
    every = categories is None
    maps = evidence_maps(scores) if every else [evidence_map(scores, c) for c in categories or ()]
    sizes = np.abs(maps).ravel()
    if not sizes.any():
        return 1e-6
    return float(np.quantile(sizes, _WITHIN_LIMIT)) or float(sizes.max())


def with_head(
    scores: PositionScores,
    *,
    lam: float | None = None,
    temperatures: Sequence[float] | None = None,
    heads: Sequence[bool] | None = None,
) -> PositionScores:
    """The same features under another head: exact, since λ and T act after the position scores.

    The network is not run again. What heads add up to changes with their number; the model was
    trained for its own. A category that no head left knows is ``silenced``.

    Args:
        scores: of one image.
        lam: another λ, ≥ 0; ``None`` keeps it.
        temperatures: others, one per head of ``scores``, also of those that are off.
        heads: which heads count; at least one.

    Raises:
        ConfigError: λ or a temperature makes no sense, or no head is on.
        ValueError: there are more or fewer values than heads.
    """
    count = len(scores.values)
    on = np.ones(count, dtype=np.bool_) if heads is None else np.asarray(heads, dtype=np.bool_)
    chosen = scores.temperatures if temperatures is None else tuple(temperatures)
    if len(on) != count or len(chosen) != count:
        raise ValueError(f"{count} heads need as many temperatures and switches")
    head = HeadConfig(
        tuple(t for t, is_on in zip(chosen, on, strict=True) if is_on),
        scores.lam if lam is None else lam,
        activation=scores.activation,
    )
    changed = replace(scores, temperatures=head.temperatures, lam=head.lam)
    if on.all():
        return changed
    values = scores.values[on]
    lost = _have_part(scores.values).any(axis=0) & ~_have_part(values).any(axis=0)
    silenced = scores.silenced.union(np.flatnonzero(lost).tolist())
    return replace(changed, values=values, silenced=silenced)


def _have_part(values: FloatArray) -> NDArray[np.bool_]:
    """(num_heads, C): whether position scores (num_heads, C, h, w) are more than nothing."""
    found: NDArray[np.bool_] = np.abs(values).max(axis=(2, 3)) >= _LEAST_PART
    return found


def _attention(scores: PositionScores, categories: slice) -> NDArray[np.float64]:
    """(num_heads, categories, h, w)."""
    values = scores.values[:, categories].astype(np.float64)
    flat = values.reshape(*values.shape[:2], -1)
    maps = np.zeros_like(flat)
    for head, temperature in enumerate(scores.temperatures):
        highest = flat[head].max(axis=-1, keepdims=True)
        if math.isinf(temperature):
            np.put_along_axis(maps[head], flat[head].argmax(axis=-1)[:, None], 1.0, axis=-1)
        else:
            weights = np.exp(temperature * (flat[head] - highest))
            maps[head] = weights / weights.sum(axis=-1, keepdims=True)
    return maps.reshape(values.shape)


def _evidence(scores: PositionScores, categories: slice) -> NDArray[np.float64]:
    """(categories, h, w)."""
    values = scores.values[:, categories].astype(np.float64)
    weights = 1.0 / values[0, 0].size + scores.lam * _attention(scores, categories)
    contributions: NDArray[np.float64] = (values * weights).sum(axis=0)
    return contributions


def on_photo(grid_map: FloatArray, width: int, height: int, content: Box = Box.UNIT) -> FloatArray:
    """Lay a map over the photo: bilinear, padding cut off, no change of scale in the values.

    Args:
        grid_map: (h, w) on the model's grid.
        width: of the result in pixels; any, as long as its shape is the photo's.
        height: of the result in pixels.
        content: the part of the grid that the photo covers.

    Returns:
        (height, width) float32. Cell centres fall where ``align_corners=False`` puts them.
    """
    grid = grid_map.astype(np.float32, copy=False)
    # Not as products of matrices: so small, they cost more in waking the threads of a library for
    # linear algebra than in arithmetic, and much more on a busy machine.
    low, high, share = _between(grid.shape[0], height, content.top, content.bottom)
    tall = grid[low] + (grid[high] - grid[low]) * share[:, None]
    low, high, share = _between(grid.shape[1], width, content.left, content.right)
    left: FloatArray = np.take(tall, low, axis=1)
    rising: FloatArray = np.take(tall, high, axis=1) - left
    rising *= share
    rising += left
    return rising


def cells_on_photo(
    grid_map: FloatArray, width: int, height: int, content: Box = Box.UNIT
) -> FloatArray:
    """As ``on_photo``, with the value of the cell that each pixel's centre lies in."""
    rows = _nearest(grid_map.shape[0], height, content.top, content.bottom)
    columns = _nearest(grid_map.shape[1], width, content.left, content.right)
    return grid_map[rows[:, None], columns].astype(np.float32)


def _nearest(cells: int, length: int, start: float, stop: float) -> NDArray[np.intp]:
    at = (start + (np.arange(length) + 0.5) / length * (stop - start)) * cells
    return np.clip(np.floor(at), 0, cells - 1).astype(np.intp)


def _between(
    cells: int, length: int, start: float, stop: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
    """Between which two cell centres the centre of each pixel lies, and how far from the first."""
    at = (start + (np.arange(length) + 0.5) / length * (stop - start)) * cells - 0.5
    at = np.clip(at, 0.0, cells - 1)
    low = np.floor(at).astype(np.intp)
    return low, np.minimum(low + 1, cells - 1), (at - low).astype(np.float32)
