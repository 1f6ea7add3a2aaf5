"""The maps behind a prediction: arithmetic on position scores, in NumPy alone.

With S the scores of one category in one head over N = h·w positions, T its temperature and λ the
weight of attention, the paper's residual attention (section 3, equations 2 to 5) is

    logit = Σ_heads [ mean(S) + λ · Σ_p softmax(T·S)_p · S_p ]

Every map here is (h, w) on the model's grid; ``on_photo`` lays it over the photo.
"""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engine.config import Activation
from engine.geometry import Box
from engine.values import FloatArray, PositionScores


class MapKind(StrEnum):
    """The kinds of map that one set of position scores holds."""

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
    """
    values = scores.values[:, category].astype(np.float64)
    flat = values.reshape(len(values), -1)
    maps = np.zeros_like(flat)
    for head, temperature in enumerate(scores.temperatures):
        if math.isinf(temperature):
            maps[head, flat[head].argmax()] = 1.0
        else:
            weights = np.exp(temperature * (flat[head] - flat[head].max()))
            maps[head] = weights / weights.sum()
    return maps.reshape(values.shape).astype(np.float32)


def evidence_map(scores: PositionScores, category: int) -> FloatArray:
    """What each position adds to the logit: (h, w), signed, and its sum is the logit."""
    values = scores.values[:, category].astype(np.float64)
    positions = values[0].size
    weights = 1.0 / positions + scores.lam * attention(scores, category).astype(np.float64)
    contributions: FloatArray = np.sum(values * weights, axis=0).astype(np.float32)
    return contributions


def score_map(scores: PositionScores, category: int) -> FloatArray:
    """The position scores of all heads added: (h, w), the classic class activation map."""
    total: FloatArray = scores.values[:, category].sum(axis=0, dtype=np.float64).astype(np.float32)
    return total


def local_probability(scores: PositionScores, category: int) -> FloatArray:
    """The score the whole image would get if every position looked like this one: (h, w).

    In [0, 1] and on one scale for all categories and images, so a threshold means the same in it
    as it does for the score.
    """
    if scores.activation == "sigmoid":
        return sigmoid((1.0 + scores.lam) * score_map(scores, category))
    local_logits = (1.0 + scores.lam) * scores.values.sum(axis=0, dtype=np.float64)
    by_position = activate(np.moveaxis(local_logits, 0, -1), scores.activation)
    return np.ascontiguousarray(by_position[..., category])


def map_of(scores: PositionScores, category: int, kind: MapKind) -> FloatArray:
    """The map of one kind; attention is the mean over heads, as a multiple of uniform."""
    match kind:
        case MapKind.LOCAL_PROBABILITY:
            return local_probability(scores, category)
        case MapKind.EVIDENCE:
            return evidence_map(scores, category)
        case MapKind.SCORE:
            return score_map(scores, category)
        case MapKind.ATTENTION:
            maps = attention(scores, category)
            relative: FloatArray = (maps.mean(axis=0) * maps[0].size).astype(np.float32)
            return relative


def logits(scores: PositionScores) -> FloatArray:
    """The logit of every category: (C,)."""
    return np.array(
        [evidence_map(scores, c).sum(dtype=np.float64) for c in range(scores.values.shape[1])],
        dtype=np.float32,
    )


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
    rows = _interpolation(grid_map.shape[0], height, content.top, content.bottom)
    columns = _interpolation(grid_map.shape[1], width, content.left, content.right)
    return (rows @ grid_map.astype(np.float32) @ columns.T).astype(np.float32)


def _interpolation(cells: int, length: int, start: float, stop: float) -> FloatArray:
    """The (length, cells) matrix of linear interpolation from cell centres to pixel centres."""
    at = (start + (np.arange(length) + 0.5) / length * (stop - start)) * cells - 0.5
    at = np.clip(at, 0.0, cells - 1)
    low = np.floor(at).astype(np.intp)
    high = np.minimum(low + 1, cells - 1)
    share = (at - low).astype(np.float32)
    matrix = np.zeros((length, cells), dtype=np.float32)
    pixels = np.arange(length)
    matrix[pixels, low] += 1.0 - share
    matrix[pixels, high] += share
    return matrix
