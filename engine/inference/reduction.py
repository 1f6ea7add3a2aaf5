"""Features in few directions: small enough to keep of every photo, exact for heads within them.

A head's position scores are linear in the features. So if a head's weights lie in the span of a few
directions, its scores at every position, and with them its logit whatever its temperature, follow
from the features in these directions alone (docs/adr/0011).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace as dataclass_replace
from functools import cached_property
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.api.values import FloatArray
from engine.data.datasets.array_files import ARRAY_DAMAGE
from engine.inference.linear_heads import LinearHeads

HalfArray = NDArray[np.float16]

#: Beside those of the model's own heads; measured in docs/adr/0011.
DIRECTIONS = 236
#: The same where the heads have more than so many of their own: a file is to stay small.
_MANY, _FEWER = 236, 96
#: Images are cut into so many parts a side, and the greatest value of each channel is taken.
_PARTS = 3
#: Directions that the largest are chosen from, beside them, and how often all are multiplied.
_MORE, _TIMES = 64, 4
#: A head lies in the span if less than this part of its weights' length is outside.
_OUTSIDE = 1e-3
#: Of singular values, beside the largest: rounding of single precision.
_NOTHING = 1e-6


@dataclass(frozen=True, eq=False)
class Basis:
    """Some directions in the space of a backbone's features.

    Attributes:
        mean: (D,) float32, taken off the features first.
        scale: (D,) float32, that they are divided by then.
        directions: (D, r) float32, orthonormal.
        photos: how many they were made of.
    """

    mean: FloatArray
    scale: FloatArray
    directions: FloatArray
    photos: int = 0

    @classmethod
    def of(cls, heads: LinearHeads, features: Iterable[NDArray[np.floating]]) -> Self:
        """The directions of a model's heads, and those in which features vary most beside them.

        Of each image's parts, the greatest values count: what is small in a photo is what makes a
        label, and what fills it would take up all directions else.

        Args:
            heads: of the model.
            features: (D, h, w) of each of some images; read once.
        """
        mean, scale = heads.mean, heads.deviation
        peaks = [_peaks(one) for one in features]
        seen = (np.concatenate(peaks).astype(np.float64) - mean) / scale
        own = _span(_weights(heads))
        seen -= seen.mean(axis=0)
        seen -= (seen @ own) @ own.T
        beside = DIRECTIONS if own.shape[1] <= _MANY else _FEWER
        vectors = _largest(seen.T @ seen, min(beside, len(mean) - own.shape[1]))
        directions = np.linalg.qr(np.concatenate([own, vectors], axis=1))[0]
        return cls(mean, scale, directions.astype(np.float32), len(peaks))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """What ``data`` was.

        Raises:
            ValueError: it was never that, or is damaged.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                mean, scale, directions = (
                    arrays[name].astype(np.float32) for name in ("mean", "scale", "directions")
                )
                photos = int(arrays["photos"])
        except (*ARRAY_DAMAGE, TypeError, AttributeError) as error:
            raise ValueError("the directions are damaged") from error
        if not mean.shape == scale.shape == directions.shape[:1] or directions.ndim != 2:
            raise ValueError("the directions do not fit the features")
        return cls(mean, scale, directions, photos)

    @property
    def data(self) -> bytes:
        """For a file."""
        stream = io.BytesIO()
        np.savez(
            stream,
            mean=self.mean,
            scale=self.scale,
            directions=self.directions,
            photos=self.photos,
        )
        return stream.getvalue()

    @cached_property
    def id(self) -> str:
        """Another basis has another one."""
        digest = hashlib.sha256()
        for values in (self.mean, self.scale, self.directions):
            digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()[:16]

    def reduced(self, features: NDArray[np.floating]) -> FloatArray:
        """(N, D, h, w) features → (N, r, h, w) in these directions."""
        flat = features.reshape(*features.shape[:2], -1).astype(np.float32, copy=False)
        weight, offset = self._folded
        found: FloatArray = np.matmul(weight, flat) - offset
        return found.reshape(len(features), -1, *features.shape[2:])

    @cached_property
    def _folded(self) -> tuple[FloatArray, FloatArray]:
        """(r, D) and (r, 1): mean and scale in the directions, not in every feature."""
        weight = np.ascontiguousarray((self.directions / self.scale[:, None]).T)
        return weight, (weight @ self.mean)[:, None]

    def holds(self, heads: LinearHeads) -> bool:
        """Whether nothing of the heads lies outside of these directions."""
        mean, scale = heads.mean, heads.deviation
        if not (np.array_equal(mean, self.mean) and np.array_equal(scale, self.scale)):
            return False
        weights = _weights(heads)
        outside = weights - (weights @ self.directions) @ self.directions.T
        lengths = np.linalg.norm(weights, axis=1)
        return bool((np.linalg.norm(outside, axis=1) <= _OUTSIDE * lengths).all())

    def heads(self, heads: LinearHeads) -> LinearHeads:
        """The same heads for reduced features; exact if the basis ``holds`` them."""
        count = self.directions.shape[1]
        return LinearHeads(
            dataclass_replace(heads.config, standardize=False),
            heads.weight @ self.directions,
            heads.bias,
            np.zeros(count, dtype=np.float32),
            np.ones(count, dtype=np.float32),
        )


def _span(weights: FloatArray) -> NDArray[np.float64]:
    """(D, r): orthonormal directions of heads (H, D), no more than it takes.

    Of models whose categories have other parts, many heads are nothing, or one channel.
    """
    used = weights[np.linalg.norm(weights, axis=1) > 0].astype(np.float64)
    if not len(used):
        return np.zeros((weights.shape[1], 0))
    used /= np.linalg.norm(used, axis=1, keepdims=True)
    basis, sizes, _ = np.linalg.svd(used.T, full_matrices=False)
    found: NDArray[np.float64] = basis[:, sizes > _NOTHING * sizes[0]]
    return found


def _largest(matrix: NDArray[np.float64], count: int) -> NDArray[np.floating]:
    """(D, count): directions of the largest eigenvalues, or as good as these.

    By subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4): of the variance that
    the eigenvectors have, less than a thousandth is lost, in a third of the time.
    """
    size = len(matrix)
    if count + _MORE >= size:
        return np.linalg.eigh(matrix)[1][:, ::-1][:, :count]
    # Of the scale, only the range of single precision would notice.
    small = (matrix / (np.trace(matrix) or 1.0)).astype(np.float32)
    basis = np.random.default_rng(0).standard_normal((size, count + _MORE), dtype=np.float32)
    for _ in range(_TIMES):
        basis = np.linalg.qr(small @ basis)[0]
    inner = np.linalg.eigh(basis.T @ (small @ basis))[1]
    found: FloatArray = basis @ inner[:, ::-1][:, :count]
    return found


def _peaks(features: NDArray[np.floating]) -> FloatArray:
    """(D, h, w) → (M, D): the greatest values in an image, and in its parts."""
    height, width = features.shape[1:]
    # With channels last, whole rows are compared at once: four times as fast.
    places = np.ascontiguousarray(features.transpose(1, 2, 0), dtype=np.float32)
    rows = np.linspace(0, height, _PARTS + 1).round().astype(int)
    columns = np.linspace(0, width, _PARTS + 1).round().astype(int)
    parts = [places] + [
        places[top:bottom, left:right]
        for top, bottom in pairwise(rows.tolist())
        for left, right in pairwise(columns.tolist())
    ]
    return np.stack([part.max(axis=(0, 1)) for part in parts if part.size])


def _weights(heads: LinearHeads) -> FloatArray:
    weights: FloatArray = heads.weight.reshape(-1, heads.weight.shape[2])
    return weights
