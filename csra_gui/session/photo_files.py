"""The files of the open photos at one moment, for workers; a ``Path`` is made when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from engine.library.columns import IntArray
from engine.library.values import ImageFile

UNKNOWN_SIZE = -1


@dataclass(frozen=True, eq=False)
class PhotoFiles:
    """Columns of the table that only grow, or change as a whole row.

    Attributes:
        names: (N) of the files.
        folders: all folders.
        folder_of: (N,) an index into ``folders``.
        sizes: (N,) bytes; ``UNKNOWN_SIZE`` where the file could not be looked at.
        mtimes_ns: (N,) since 1970.
        image_ids: (N,) int64 in the library, 0 for none.
    """

    names: tuple[str, ...]
    folders: tuple[str, ...]
    folder_of: NDArray[np.int32]
    sizes: IntArray
    mtimes_ns: IntArray
    image_ids: IntArray

    def __len__(self) -> int:
        return len(self.names)

    def path(self, row: int) -> Path:
        """Of one photo."""
        return Path(self.folders[self.folder_of[row]], self.names[row])

    def file(self, row: int) -> ImageFile | None:
        """A photo's file as it was last looked at; ``None`` if it never was."""
        size = int(self.sizes[row])
        if size == UNKNOWN_SIZE:
            return None
        return ImageFile(self.path(row), size, int(self.mtimes_ns[row]))


class RowPaths(Sequence[Path]):
    """The paths of some photos, made when they are asked for.

    Args:
        files: of all photos.
        rows: which of them.
    """

    def __init__(self, files: PhotoFiles, rows: Sequence[int]) -> None:
        self._files = files
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> RowPaths: ...
    def __getitem__(self, index: int | slice) -> Path | RowPaths:
        """One path, or those of a slice."""
        if isinstance(index, slice):
            return RowPaths(self._files, self._rows[index])
        return self._files.path(self._rows[index])
