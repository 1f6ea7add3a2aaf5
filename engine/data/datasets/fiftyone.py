"""FiftyOne's image classification data set: ``labels.json`` and the pictures in ``data``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.data.datasets.category_reader import CategoryReader, ignore_untold, spelt_once
from engine.data.datasets.labelled import LabelledImages, empty_targets
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.reading import FaultLog, is_integer, read_json
from engine.texts import display_path

_WHOLE = "all"
#: Split → folders that may hold it.
_FOLDERS = {
    _WHOLE: (".",),
    "train": ("train",),
    "val": ("val", "validation", "valid"),
    "test": ("test",),
}
_FILE, _PICTURES = "labels.json", "data"


def load_fiftyone(
    root: Path,
    split: str = _WHOLE,
    *,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """The labelled pictures of such a data set, one or several labels each, in its order.

    A target is a name, a place in ``classes``, an object with one of these as ``label``, or a
    list of such; pictures without one are left out. What our own export says beside them, under
    ``csra``, is read, too.

    Args:
        root: the folder, or the one above those of the splits.
        split: ``all`` for an undivided one.
        strict: take missing images and malformed entries for an error; otherwise they are left
            out and said in ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: there is no such split, the file is malformed, or nothing is left of it.
    """
    folder = _folder(root, split)
    if folder is None:
        there = ", ".join(find_fiftyone(root)) or "none"
        raise DataError(
            f"{display_path(root)} has no FiftyOne data set of the split {split!r}; it "
            f"has: {there}."
        )
    file = folder / _FILE
    content = read_json(file)
    labels = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(labels, dict):
        raise DataError(f"{display_path(file)} must hold an object with labels.")
    log = FaultLog(strict=strict)
    classes = [name for name in _list(content, "classes") if isinstance(name, str)]
    present = _present(labels, classes, log)
    categories = _categories(classes, present, file)
    pictures = PictureFolder(
        folder / _PICTURES, check_files=check_files, log=log, follow_links=follow_links
    )
    found = {stem: path for stem, path in pictures.find_stems(present).items() if stem in present}
    targets = empty_targets(len(found), len(categories))
    ignored = empty_targets(len(found), len(categories))
    rejected = empty_targets(len(found), len(categories))
    is_unclear = np.zeros(len(found), dtype=np.bool_)
    reader = CategoryReader(categories)
    said = content.get("csra")
    for row, stem in enumerate(found):
        for name in present[stem]:
            place = reader.read(name, stem, log)
            targets[row, [] if place is None else [place]] = True
            is_unclear[row] |= place is None and not reader.is_something_else(name)
        known = said.get(stem) if isinstance(said, dict) else None
        if isinstance(known, dict):
            ignored[row] = known.get("complete") is False
            for key, value in (("rejected", False), ("absent", False), ("unknown", True)):
                names = (name for name in _list(known, key) if isinstance(name, str))
                places = [p for name in names if (p := reader.place(name)) is not None]
                ignored[row, places] = value
                rejected[row, places] |= key == "rejected"
    ignored &= ~targets
    untold = ignore_untold(targets, is_unclear)
    is_unclear |= np.any(ignored, axis=1)
    log.check()
    log.check_any_left(len(found), display_path(file))
    return LabelledImages(
        name=f"{root.name} {split}",
        categories=categories,
        paths=tuple(found.values()),
        targets=targets,
        ignored=ignored | untold,
        ids=tuple(found),
        problems=log.problems(),
        unclear=is_unclear,
        rejected=rejected & ~targets,
    )


def find_fiftyone(root: Path) -> tuple[str, ...]:
    """The splits that have the list and the pictures, ``all`` for the folder; nothing is opened."""
    return tuple(split for split in _FOLDERS if _folder(root, split) is not None)


def _folder(root: Path, split: str) -> Path | None:
    for name in _FOLDERS.get(split, ()):
        folder = root / name
        if (folder / _FILE).is_file() and (folder / _PICTURES).is_dir():
            return folder
    return None


def _list(content: Mapping[str, Any], key: str) -> list[Any]:
    value = content.get(key)
    return value if isinstance(value, list) else []


def _present(labels: Mapping[str, Any], classes: list[str], log: FaultLog) -> dict[str, list[str]]:
    """Stem → names of its labels."""
    present: dict[str, list[str]] = {}
    for stem, value in labels.items():
        if value is None:
            log.add("Pictures without a label, which do not count", stem)
            continue
        targets = value if isinstance(value, list) else [value]
        names = [_name(target, classes) for target in targets]
        if None in names:
            log.add("Pictures with a label that makes no sense, which do not count", stem)
        else:
            present[stem] = [name for name in names if name is not None]
    return present


def _name(target: object, classes: list[str]) -> str | None:
    label = target.get("label") if isinstance(target, dict) else target
    if is_integer(label) and 0 <= int(str(label)) < len(classes):
        return classes[int(str(label))]
    return label.strip() if isinstance(label, str) and label.strip() else None


def _categories(classes: list[str], present: Mapping[str, list[str]], file: Path) -> Categories:
    used = [name for names in present.values() for name in names]
    try:
        return Categories(tuple(classes) or spelt_once(used))
    except ConfigError as error:
        raise DataError(f"The categories of {display_path(file)}: {error}") from error
