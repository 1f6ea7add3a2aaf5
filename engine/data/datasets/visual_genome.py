"""Visual Genome: the names of objects, or of attributes, that people gave in each image."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.data.datasets.category_reader import label_key
from engine.data.datasets.json_stream import json_entries
from engine.data.datasets.labelled import LabelledImages, empty_targets
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.picture_places import first_folder, names_by_stem
from engine.data.datasets.reading import FaultLog, is_integer, read_text
from engine.texts import display_path

#: So many names count unless another number or a list is given, as in VG-500.
USUAL_COUNT = 500
#: One name per line: only these, in this order.
CATEGORIES_FILE = "categories.txt"
_MOST = 20_000
_WHOLE = "all"
_SPLITS = ("train", "val", "test")
_FOLDERS = ("VG_100K", "VG_100K_2", "images/VG_100K", "images/VG_100K_2", "images", ".")
_DIGITS = re.compile(r"(\d+)(?:\.\w+)?\b")

Names = Callable[[dict[str, Any]], Iterator[str]]


@dataclass(frozen=True)
class LabelFile:
    """One of the files of labels.

    Attributes:
        name: of the file, and of the list in each of its entries before ``.json``.
        key: of the list of names that its objects have.
        count: so many names are categories, those in most images.
    """

    name: str
    key: str
    count: int = USUAL_COUNT


OBJECTS = LabelFile("objects.json", "names")
ATTRIBUTES = LabelFile("attributes.json", "attributes")


class _Table:
    """Which names each image has, as numbers."""

    def __init__(self) -> None:
        self.images: dict[str, int] = {}
        self.places: dict[str, int] = {}
        self.row = array("l")
        self.name = array("l")

    def add(self, image: str, names: set[str]) -> None:
        row = self.images.setdefault(image, len(self.images))
        for name in names:
            self.row.append(row)
            self.name.append(self.places.setdefault(name, len(self.places)))


def with_count(what: LabelFile, option: str) -> Callable[..., LabelledImages]:
    """The reader for another number of names.

    Raises:
        DataError: it is no number that can be meant.
    """
    if not option.isascii() or not option.isdigit() or not 0 < int(option) <= _MOST:
        raise DataError(
            f"{option!r:.40} is no number of names from 1 to {_MOST:,}, such as :500 for the 500 "
            "that are most frequent."
        )
    return partial(load_visual_genome, what=replace(what, count=int(option)))


def load_visual_genome(
    root: Path,
    split: str = _WHOLE,
    *,
    what: LabelFile = OBJECTS,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """The images of Visual Genome with the most frequent of the names that people gave.

    What nobody named counts as absent, as in VG-500: people named what they noticed. The file is
    read one image at a time.

    Args:
        root: the folder with the file; pictures lie in ``VG_100K`` and ``VG_100K_2`` beside it,
            or in ``images``.
        split: ``all``, or ``train``, ``val`` or ``test`` where a list of ids lies beside the file
            (``train.txt``, ``train_list_500.txt``).
        what: objects or attributes, and how many names; ``categories.txt`` beside the file goes
            first.
        strict: take missing images and entries that cannot be used for an error; otherwise they
            are left out and said in ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: there is no such file or split, it is malformed, or nothing is left of it.
    """
    file = root / what.name
    if split not in find_visual_genome(root, what):
        there = ", ".join(find_visual_genome(root, what)) or "none"
        raise DataError(
            f"{display_path(root)} has no {what.name} of Visual Genome with the split {split!r}; "
            f"it has: {there}. Give the folder that holds {what.name}, VG_100K and VG_100K_2; "
            "splits are lists of ids beside it, such as test.txt."
        )
    log = FaultLog(strict=strict)
    ids, table = _ids(root, split), _read(file, what, log)
    here = names_by_stem(root, _FOLDERS)
    place = first_folder(root, _FOLDERS)
    chosen = [image for image in table.images if ids is None or image in ids]
    wanted = {image: here.get(image, f"{place}/{image}.jpg") for image in chosen}
    pictures = PictureFolder(root, check_files=check_files, log=log, follow_links=follow_links)
    found = pictures.find_all(wanted.values())
    log.check()
    log.check_any_left(len(found), display_path(file))
    # Of all images, so that each split has the same.
    categories, columns = _categories(table, root, what.count, file)
    kept = [image for image in chosen if wanted[image] in found]
    to_row = np.full(len(table.images), -1, dtype=np.int64)
    to_row[[table.images[image] for image in kept]] = range(len(kept))
    rows, column = (np.array(values, dtype=np.int64) for values in (table.row, table.name))
    rows, column = to_row[rows], columns[column]
    counts = (rows >= 0) & (column >= 0)
    targets = empty_targets(len(kept), len(categories))
    targets[rows[counts], column[counts]] = True
    return LabelledImages(
        name=f"Visual Genome {what.name.partition('.')[0]} {split}",
        categories=categories,
        paths=tuple(found[wanted[image]] for image in kept),
        targets=targets,
        ignored=np.zeros_like(targets),
        ids=tuple(kept),
        problems=log.problems(),
    )


def find_visual_genome(root: Path, what: LabelFile = OBJECTS) -> tuple[str, ...]:
    """``all`` and the splits that have a list of ids; nothing is opened."""
    if not (root / what.name).is_file():
        return ()
    return (_WHOLE, *(split for split in _SPLITS if _list_of(root, split) is not None))


def recognise_visual_genome(root: Path, what: LabelFile = OBJECTS) -> tuple[str, ...]:
    """As ``find_visual_genome``, but only beside what else Visual Genome has."""
    beside = ("VG_100K", "VG_100K_2", "images/VG_100K", "image_data.json")
    is_there = any((root / name).exists() for name in beside)
    return find_visual_genome(root, what) if is_there else ()


def _list_of(root: Path, split: str) -> Path | None:
    names = [f"{split}.txt", f"{split}_ids.txt", f"{split}_list_500.txt", f"{split}_list.txt"]
    return next((file for name in names if (file := root / name).is_file()), None)


def _ids(root: Path, split: str) -> set[str] | None:
    """The ids of a split; ``None`` for all."""
    file = None if split == _WHOLE else _list_of(root, split)
    if file is None:
        return None
    ids: set[str] = set()
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        # A number alone, or the name of a picture, perhaps with a folder and labels.
        found = _DIGITS.match(re.split(r"[/\\]", line.split()[0])[-1]) if line.strip() else None
        if line.strip() and found is None:
            raise DataError(
                f"Line {number} of {display_path(file)} is no id of an image, such as 2343."
            )
        if found is not None:
            ids.add(found[1])
    return ids


def _read(file: Path, what: LabelFile, log: FaultLog) -> _Table:
    table, key = _Table(), what.name.partition(".")[0]
    for number, entry in json_entries(file):
        row: dict[str, Any] = entry if isinstance(entry, dict) else {}
        image, objects = row.get("image_id", row.get("id")), row.get(key)
        if not is_integer(image) or not isinstance(objects, list):
            log.add(f"Entries without image_id and {key}", f"entry {number} of {file.name}")
        else:
            given = (item.get(what.key) for item in objects if isinstance(item, dict))
            lists = (names for names in given if isinstance(names, list))
            table.add(str(image), {plain for names in lists for n in names if (plain := _plain(n))})
    return table


def _plain(name: object) -> str:
    return " ".join(name.lower().split()) if isinstance(name, str) else ""


def _categories(
    table: _Table, root: Path, count: int, file: Path
) -> tuple[Categories, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The categories, and the column of each name; -1 where it is none of them."""
    keys = {name: label_key(name) for name in table.places}
    own = root / CATEGORIES_FILE
    if own.is_file():
        lines = (line.strip() for line in read_text(own).splitlines())
        chosen = [line for line in dict.fromkeys(lines) if line]
    else:
        chosen = _most_frequent(table, count)
    try:
        categories = Categories(tuple(chosen))
    except ConfigError as error:
        raise DataError(f"The names of {display_path(file)}: {error}") from error
    places = {label_key(name): column for column, name in enumerate(categories)}
    columns = np.full(max(1, len(table.places)), -1, dtype=np.int64)
    for name, place in table.places.items():
        columns[place] = places.get(keys[name], -1)
    return categories, columns


def _most_frequent(table: _Table, count: int) -> list[str]:
    """Those in most images, each spelling of a thing once; of equals the first by name."""
    images = np.bincount(np.array(table.name, dtype=np.int64), minlength=len(table.places))
    total: Counter[str] = Counter()
    spelt: dict[str, tuple[int, str]] = {}
    for name, place in table.places.items():
        key, number = label_key(name), int(images[place])
        if not _is_name(name):
            continue
        total[key] += number
        spelt[key] = min(spelt.get(key, (0, "")), (-number, name))
    best = sorted(total, key=lambda key: (-total[key], spelt[key][1]))[:count]
    return [spelt[key][1] for key in best]


def _is_name(name: str) -> bool:
    try:
        Categories((name,))
    except ConfigError:
        return False
    return True
