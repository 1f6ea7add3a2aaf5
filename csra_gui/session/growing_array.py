"""A column of a table that grows without being copied each time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_FIRST_CHUNK = 1024


class GrowingArray:
    """Rows of one kind of number; room is made by doubling.

    Room that is not used yet is left as it is: filling it would take time and memory for as many
    rows as there are.

    Args:
        fill: what a new row holds.
        dtype: of the numbers.
        width: numbers in a row; ``None`` for one without a second axis.
    """

    def __init__(self, fill: float, dtype: DTypeLike, width: int | None = None) -> None:
        self._fill = fill
        self._shape: tuple[int, ...] = () if width is None else (width,)
        self._room: NDArray[Any] = np.full((0, *self._shape), fill, dtype=dtype)
        self._rows = 0

    @property
    def values(self) -> NDArray[Any]:
        """The rows there are, as a view; it may be written to."""
        return self._room[: self._rows]

    @property
    def nbytes(self) -> int:
        """Memory in use."""
        return self._room.nbytes

    def resize(self, rows: int) -> None:
        """Have so many rows; further ones hold the filling."""
        have = len(self._room)
        if rows > have:
            shape = (max(rows, 2 * have, _FIRST_CHUNK), *self._shape)
            room = np.empty(shape, dtype=self._room.dtype)
            room[: self._rows] = self.values
            self._room = room
        self._room[self._rows : rows] = self._fill
        self._rows = rows

    def clear(self) -> None:
        """Forget every row and give the memory back."""
        self._room = self._room[:0].copy()
        self._rows = 0
