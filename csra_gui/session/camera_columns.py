"""When and with what the open photos were taken, as far as their files were read; no Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from csra_gui.session.growing_array import GrowingArray
from engine.library.columns import NOT_TAKEN, BoolArray, IntArray


class CameraColumns:
    """Moments and cameras, by row.

    Attributes:
        names: of all cameras; the first is none.
    """

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ("",)
        self._places = {"": 0}
        self._taken_ns = GrowingArray(NOT_TAKEN, np.int64)
        self._camera_of = GrowingArray(0, np.int32)
        self._is_read = GrowingArray(False, np.bool_)

    def resize(self, rows: int) -> None:
        """Have so many rows; nobody has read a new one."""
        for column in (self._taken_ns, self._camera_of, self._is_read):
            column.resize(rows)

    def clear(self) -> None:
        """Forget everything."""
        self.names, self._places = ("",), {"": 0}
        for column in (self._taken_ns, self._camera_of, self._is_read):
            column.clear()

    @property
    def taken_ns(self) -> IntArray:
        """(N,): since 1970; ``NOT_TAKEN`` where no camera says it, or nobody has read it."""
        return self._taken_ns.values

    @property
    def camera_of(self) -> NDArray[np.int32]:
        """(N,): an index into ``names``."""
        return self._camera_of.values

    @property
    def is_read(self) -> BoolArray:
        """(N,): whose files were read; a view."""
        return self._is_read.values

    def take(
        self,
        rows: Sequence[int] | IntArray,
        taken_ns: Sequence[int] | IntArray,
        cameras: Sequence[str],
    ) -> None:
        """Note what the files of photos say.

        Args:
            rows: M photos.
            taken_ns: (M,).
            cameras: M names.
        """
        places = np.asarray(rows, dtype=np.int64)
        new = [name for name in dict.fromkeys(cameras) if name not in self._places]
        for name in new:
            self._places[name] = len(self._places)
        self.names = (*self.names, *new)
        self._taken_ns.values[places] = taken_ns
        self._camera_of.values[places] = [self._places[name] for name in cameras]
        self._is_read.values[places] = True

    def forget(self, rows: Sequence[int] | IntArray) -> None:
        """Their files are others now."""
        places = np.asarray(rows, dtype=np.int64)
        self._taken_ns.values[places] = NOT_TAKEN
        self._camera_of.values[places] = 0
        self._is_read.values[places] = False
