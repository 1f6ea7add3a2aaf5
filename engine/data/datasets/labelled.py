"""Images with their true labels, whatever data set they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.data.datasets.category_mapping import match_categories
from engine.data.datasets.reading import listed

#: x, y, width and height in pixels of the picture as its file holds it; may reach beyond it.
Crop = tuple[float, float, float, float]

#: What a data set says of the entries that are ignored: their objects are all marked difficult
#: (VOC), nobody specified them (WIDER), or nothing but that nobody can tell.
IgnoredAs = Literal["", "difficult", "unspecified"]

# Two tables of so many bytes are the most that a data set may ask of a machine.
_MAX_TARGETS = 2_000_000_000

_MAP_NAMES = "A mapping file (old,new) can say which names mean the same."
_NAMELESS = (
    "Nothing names the data set's categories: write their names, one per line in the columns' "
    "order, into categories.txt beside its JSON file; score takes them from --categories FILE, too."
)


@dataclass(frozen=True, slots=True)
class ObjectBox:
    """Where an object is.

    Attributes:
        category: its index.
        box: left, top, right, bottom in pixels; 0, 0 is the picture's top left corner, and right
            and bottom lie just behind the last pixel.
        is_difficult: marked hard to recognise (VOC); usually left out of a measurement.
        is_crowd: stands for many objects (COCO).
    """

    category: int
    box: tuple[float, float, float, float]
    is_difficult: bool = False
    is_crowd: bool = False


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """One split of a data set.

    A sample is an image or, where there are crops, a part of one; then paths repeat.

    Attributes:
        name: for people, for example ``VOC2007 train``.
        categories: in the order of the columns.
        paths: N images.
        targets: (N, C) bool; true where the image has the category.
        ignored: (N, C) bool; true where nobody can say (every object is marked difficult).
        ids: one per sample, unique and stable, however the folder is moved: ``000005`` (VOC),
            ``391895`` (COCO), ``train/0--Parade/x.jpg#3`` (WIDER). Made from the paths if empty.
        crops: the part of its picture that each sample is; ``None`` for whole pictures.
        objects: the boxes of each image, where the data set has them.
        problems: what was left out or looks odd, one sentence each.
        unclear: (N,) bool; true where a label of the image is not understood or said to be unknown,
            so that it must never count as absent. ``None`` where all is known.
        rejected: (N, C) bool; true where the data set says that a person found the label wrong,
            not only that it is absent. ``None`` where it says nothing of the kind.
        ignored_as: what it says of the entries that are ignored.
    """

    name: str
    categories: Categories
    paths: tuple[Path, ...]
    targets: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    ids: tuple[str, ...] = ()
    crops: tuple[Crop | None, ...] | None = None
    objects: tuple[tuple[ObjectBox, ...], ...] | None = None
    problems: tuple[str, ...] = ()
    unclear: NDArray[np.bool_] | None = None
    rejected: NDArray[np.bool_] | None = None
    ignored_as: IgnoredAs = ""

    def __post_init__(self) -> None:
        if not self.ids:
            object.__setattr__(self, "ids", tuple(str(path) for path in self.paths))
        columns = {"ids": self.ids, "crops": self.crops, "objects": self.objects}
        for column, values in columns.items():
            if values is not None and len(values) != len(self.paths):
                raise ValueError(f"{len(values)} {column} for {len(self.paths)} samples.")

    def __len__(self) -> int:
        return len(self.paths)

    def subset(self, rows: Sequence[int] | NDArray[np.intp]) -> LabelledImages:
        """Some of the samples: ``rows`` (K,), counted from 0, in the order given."""
        places = [int(row) for row in rows]
        return replace(
            self,
            paths=tuple(self.paths[row] for row in places),
            targets=self.targets[places],
            ignored=self.ignored[places],
            ids=tuple(self.ids[row] for row in places),
            crops=None if self.crops is None else tuple(self.crops[row] for row in places),
            objects=None if self.objects is None else tuple(self.objects[row] for row in places),
            unclear=None if self.unclear is None else self.unclear[places],
            rejected=None if self.rejected is None else self.rejected[places],
        )

    def all_understood(self) -> LabelledImages:
        """Only the images of which every label is understood, where "ignored" may become "absent".

        Raises:
            DataError: there are none.
        """
        if self.unclear is None or not self.unclear.any():
            return self
        count = int(self.unclear.sum())
        sentence = f"Images with labels that nobody can tell, which are left out: {count}."
        if count == len(self):
            raise DataError(f"{self.name} has no usable images. {sentence}")
        kept = self.subset(np.flatnonzero(~self.unclear))
        return replace(kept, problems=(*self.problems, sentence))

    def spread(self, limit: int | None) -> LabelledImages:
        """At most ``limit`` of the samples, spread evenly and the same each time."""
        if limit is None or limit >= len(self):
            return self
        return self.subset(np.linspace(0, len(self) - 1, limit).round().astype(np.intp))

    def categories_without_positives(self) -> tuple[str, ...]:
        """The categories that no image has; no average precision can be said of them."""
        counts = self.targets.sum(axis=0)
        return tuple(name for i, name in enumerate(self.categories) if not counts[i])

    def for_categories(
        self, model_categories: Categories, mapping: Mapping[str, str] | None = None
    ) -> LabelledImages:
        """The labels in a model's words: the categories that both know, in the model's order.

        Categories that are merged count where any of them does. What only one side knows is left
        out, and said in ``problems``.

        Args:
            model_categories: of the model.
            mapping: this data set's names → the model's, before the names that are built in.

        Raises:
            DataError: they share none.
        """
        match = match_categories(self.categories, model_categories, mapping or {})
        if not match.names:
            raise DataError(
                f"{self.name} and the model share no category. The data set has "
                f"{listed(self.categories)}; the model has {listed(model_categories)}. "
                + (_NAMELESS if are_numbered(self.categories) else _MAP_NAMES)
            )
        targets = np.zeros((len(self.targets), len(match.names)), dtype=np.bool_)
        ignored = np.zeros_like(targets)
        for source, place in match.places.items():
            targets[:, place] |= self.targets[:, source]
            ignored[:, place] |= self.ignored[:, source]
        return replace(
            self,
            categories=Categories(match.names),
            targets=targets,
            ignored=ignored & ~targets,
            objects=self._mapped_objects(match.places),
            rejected=None,
            problems=(*self.problems, *match.problems),
        )

    def aligned(self, categories: Categories) -> LabelledImages:
        """The labels in the columns of ``categories``, such as those of the split to learn from.

        A category that this one does not have is absent, and unknown if there is anything here
        that nobody knows. What only this one has is left out, and said in ``problems``.
        """
        if tuple(categories) == tuple(self.categories):
            return self
        shared = [name for name in self.categories if name in categories]
        ours = [self.categories.index_of(name) for name in shared]
        theirs = [categories.index_of(name) for name in shared]
        tables = [empty_targets(len(self), len(categories)) for _ in range(3)]
        tables[1][:] = self.ignored.any()
        rejected = np.zeros_like(self.targets) if self.rejected is None else self.rejected
        for table, own in zip(tables, (self.targets, self.ignored, rejected), strict=True):
            table[:, theirs] = own[:, ours]
        left_out = [name for name in self.categories if name not in categories]
        sentence = f"Categories that are not learned, which are left out: {listed(left_out)}."
        return replace(
            self,
            categories=categories,
            targets=tables[0],
            ignored=tables[1],
            rejected=None if self.rejected is None else tables[2],
            objects=self._mapped_objects(dict(zip(ours, theirs, strict=True))),
            problems=(*self.problems, *([sentence] if left_out else ())),
        )

    def _mapped_objects(
        self, places: Mapping[int, int]
    ) -> tuple[tuple[ObjectBox, ...], ...] | None:
        if self.objects is None:
            return None
        return tuple(
            tuple(replace(o, category=places[o.category]) for o in row if o.category in places)
            for row in self.objects
        )


def numbered_categories(count: int) -> tuple[str, ...]:
    """Names for categories that nothing names: ``category 0``, ``category 1``, …."""
    return tuple(f"category {place}" for place in range(count))


def are_numbered(categories: Categories) -> bool:
    """Whether nothing named the categories, so that they are called by their numbers."""
    return tuple(categories) == numbered_categories(len(categories))


def empty_targets(num_images: int, num_categories: int) -> NDArray[np.bool_]:
    """(N, C) bool, all false.

    Raises:
        DataError: that would be too large to be meant.
    """
    if num_images * num_categories > _MAX_TARGETS:
        raise DataError(f"{num_images} images × {num_categories} categories are too many.")
    return np.zeros((num_images, num_categories), dtype=np.bool_)
