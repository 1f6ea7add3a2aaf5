"""A label given to, taken from or exchanged on many photos: what that would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from engine.library.columns import BoolArray, IntArray
from engine.library.filters.evaluation import LibraryView
from engine.library.values import Verdict

MAX_SAMPLES = 12


class BulkKind(StrEnum):
    """What is done."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class BulkEdit:
    """A wish; ``replacement`` counts for ``REPLACE`` only."""

    kind: BulkKind
    label: str
    replacement: str = ""

    @property
    def caption(self) -> str:
        """For the Undo menu."""
        if self.kind is BulkKind.ADD:
            return f"Add “{self.label}” to many"
        if self.kind is BulkKind.REMOVE:
            return f"Remove “{self.label}” from many"
        return f"Replace “{self.label}” by “{self.replacement}”"

    def verdicts(self, known: Sequence[str]) -> Mapping[str, Verdict | None]:
        """What is said of each photo that changes.

        Args:
            known: categories of the model. A label that only the person gave is taken back; of
                one that the model may find again it is said that it is wrong.
        """
        gone = Verdict.REJECTED if self.label in known else None
        if self.kind is BulkKind.ADD:
            return {self.label: Verdict.ADDED}
        if self.kind is BulkKind.REMOVE:
            return {self.label: gone}
        return {self.label: gone, self.replacement: Verdict.ADDED}


@dataclass(frozen=True, slots=True)
class BulkPreview:
    """What would change.

    Attributes:
        rows: of the photos that change, in the order given.
        unchanged: how many do not.
    """

    rows: tuple[int, ...]
    unchanged: int


def preview(view: LibraryView, rows: IntArray, edit: BulkEdit) -> BulkPreview:
    """Which of these photos an edit changes.

    Args:
        view: of the whole table.
        rows: of the photos in question.
        edit: wanted.
    """
    has = _has(view, edit.label)[rows]
    changes = ~has if edit.kind is BulkKind.ADD else has
    return BulkPreview(tuple(rows[changes].tolist()), int(np.count_nonzero(~changes)))


def _has(view: LibraryView, label: str) -> BoolArray:
    names = list(view.columns.categories)
    if label not in names:
        return np.zeros(len(view.columns), dtype=bool)
    return view.labels[:, names.index(label)]
