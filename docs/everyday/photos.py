"""The photos that the model "Everyday" is made and measured with, and what is known of each.

Three sources: VOC2007 (20 categories, all boxes drawn), COCO 2017 (80 categories, all boxes
drawn) and photos of food whose labels were set by eye for this program (``food_labels.csv``). Of
categories that none of them has, the best-scored photos were looked at by eye (``judged.csv``).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api.vocabulary import Vocabulary
from engine.data.datasets.registry import load_dataset

HERE = Path(__file__).resolve().parent
FOOD_LABELS, JUDGED = HERE / "food_labels.csv", HERE / "judged.csv"
UNKNOWN, ABSENT, PRESENT = -1, 0, 1
#: What follows from its kinds, in the sources that name nearly all of them.
_FOLLOWS = {
    "animal": ("voc", "coco", "food"),
    "vehicle": ("voc", "coco", "food"),
    "food": ("coco", "food"),
    "tableware": ("coco", "food"),
    "cutlery": ("coco", "food"),
}


@dataclass(frozen=True)
class Photo:
    """One photo.

    Attributes:
        path: of its file.
        source: "voc", "coco" or "food".
        split: of its data set.
        id: within its source.
        present: names of what it has.
        unsure: names that do not count either way.
        asked: names of which it is known whether it has them.
    """

    path: Path
    source: str
    split: str
    id: str
    present: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    asked: frozenset[str] = field(default=frozenset(), repr=False)


def read_photos(
    vocabulary: Vocabulary, voc: Path, coco: Path, food: Path
) -> tuple[list[Photo], list[str]]:
    """All photos, and COCO's 80 names in the order of the detector's outputs.

    Args:
        vocabulary: names of data sets become those of its categories.
        voc: a VOCdevkit.
        coco: a folder with ``annotations``.
        food: a folder with ``images``.
    """
    photos: list[Photo] = []
    coco_names: list[str] = []
    for source, kind, root, splits in (
        ("voc", "voc2007", voc, ("train", "val")),
        ("coco", "coco2017", coco, ("val", "train")),
    ):
        for split in splits:
            data = load_dataset(kind, root, split)
            names = [vocabulary.category(name).name for name in data.categories]
            if source == "coco":
                coco_names = names
            for row, path in enumerate(data.paths):
                photos.append(
                    Photo(
                        path,
                        source,
                        split,
                        str(data.ids[row]),
                        frozenset(names[c] for c in np.flatnonzero(data.targets[row])),
                        frozenset(names[c] for c in np.flatnonzero(data.ignored[row])),
                        frozenset(names),
                    )
                )
    photos += _food_photos(vocabulary, food / "images")
    return [_with_kinds(vocabulary, photo) for photo in photos], coco_names


def _with_kinds(vocabulary: Vocabulary, photo: Photo) -> Photo:
    """What has a dog has an animal."""
    for name, sources in _FOLLOWS.items():
        if photo.source not in sources:
            continue
        kinds = frozenset(vocabulary.descendants(name))
        photo = replace(
            photo,
            present=photo.present | ({name} if photo.present & kinds else set()),
            unsure=photo.unsure | ({name} if photo.unsure & kinds else set()),
            asked=photo.asked | {name},
        )
    return photo


def _food_photos(vocabulary: Vocabulary, folder: Path) -> Iterable[Photo]:
    with FOOD_LABELS.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))

    def named(text: str) -> frozenset[str]:
        found = (vocabulary.find(name) for name in text.split(";") if name)
        return frozenset(category.name for category in found if category is not None)

    asked = frozenset().union(*(named(row["labels"]) for row in rows))
    for row in rows:
        present, unsure = named(row["labels"]), named(row["unsure"])
        yield Photo(
            folder / row["file"], "food", "all", row["file"], present, unsure - present, asked
        )


def truth(photos: Sequence[Photo], names: Sequence[str]) -> NDArray[np.int8]:
    """(N, C): ``PRESENT``, ``ABSENT`` or ``UNKNOWN``."""
    found = np.full((len(photos), len(names)), UNKNOWN, dtype=np.int8)
    place = {name: column for column, name in enumerate(names)}
    for row, photo in enumerate(photos):
        for kind, value in (
            (photo.asked, ABSENT),
            (photo.unsure, UNKNOWN),
            (photo.present, PRESENT),
        ):
            columns = [place[name] for name in kind if name in place]
            found[row, columns] = value
    return found


@dataclass(frozen=True)
class Verdicts:
    """What was seen by eye in the photos that scored best for a category.

    Attributes:
        rows: of photos.
        values: 1 right, 0 wrong, 0.5 cannot be told.
    """

    rows: tuple[int, ...]
    values: tuple[float, ...]


def read_verdicts(photos: Sequence[Photo]) -> dict[str, Verdicts]:
    """By category."""
    place = {(photo.source, photo.id): row for row, photo in enumerate(photos)}
    worth = {"right": 1.0, "unclear": 0.5, "wrong": 0.0}
    found: dict[str, list[tuple[int, float]]] = {}
    with JUDGED.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            key = row["source"], row["id"]
            if key in place:
                found.setdefault(row["category"], []).append((place[key], worth[row["verdict"]]))
    return {
        name: Verdicts(tuple(r for r, _ in pairs), tuple(v for _, v in pairs))
        for name, pairs in found.items()
    }
