"""How much images are alike to one that a filter names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from engine.api.values import FloatArray
from engine.library.columns import BoolArray, Columns, IntArray
from engine.library.errors import LibraryError
from engine.library.filters.meant import glob
from engine.library.filters.tree import FilterError, Node, SimilarTo, asked_similar
from engine.library.neighbours import SIMILAR_FROM
from engine.texts import fold

#: More images of one name than this are not compared with.
_MOST_NAMED = 100


class Comparing(Protocol):
    """Knows which images are alike; its calls may take a moment, and raise ``LibraryError``."""

    def similarities(self, asked: Sequence[int], image_ids: IntArray) -> FloatArray | None:
        """(N,) of images to the most alike of those asked for; NaN where it is not known.

        Args:
            asked: ids of images.
            image_ids: (N,) of those that are compared with them.

        Returns:
            ``None``: none of those asked for is known.
        """


class Likeness:
    """The answers to one filter after the other, over the same images.

    Args:
        columns: of the images.
        comparing: knows how much they are alike; ``None``: nobody does.
    """

    def __init__(self, columns: Columns, comparing: Comparing | None) -> None:
        self._columns = columns
        self._comparing = comparing
        self._found: dict[str, FloatArray] = {}

    def rows(self, node: SimilarTo) -> BoolArray:
        """(N,): those that are alike enough.

        Raises:
            FilterError: there is no such image, nothing is known of it, or the library fails.
        """
        least = SIMILAR_FROM if node.least is None else node.least
        found: BoolArray = self.values(node) >= np.float32(least)  # a NaN compares false
        return found

    def best(self, node: Node) -> FloatArray | None:
        """(N,): how much images are alike to what a filter asks for; ``None`` if it does not."""
        asked = asked_similar(node)
        if not asked:
            return None
        values: FloatArray = np.fmax.reduce([self.values(one) for one in asked])
        return values

    def values(self, node: SimilarTo) -> FloatArray:
        """(N,) cosines; NaN where it is not known.

        Raises:
            FilterError: there is no such image, nothing is known of it, or the library fails.
        """
        if node.pattern not in self._found:
            self._found[node.pattern] = self._compared(node)
        return self._found[node.pattern]

    def _compared(self, node: SimilarTo) -> FloatArray:
        if self._comparing is None:
            raise _error("Photos cannot be compared here, or not yet.", node)
        rows = self._named(node)
        if not rows:
            raise _error(f"There is no photo “{node.pattern}” here.", node)
        ids = self._columns.image_ids
        asked = [image_id for image_id in ids[rows].tolist() if image_id > 0]
        try:
            found = self._comparing.similarities(asked, ids)
        except LibraryError as error:
            raise _error(str(error), node) from error
        if found is None:
            raise _error(f"“{node.pattern}” is not known yet: tag it first.", node)
        found[rows] = 1.0
        return found

    def _named(self, node: SimilarTo) -> list[int]:
        columns, pattern = self._columns, node.pattern
        if "/" in pattern or os.sep in pattern:
            matches = glob(pattern, anywhere=False)
            paths = zip(columns.folder_of.tolist(), columns.names, strict=True)
            rows = [
                row
                for row, (folder, name) in enumerate(paths)
                if matches(fold(os.path.join(columns.folders[folder], name)))  # noqa: PTH118 - many
            ]
        else:
            matches = glob(pattern, anywhere=False)
            rows = [row for row, name in enumerate(columns.folded_names) if matches(name)]
        return rows[:_MOST_NAMED]


def _error(message: str, node: SimilarTo) -> FilterError:
    return FilterError(message, node.span.start, node.span.end)
