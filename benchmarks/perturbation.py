"""Whether a map names the places that matter: hide them, or show them alone, and ask the model.

Deletion and insertion after Petsiuk, Das and Saenko (RISE, 2018), on the cells of the model's grid:
cells are hidden, or shown on a photo that is hidden whole, from the highest on. A good map
makes the score fall fast in deletion and rise fast in insertion. Both depend on what hidden places
look like, so numbers are comparable only with the same baseline and the same grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.api.values import FloatArray, PixelArray

#: Cells from the highest of a map on, as indices into the flattened grid.
Ranking = NDArray[np.intp]


def ranking(grid_map: FloatArray) -> Ranking:
    """The cells of a map (h, w) from the highest on; of equal ones the first in rows."""
    order: Ranking = np.argsort(-grid_map.ravel(), kind="stable")
    return order


def step_shares(steps: int) -> NDArray[np.float64]:
    """The shares of the cells at which a curve is measured: (steps + 1,), from 0 to 1."""
    return np.linspace(0.0, 1.0, steps + 1)


def with_first_cells(
    below: PixelArray,
    above: PixelArray,
    order: Ranking,
    share: float,
    grid: tuple[int, int],
) -> PixelArray:
    """A picture whose first cells come from another one.

    For deletion ``below`` is the photo and ``above`` the baseline; for insertion the other way.

    Args:
        below: (H, W, 3).
        above: (H, W, 3), replaces it in the first cells.
        order: of the cells.
        share: of the cells that are replaced, 0 to 1, rounded to whole cells.
        grid: rows and columns; each pixel belongs to the cell that its centre lies in.
    """
    rows, columns = grid
    chosen = np.zeros(rows * columns, dtype=np.bool_)
    chosen[order[: round(share * len(order))]] = True
    height, width = below.shape[:2]
    down = ((np.arange(height) + 0.5) * rows / height).astype(np.intp)
    across = ((np.arange(width) + 0.5) * columns / width).astype(np.intp)
    mask = chosen.reshape(grid)[down[:, None], across]
    mixed: PixelArray = np.where(mask[..., None], above, below)
    return mixed


def area_under(scores: NDArray[np.floating]) -> float:
    """The mean height of a curve (steps + 1,) at equal distances, by the trapezoidal rule."""
    return float((scores[:-1] + scores[1:]).mean() / 2.0)


def rank_correlation(a: FloatArray, b: FloatArray) -> float:
    """Spearman's correlation of two maps of one shape, −1 to 1; NaN if one has a single value."""
    first, second = (_ranks(values.ravel()) for values in (a, b))
    spread = first.std() * second.std()
    if spread == 0.0:
        return float("nan")
    return float(((first - first.mean()) * (second - second.mean())).mean() / spread)


def _ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ranks from 0; equal values share their mean rank."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts) - 1
    mean_rank = last - (counts - 1) / 2.0
    ranks: NDArray[np.float64] = mean_rank[group].astype(np.float64)
    return ranks
