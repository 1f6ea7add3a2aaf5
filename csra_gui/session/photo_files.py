"""The files of the open photos at one moment, for workers; a ``Path`` is made when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.library.columns import IntArray
from engine.library.values import ImageFile

UNKNOWN_SIZE = -1


@dataclass(frozen=True, eq=False)
class PhotoFiles:
    """Columns of the table that only grow, or change as a whole row.

    Attributes:
        names: of the files; the table's own list, so there may be more than N by now.
        folders: all folders; the table's own list too.
        folder_of: (N,) an index into ``folders``.
        sizes: (N,) bytes; ``UNKNOWN_SIZE`` where the file could not be looked at.
        mtimes_ns: (N,) since 1970.
        image_ids: (N,) int64 in the library, 0 for none.
        other_files: names of the other files of some photos, by row.
    """

    names: Sequence[str]
    folders: Sequence[str]
    folder_of: NDArray[np.int32]
    sizes: IntArray
    mtimes_ns: IntArray
    image_ids: IntArray
    other_files: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sizes)

    def path(self, row: int) -> Path:
        """Of one photo."""
        return Path(self.folders[self.folder_of[row]], self.names[row])

    def paths(self, rows: Sequence[int]) -> tuple[Path, ...]:
        """Of some photos; one by one, so only in workers."""
        return tuple(map(self.path, rows))

    def file(self, row: int) -> ImageFile | None:
        """A photo's file as it was last looked at; ``None`` if it never was."""
        size = int(self.sizes[row])
        if size == UNKNOWN_SIZE:
            return None
        return ImageFile(self.path(row), size, int(self.mtimes_ns[row]))
