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
from engine.api.config import take_texts_as_paths
from engine.api.errors import DataError
from engine.api.validation import FEWEST_TO_VALIDATE, Comparison, can_validate
from engine.texts import display_text

BoolArray = NDArray[np.bool_]
TeachStage = Literal["looking", "learning", "learning from all", "saving"]

#: Fewer positives than this are not a category yet.
FEWEST_POSITIVES = 3
#: So many photos that show it make a new label work well.
ENOUGH_POSITIVES = 10
#: Photos are judged by what was learned without them, in so many turns.
FOLDS = 4


@dataclass(frozen=True, eq=False)
class TeachRequest:
    """A model to start from, and what is known of some photos.

    A category of the model that no photo says anything of stays exactly as it is, and so does one
    with too few photos to judge by.

    Attributes:
        source: name or file of the model to start from; ``None`` is the default model.
        name: of the new model, for people.
        file: where the new model goes; its folder must exist.
        categories: those of the model in its order, then new ones.
        paths: N photos.
        targets: (N, C) bool; true where the photo has the category.
        known: (N, C) bool; false where nothing is known. These do not count.
        drawn: (N, C) bool; of what is known, where the photo was drawn as one without the category,
            and nobody has said so; ``None`` for nowhere.
        learned: (N, C) bool; of what is known, what the model has learned from before, so that
            nothing can be judged by it; ``None`` for nothing.
        others: photos that nobody has said anything of; none of them is among the N.
        thresholds: from which score on each category is a label; ``None`` for one half.
        cache: keeps what photos look like to the model; ``None`` for the program's folder.
    """

    source: str | None
    name: str
    file: Path
    categories: Categories
    paths: tuple[Path, ...]
    targets: BoolArray
    known: BoolArray
    drawn: BoolArray | None = None
    learned: BoolArray | None = None
    others: tuple[Path, ...] = ()
    thresholds: tuple[float, ...] | None = None
    cache: Path | None = None

    def __post_init__(self) -> None:
        take_texts_as_paths(self, "file", "paths", "others")
        shape = (len(self.paths), len(self.categories))
        arrays = (self.targets, self.known, self.drawn, self.learned)
        if any(array is not None and array.shape != shape for array in arrays):
            raise ValueError(f"what is known must be {shape}")

    @property
    def taught(self) -> tuple[int, ...]:
        """The categories that something is known of."""
        return tuple(int(column) for column in np.flatnonzero(self.known.any(axis=0)))

    @property
    def fresh(self) -> BoolArray:
        """(N, C): what can be judged by, as the model has not learned from it."""
        return self.known if self.learned is None else self.known & ~self.learned

    def left(self, model_categories: Sequence[str]) -> tuple[int, ...]:
        """Of those, the ones in ``model_categories`` that stay: there is too little to judge by."""
        old = [column for column in self.taught if column < len(model_categories)]
        return tuple(column for column in old if not can_validate(*self.judged_by(column)))

    def judged_by(self, column: int) -> tuple[int, int]:
        """By how many photos with and without it the category ``column`` can be judged."""
        fresh, targets = self.fresh[:, column], self.targets[:, column]
        return int((fresh & targets).sum()), int((fresh & ~targets).sum())

    def check(self, model_categories: Sequence[str]) -> None:
        """Refuse what cannot be learned by a model with ``model_categories``.

        Raises:
            DataError: too little is known, the categories are not those of the model followed by
                new ones, or a new one has too few photos.
        """
        if not self.taught:
            raise DataError("None of these photos has a label that you accepted or rejected.")
        if tuple(self.categories[: len(model_categories)]) != tuple(model_categories):
            raise DataError("The model has other categories by now. Start again.")
        for column in range(len(model_categories), len(self.categories)):
            self._check_new(column)
        if self.left(model_categories) == self.taught:
            best = max(self.taught, key=lambda column: min(self.judged_by(column)))
            yes, no = self.judged_by(best)
            raise DataError(
                "No label has enough to learn from yet. A label needs at least "
                f"{FEWEST_TO_VALIDATE} photos that you said yes on and {FEWEST_TO_VALIDATE} that "
                "you said no on since the model last learned, else nobody can tell whether it gets "
                f"better. The nearest is {display_text(self.categories[best])}, with {yes} yes "
                f"and {no} no."
            )

    def _check_new(self, column: int) -> None:
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
class Hits:
    """On photos that the model had not learned from: right and wrong labels.

    Attributes:
        found: photos with the category that got the label.
        wrong: photos without it that got the label.
    """

    found: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Spread:
    """What becomes of photos that nobody has said anything of.

    Attributes:
        looked_at: of these photos so many were looked at.
        gained: those that would get the label and did not have it, the surest first.
        lost: how many would lose it.
    """

    looked_at: int = 0
    gained: tuple[Path, ...] = ()
    lost: int = 0


@dataclass(frozen=True, slots=True)
class TaughtCategory:
    """What one category was taught, and what came of it.

    Attributes:
        name: of the category.
        positives: photos that were said to have it.
        negatives: photos that were said not to.
        drawn: photos that were taken as without it, as nobody has said anything of them.
        judged_positives: of the first, those that it could be judged by.
        judged_negatives: of all without it, those that it could be judged by.
        before: by these, the model that learning started from; ``None`` if it did not know the
            category.
        after: by these, models that learned without them; ``None`` if the category was left as it
            was, as there were too few.
        comparison: what both say.
        spread: of the new model.
    """

    name: str
    positives: int
    negatives: int
    drawn: int
    judged_positives: int
    judged_negatives: int
    before: Hits | None
    after: Hits | None
    comparison: Comparison = Comparison.OPEN
    spread: Spread = Spread()

    @property
    def is_judged(self) -> bool:
        """Whether there were enough photos to judge by."""
        return can_validate(self.judged_positives, self.judged_negatives)


@dataclass(frozen=True, slots=True)
class TeachReport:
    """The end: the new model is there.

    Attributes:
        file: of the model.
        name: of the model.
        categories: those that something was known of.
        photos: that it learned from.
        others: photos that nobody has said anything of.
        seconds: that it took.
    """

    file: Path
    name: str
    categories: tuple[TaughtCategory, ...]
    photos: int
    others: int
    seconds: float


def folds(paths: Sequence[Path], targets: BoolArray) -> NDArray[np.int64]:
    """(N,): in which turn each photo is judged; those with the same categories are dealt out.

    Args:
        paths: N photos; only their names count.
        targets: (N, K) which have which of the categories.
    """
    digests = [
        hashlib.sha256(path.name.encode(errors="surrogateescape")).digest() for path in paths
    ]
    order = sorted(range(len(paths)), key=lambda place: (targets[place].tobytes(), digests[place]))
    found = np.empty(len(paths), dtype=np.int64)
    found[order] = np.arange(len(paths)) % FOLDS
    return found
