"""COCO's object annotations as image labels, read where they lie, in either folder layout."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.data.datasets.labelled import LabelledImages, ObjectBox, empty_targets
from engine.data.datasets.reading import FaultLog, PictureFolder, is_integer, is_number, read_json
from engine.texts import display_path

#: Images in the official files, and those of them that have annotations.
OFFICIAL_COUNTS: dict[tuple[int, str], tuple[int, int]] = {
    (2014, "train"): (82_783, 82_081),
    (2014, "val"): (40_504, 40_137),
    (2017, "train"): (118_287, 117_266),
    (2017, "val"): (5_000, 4_952),
}

# The largest official file (train2017) has 449 MB.
_MAX_ANNOTATION_BYTES = 1 << 30
_ANNOTATION_FILE = re.compile(r"instances_(train|val|test)(20\d\d)\.json")
_PARTS = ("images", "annotations", "categories")


@dataclass(frozen=True)
class _Tables:
    """The parts of an annotation file that are used, checked.

    Attributes:
        categories: in the order of their ids.
        columns: category id → column.
        images: image id → file name.
        annotations: image id → its annotations, each with a known category.
    """

    categories: Categories
    columns: dict[int, int]
    images: dict[int, str]
    annotations: Mapping[int, list[dict[str, Any]]]


def load_coco(
    root: Path,
    split: str,
    year: int,
    *,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """One split of COCO, sorted by image id.

    An image has a category as soon as one object has it, also one of a crowd. Images without any
    annotation are left out, as everybody who publishes numbers does.

    Args:
        root: the folder that holds ``annotations``; the photos lie in ``images/train2014``,
            ``train2014`` or the like beside it.
        split: ``train`` or ``val``.
        year: 2014 or 2017.
        strict: take missing images and malformed entries for an error; otherwise they are left
            out and said in ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: the annotation file is missing or malformed, or nothing is left of it.
    """
    file = _annotation_file(root, split, year)
    log = FaultLog(strict=strict)
    tables = _read_tables(file, log)
    pictures_root = _picture_folder(file.parent.parent, f"{split}{year}")
    pictures = PictureFolder(
        pictures_root, check_files=check_files, log=log, follow_links=follow_links
    )
    labelled = [i for i in sorted(tables.images) if tables.annotations.get(i)]
    _tell_of_unlabelled(tables, len(labelled), (year, split), log)
    found = [(i, path) for i in labelled if (path := pictures.find(tables.images[i])) is not None]
    objects = [_objects(tables, image, log) for image, _ in found]
    log.check()
    log.check_any_left(len(found), f"{display_path(file)}")
    targets = empty_targets(len(found), len(tables.categories))
    for row, (image, _) in enumerate(found):
        for annotation in tables.annotations[image]:
            targets[row, tables.columns[annotation["category_id"]]] = True
    return LabelledImages(
        name=f"COCO{year} {split}",
        categories=tables.categories,
        paths=tuple(path for _, path in found),
        targets=targets,
        ignored=empty_targets(len(found), len(tables.categories)),
        ids=tuple(str(image) for image, _ in found),
        objects=tuple(objects),
        problems=log.problems(),
    )


def find_coco_splits(root: Path, year: int) -> tuple[str, ...]:
    """The splits of a year that have an annotation file; nothing is opened."""
    try:
        names = [path.name for path in _annotations_folder(root).iterdir()]
    except OSError:
        return ()
    matches = [m for name in names if (m := _ANNOTATION_FILE.fullmatch(name))]
    return tuple(sorted(m[1] for m in matches if int(m[2]) == year))


def _annotations_folder(root: Path) -> Path:
    return root if root.name == "annotations" else root / "annotations"


def _annotation_file(root: Path, split: str, year: int) -> Path:
    file = _annotations_folder(root) / f"instances_{split}{year}.json"
    if split not in ("train", "val", "test") or not file.is_file():
        there = ", ".join(find_coco_splits(root, year)) or "none"
        raise DataError(
            f"COCO{year} has no split {split!r} in {display_path(root)}; it has: {there}. Give the "
            f"folder that holds annotations/instances_train{year}.json and the like."
        )
    return file


def _picture_folder(root: Path, name: str) -> Path:
    """Where the photos lie: both layouts are in use."""
    candidates = (root / "images" / name, root / name, root / "images")
    return next((folder for folder in candidates if folder.is_dir()), candidates[0])


def _read_tables(file: Path, log: FaultLog) -> _Tables:
    content = read_json(file, _MAX_ANNOTATION_BYTES)
    parts: list[Any] = [content.get(n) if isinstance(content, dict) else None for n in _PARTS]
    if not all(
        isinstance(part, list) and all(isinstance(row, dict) for row in part) for part in parts
    ):
        raise DataError(
            f"{display_path(file)} is not a COCO file of objects: it must hold lists of "
            f"{', '.join(_PARTS)}."
        )
    image_rows, annotation_rows, category_rows = parts
    categories, columns = _categories(category_rows, file)
    images = _images(image_rows, log)
    annotations: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in annotation_rows:
        category, image = row.get("category_id"), row.get("image_id")
        if not is_integer(category) or category not in columns:
            log.add("Annotations with an unknown category", f"category_id {category!r:.40}")
        elif not is_integer(image) or image not in images:
            log.add("Annotations of an unknown image", f"image_id {image!r:.40}")
        else:
            annotations[image].append(row)
    return _Tables(categories, columns, images, annotations)


def _categories(rows: list[dict[str, Any]], file: Path) -> tuple[Categories, dict[int, int]]:
    """The category of each column, and the column of each id: its rank."""
    named: dict[int, Any] = {
        row["id"]: row.get("name") for row in rows if is_integer(row.get("id"))
    }
    if len(named) != len(rows):
        raise DataError(f"{display_path(file)}: category ids must be numbers, and no two alike.")
    ids = sorted(named)
    try:
        categories = Categories(tuple(named[i] for i in ids))
    except ConfigError as error:
        raise DataError(f"{display_path(file)}: {error}") from error
    return categories, {identity: column for column, identity in enumerate(ids)}


def _images(rows: list[dict[str, Any]], log: FaultLog) -> dict[int, str]:
    images: dict[int, str] = {}
    for row in rows:
        identity: Any = row.get("id")
        name = row.get("file_name")
        if not is_integer(identity) or not isinstance(name, str):
            log.add("Images without an id or a file name", f"id {identity!r:.40}")
        elif identity in images:
            log.add("Images with the id of another; the first counts", f"{identity}, {name:.80}")
        else:
            images[identity] = name
    return images


def _tell_of_unlabelled(
    tables: _Tables, num_labelled: int, split: tuple[int, str], log: FaultLog
) -> None:
    if left_out := len(tables.images) - num_labelled:
        log.note(f"{left_out} of {len(tables.images)} images have no annotation and do not count.")
    official = OFFICIAL_COUNTS.get(split)
    if official and len(tables.images) == official[0] and num_labelled != official[1]:
        log.note(
            f"{num_labelled} images have annotations; the official file has {official[1]}: "
            "numbers will not compare with published ones."
        )


def _objects(tables: _Tables, image: int, log: FaultLog) -> tuple[ObjectBox, ...]:
    objects = []
    for annotation in tables.annotations[image]:
        box = _box(annotation.get("bbox"))
        if box is None:
            log.add(
                "Objects whose box makes no sense; only the box is left out",
                f"in image {image}",
            )
            continue
        column = tables.columns[annotation["category_id"]]
        objects.append(ObjectBox(column, box, is_crowd=annotation.get("iscrowd") == 1))
    return tuple(objects)


def _box(value: object) -> tuple[float, float, float, float] | None:
    """Corners from x, y, width and height in pixels."""
    if not isinstance(value, list) or len(value) != 4 or not all(is_number(v) for v in value):
        return None
    x, y, width, height = (float(v) for v in value)
    return None if min(x, y, width, height) < 0 else (x, y, x + width, y + height)
