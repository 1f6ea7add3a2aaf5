"""What is kept of a photo to compare it with others: its features, averaged, in 512 bytes.

The features are averaged over the photo, standardized as the model's heads do it, and projected on
directions that were drawn once and for all: angles between photos stay nearly as they are
(Johnson and Lindenstrauss), whatever photos there are, so nothing has to be learned or kept beside.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from engine.api.values import Descriptor, FloatArray
from engine.inference.backend import Backend, BackendAround, BatchScores
from engine.inference.linear_heads import channel_statistics
from engine.inference.weights import ModelWeights

#: Directions, and bytes of a photo; measured in docs/adr/0022.
LENGTH = 512
#: Goes up with every change of how descriptors are made: those of before cannot be compared.
_VERSION = 1
_TOP = 127


class Describer:
    """Makes the descriptors of one model.

    Args:
        weights: of the model; those that were taught from each other see the same in a photo.
        is_int8: whether its int8 network runs, which sees a little else.

    Attributes:
        kind: only descriptors of one kind can be compared.
    """

    def __init__(self, weights: ModelWeights, *, is_int8: bool = False) -> None:
        head = weights.record.config.head
        self._mean, self._deviation = channel_statistics(head, weights.tensors)
        digest = hashlib.sha256(f"{_VERSION} {LENGTH} {weights.backbone_digest}".encode())
        if is_int8:  # its id tells one int8 network from another
            digest.update(weights.id.encode())
        digest.update(np.ascontiguousarray(self._mean).data)
        digest.update(np.ascontiguousarray(self._deviation).data)
        self.kind = digest.hexdigest()[:24]

    @cached_property
    def _directions(self) -> FloatArray | None:
        """(D, LENGTH) of -1 and 1; ``None``: there are no more features than that."""
        size = len(self._mean)
        if size <= LENGTH:
            return None
        # Of a hash, since it is the same on every machine and in every version of NumPy.
        drawn = hashlib.shake_256(b"csra descriptors").digest(size * LENGTH // 8)
        bits = np.unpackbits(np.frombuffer(drawn, dtype=np.uint8))
        return (2.0 * bits - 1.0).astype(np.float32).reshape(size, LENGTH)

    def describe(self, features: NDArray[np.floating]) -> list[Descriptor | None]:
        """A descriptor of each image.

        Args:
            features: (B, D, h, w), as the backbone gives them.

        Returns:
            B of them; ``None`` where the features say nothing, or are no numbers.
        """
        flat = features.reshape(*features.shape[:2], -1).astype(np.float32, copy=False)
        # As a product, which takes a quarter of the time of ``mean``.
        pooled = flat @ np.full(flat.shape[2], 1 / flat.shape[2], dtype=np.float32)
        values = (pooled - self._mean) / self._deviation
        if self._directions is not None:
            values = values @ self._directions
        return [self._described(row) for row in values]

    def _described(self, row: FloatArray) -> Descriptor | None:
        top = np.abs(row).max(initial=0.0)
        if not np.isfinite(top) or top == 0.0:
            return None
        # Only the direction counts, so the unit need not be kept.
        return Descriptor(self.kind, np.rint(row * (_TOP / top)).astype(np.int8))


class DescribingBackend(BackendAround):
    """Another backend, of whose batches descriptors are made too.

    Args:
        inner: runs the model.
        describer: of that model.
    """

    def __init__(self, inner: Backend, describer: Describer) -> None:
        super().__init__(inner)
        self._describer = describer

    @override
    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        found = self.inner.run(pixels, features=True)
        if found.features is None:
            return found
        made = self._describer.describe(found.features)
        return replace(found, features=found.features if features else None, descriptors=made)
