"""Position embeddings of vision transformers, for another size of image."""

from __future__ import annotations

import math
from typing import cast

from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor


def grid_side(positions: Tensor) -> int | None:
    """How many patches lie along each side; ``None`` if they make no square.

    Args:
        positions: (1, 1 + side², D), the class token's first.
    """
    if positions.ndim != 3 or positions.shape[1] < 2:
        return None
    side = math.isqrt(positions.shape[1] - 1)
    return side if side * side == positions.shape[1] - 1 else None


def resample_positions(positions: Tensor, side: int) -> Tensor:
    """Interpolate embeddings to a grid of side × side patches; the class token's stays.

    Args:
        positions: (1, 1 + n², D).
        side: patches along each side of the new grid.

    Returns:
        (1, 1 + side², D).
    """
    if grid_side(positions) == side:
        return positions
    return cast(Tensor, resample_abs_pos_embed(positions, [side, side], num_prefix_tokens=1))
