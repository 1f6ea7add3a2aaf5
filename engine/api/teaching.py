"""What teaching takes and tells: light, so that a window can use it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.texts import display_text

BoolArray = NDArray[np.bool_]
TeachStage = Literal["looking", "learning", "learning from all", "saving"]

#: Fewer positives than this are not a category yet.
FEWEST_POSITIVES = 3
#: One photo in so many is kept apart to judge by.
_HELD_OUT_PART = 4


@dataclass(frozen=True, eq=False)
class TeachRequest:
    """A model to start from, and what a person says of some photos.

    A category of the model that no photo says anything of stays exactly as it is.

    Attributes:
        source: name or file of the model to start from; ``None`` is the default model.
        name: of the new model, for people.
        file: where the new model goes; its folder must exist.
        categories: those of the model in its order, then new ones.
        paths: N photos.
        targets: (N, C) bool; true where the photo has the category.
        known: (N, C) bool; false where nobody has said anything. These do not count.
        cache: keeps the features of the photos; ``None`` for the system's folder.
    """

    source: str | None
    name: str
    file: Path
    categories: Categories
    paths: tuple[Path, ...]
    targets: BoolArray
    known: BoolArray
    cache: Path | None = None

    def __post_init__(self) -> None:
        shape = (len(self.paths), len(self.categories))
        if self.targets.shape != shape or self.known.shape != shape:
            raise ValueError(f"targets and known must be {shape}")

    @property
    def taught(self) -> tuple[int, ...]:
        """The categories that some photo says something of."""
        return tuple(int(column) for column in np.flatnonzero(self.known.any(axis=0)))

    def check(self, model_categories: Sequence[str]) -> None:
        """Refuse what cannot be learned.

        Raises:
            DataError: nothing is said of any photo, the categories are not those of the model
                followed by new ones, or a new one has too few photos.
        """
        if not self.taught:
            raise DataError("None of these photos has a label that you accepted or rejected.")
        if tuple(self.categories[: len(model_categories)]) != tuple(model_categories):
            raise DataError("The model has other categories by now. Start again.")
        for column in range(len(model_categories), len(self.categories)):
            marked = self.targets[:, column] & self.known[:, column]
            against = ~self.targets[:, column] & self.known[:, column]
            name = display_text(self.categories[column])
            if marked.sum() < FEWEST_POSITIVES:
                raise DataError(
                    f"{name}: a new label needs at least {FEWEST_POSITIVES} photos that show it; "
                    "ten or more are better."
                )
            if not against.any():
                raise DataError(f"{name}: a new label also needs photos that do not show it.")


@dataclass(frozen=True, slots=True)
class TeachProgress:
    """How far it is.

    Attributes:
        stage: looking at the photos, learning from most of them to see what it brings, learning
            from all, or saving the model.
        done: of ``total``.
        total: photos, or passes over them.
    """

    stage: TeachStage
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class TaughtCategory:
    """What one category was taught, and what came of it on photos kept apart.

    Attributes:
        name: of the category.
        positives: photos that were said to have it.
        negatives: photos that were said not to.
        judged: photos kept apart that something is said of.
        right_before: of those, how many the model got right before; ``None`` if it did not know
            the category.
        right_after: how many a model got right that learned from the others alone.
    """

    name: str
    positives: int
    negatives: int
    judged: int
    right_before: int | None
    right_after: int


@dataclass(frozen=True, slots=True)
class TeachReport:
    """The end: the new model is there.

    Attributes:
        file: of the model.
        name: of the model.
        categories: those that were taught.
        photos: that it learned from.
        seconds: that it took.
    """

    file: Path
    name: str
    categories: tuple[TaughtCategory, ...]
    photos: int
    seconds: float


def held_out_rows(paths: Sequence[Path]) -> BoolArray:
    """Which photos are kept apart: a fixed quarter, the same for a photo every time."""
    digests = (
        hashlib.sha256(path.name.encode(errors="surrogateescape")).digest() for path in paths
    )
    return np.array([digest[0] % _HELD_OUT_PART == 0 for digest in digests], dtype=np.bool_)
