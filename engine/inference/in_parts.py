"""A batch that does not fit the memory, in halves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import MemoryShortError
from engine.api.memory import is_memory_short
from engine.inference.backend import BatchScores

Pass = Callable[[NDArray[np.uint8]], BatchScores]


def run_in_parts(one_pass: Pass, pixels: NDArray[np.uint8]) -> BatchScores:
    """One pass, or, each time that memory runs out, two of half as many images.

    Args:
        one_pass: runs a network.
        pixels: (B, S, S, 3) uint8.

    Raises:
        MemoryShortError: it runs out with a single image.
    """
    try:
        return one_pass(pixels)
    except Exception as error:  # those of runtimes have no other class in common
        if not is_memory_short(error):
            raise
        if len(pixels) == 1:
            raise MemoryShortError from error
    # Out of the block: the error holds what the failed pass had in memory.
    parts = np.split(pixels, [len(pixels) // 2])
    found = [run_in_parts(one_pass, part) for part in parts]
    seen = [part.features for part in found if part.features is not None]
    return BatchScores(
        np.concatenate([part.logits for part in found]),
        np.concatenate([part.position_scores for part in found]),
        np.concatenate(seen) if seen else None,
    )
