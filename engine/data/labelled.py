"""Images with their true labels, whatever data set they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.categories import Categories


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """One split of a data set.

    Attributes:
        name: for people, for example ``VOC2007 train``.
        categories: in the order of the columns.
        paths: N images.
        targets: (N, C) bool; true where the image has the category.
        ignored: (N, C) bool; true where nobody can say (every object is marked difficult).
    """

    name: str
    categories: Categories
    paths: tuple[Path, ...]
    targets: NDArray[np.bool_]
    ignored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.paths)
