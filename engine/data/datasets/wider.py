"""WIDER Attribute: a sample is a person's box in a photo, and has 14 attributes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.api.categories import shipped_categories
from engine.api.errors import DataError
from engine.data.datasets.labelled import Crop, LabelledImages, empty_targets
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.reading import (
    FaultLog,
    is_integer,
    is_number,
    listed,
    read_json,
)
from engine.texts import display_path

#: trainval is train and val together, in one file.
WIDER_SPLITS = ("trainval", "test", "train", "val")

_FILE_OF = {"trainval": "trainval", "train": "trainval", "val": "trainval", "test": "test"}
# What an attribute can be in the official files: absent, unspecified, present.
_ABSENT, _UNSPECIFIED, _PRESENT = -1, 0, 1


@dataclass
class _Samples:
    """The persons of a split, as they are gathered."""

    ids: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    crops: list[Crop] = field(default_factory=list)
    attributes: list[list[int]] = field(default_factory=list)


def load_wider(
    root: Path,
    split: str,
    *,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """One split of WIDER Attribute, in the order of its file; unspecified attributes are ignored.

    Args:
        root: the folder that holds ``Annotations`` (or the annotation files) and ``Image``.
        split: ``trainval``, ``test``, ``train`` or ``val``.
        strict: take missing images and malformed entries for an error; otherwise they are left
            out and said in ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: the annotation file is missing or malformed, or nothing is left of it.
    """
    file = _annotation_file(root, split)
    log = FaultLog(strict=strict)
    pictures = PictureFolder(
        root / "Image", check_files=check_files, log=log, follow_links=follow_links
    )
    samples = _Samples()
    ranks: Counter[str] = Counter()
    wanted: list[tuple[str, list[Any]]] = []
    for image in _images(file):
        name, persons = image.get("file_name"), image.get("targets")
        if not isinstance(name, str) or not isinstance(persons, list):
            log.add("Images without a file name or targets", f"{name!r:.80}")
        elif split == _FILE_OF[split] or name.replace("\\", "/").startswith(f"{split}/"):
            wanted.append((name, persons))
    found = pictures.find_all(name for name, _ in wanted)
    for name, persons in wanted:
        for person in persons:
            identity = f"{name}#{ranks[name]}"
            ranks[name] += 1
            if name in found:
                _add_person(samples, person, identity, found[name], log)
    log.check()
    log.check_any_left(len(samples.ids), f"The split {split!r} of {display_path(file)}")
    return _labelled(samples, split, log)


def find_wider_splits(root: Path) -> tuple[str, ...]:
    """The splits that have an annotation file; nothing is opened."""
    return tuple(split for split in WIDER_SPLITS if _candidate(root, split) is not None)


def _labelled(samples: _Samples, split: str, log: FaultLog) -> LabelledImages:
    categories = shipped_categories("wider")
    targets = empty_targets(len(samples.ids), len(categories))
    ignored = empty_targets(len(samples.ids), len(categories))
    for row, values in enumerate(samples.attributes):
        targets[row] = [value == _PRESENT for value in values]
        ignored[row] = [value == _UNSPECIFIED for value in values]
    return LabelledImages(
        name=f"WIDER {split}",
        categories=categories,
        paths=tuple(samples.paths),
        targets=targets,
        ignored=ignored,
        ids=tuple(samples.ids),
        crops=tuple(samples.crops),
        problems=log.problems(),
        ignored_as="unspecified",
    )


def _candidate(root: Path, split: str) -> Path | None:
    name = f"wider_attribute_{_FILE_OF.get(split, split)}.json"
    folders = (root / "Annotations", root / "wider_attribute_annotation", root)
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _annotation_file(root: Path, split: str) -> Path:
    file = _candidate(root, split) if split in WIDER_SPLITS else None
    if file is None:
        there = listed(find_wider_splits(root)) or "none"
        raise DataError(
            f"WIDER Attribute has no split {split!r} in {display_path(root)}; it has: {there}. "
            "Give the folder that holds Annotations/wider_attribute_trainval.json and Image."
        )
    return file


def _images(file: Path) -> list[dict[str, Any]]:
    content = read_json(file)
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
        raise DataError(f"{display_path(file)} is not a WIDER file: it must list images.")
    return images


def _add_person(
    samples: _Samples, person: object, identity: str, path: Path, log: FaultLog
) -> None:
    entries: dict[str, Any] = person if isinstance(person, dict) else {}
    crop, attributes = as_crop(entries.get("bbox")), entries.get("attribute")
    if crop is None:
        log.add("Persons whose box makes no sense", identity)
    elif not isinstance(attributes, list) or not _are_attributes(attributes):
        log.add("Persons without 14 attributes, each -1, 0 or 1", identity)
    else:
        samples.ids.append(identity)
        samples.paths.append(path)
        samples.crops.append(crop)
        samples.attributes.append(attributes)


def as_crop(value: object) -> Crop | None:
    """A crop from JSON: x, y, width, height, at least a pixel large; ``None`` if it is none.

    It may reach beyond the picture. The numbers stay as they are, whole ones whole.
    """
    if not isinstance(value, list) or len(value) != 4 or not all(is_number(v) for v in value):
        return None
    x, y, width, height = value
    columns, rows = round(x + width) - round(x), round(y + height) - round(y)
    return None if columns < 1 or rows < 1 else (x, y, width, height)


def _are_attributes(values: list[Any]) -> bool:
    known = (_ABSENT, _UNSPECIFIED, _PRESENT)
    return len(values) == len(shipped_categories("wider")) and all(
        is_integer(value) and value in known for value in values
    )
