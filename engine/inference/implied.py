"""A backend whose logits say that who sees a child has seen its parents.

And that a detail, a breed for example, is possible only where its parent is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from engine.api.label_parents import NOTHING, CategoryParents
from engine.inference.backend import Backend, BackendAround, BatchScores


def implying(backend: Backend, parents: CategoryParents) -> Backend:
    """The backend with logits in which no parent is below its child; itself without parents.

    Position scores stay each category's own; ``engine.explain.following`` makes maps of them that
    agree with the score.
    """
    return _Implying(backend, parents) if parents else backend


class _Implying(BackendAround):
    def __init__(self, inner: Backend, parents: CategoryParents) -> None:
        super().__init__(inner)
        self._parents = parents

    @override
    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        found = super().run(pixels, features=features)
        return replace(found, logits=self._parents.implied(found.logits, NOTHING))
