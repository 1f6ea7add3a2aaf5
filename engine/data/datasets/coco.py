"""COCO's object annotations as image labels, read where they lie, in either folder layout."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.api.values import DEFAULT_THRESHOLD
from engine.data.datasets.annotation_places import coco_file, names_of_split
from engine.data.datasets.category_reader import NOT_UNDERSTOOD, TOO_LOW, ignore_untold
from engine.data.datasets.label_cells import score_of
from engine.data.datasets.labelled import LabelledImages, ObjectBox, empty_targets
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.reading import FaultLog, is_number, listed, read_json
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
_WHOLE_NUMBER = re.compile(r"\.0+$(?<=\d)")
_PARTS = ("images", "annotations", "categories")


# Numbers in the official files; other tools also write them as text, or write other text.
_Id = int | str


@dataclass(frozen=True)
class CocoTables:
    """The parts of an annotation file that are used, checked.

    Attributes:
        categories: in the order of their ids.
        columns: category id → column.
        images: image id → file name.
        annotations: image id → its annotations, each with a known category.
        unclear: ids of images with an annotation whose category nobody can tell.
        known: image id → what our own exports say beside its annotations.
    """

    categories: Categories
    columns: dict[_Id, int]
    images: dict[_Id, str]
    annotations: Mapping[_Id, list[tuple[int, dict[str, Any]]]]
    unclear: set[_Id]
    known: Mapping[_Id, KnownLabels] = field(default_factory=dict)

    def labelled(self) -> list[_Id]:
        """The ids of images with annotations, or known without, in order."""
        ids = sorted(self.images, key=_in_order)
        return [i for i in ids if self.annotations.get(i) or i in self.known]


@dataclass(frozen=True)
class KnownLabels:
    """Of an image in one of our own exports, by column.

    Attributes:
        absent: what it is known not to have.
        unknown: of what nobody can say.
        is_partial: nobody can say of what is named nowhere; else it is absent.
        rejected: of what is absent, that of which a person said so.
    """

    absent: list[int]
    unknown: list[int]
    is_partial: bool
    rejected: list[int]


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
    tables = read_tables(file, log)
    is_named_as_usual = file.parent.name == "annotations"
    top = file.parent.parent if is_named_as_usual else file.parent
    pictures_root = _picture_folder(top, f"{split}{year}", split)
    pictures = PictureFolder(
        pictures_root, check_files=check_files, log=log, follow_links=follow_links
    )
    labelled = tables.labelled()
    tell_of_unlabelled(tables, len(labelled), (year, split), log)
    return labelled_images(f"COCO{year} {split}", file, tables, labelled, pictures, log)


def labelled_images(
    name: str,
    file: Path,
    tables: CocoTables,
    labelled: Sequence[_Id],
    pictures: PictureFolder,
    log: FaultLog,
) -> LabelledImages:
    """The labels of a file's images, of which ``labelled`` has the ids.

    Raises:
        DataError: nothing is left of them.
    """
    there = pictures.find_all(tables.images[i] for i in labelled)
    found = [(i, path) for i in labelled if (path := there.get(tables.images[i])) is not None]
    objects = [_objects(tables, image, log) for image, _ in found]
    log.check()
    log.check_any_left(len(found), f"{display_path(file)}")
    targets = empty_targets(len(found), len(tables.categories))
    for row, (image, _) in enumerate(found):
        targets[row, [column for column, _ in tables.annotations.get(image, ())]] = True
    rejected = np.zeros_like(targets)
    for row, (image, _) in enumerate(found):
        if image in tables.known:
            rejected[row, tables.known[image].rejected] = True
    is_unclear = np.array([image in tables.unclear for image, _ in found], dtype=np.bool_)
    untold = _untold(targets, tables, found)
    return LabelledImages(
        name=name,
        categories=tables.categories,
        paths=tuple(path for _, path in found),
        targets=targets,
        ignored=ignore_untold(targets, is_unclear) | untold,
        unclear=is_unclear | np.any(untold, axis=1),
        ids=tuple(str(image) for image, _ in found),
        objects=tuple(objects),
        problems=log.problems(),
        rejected=rejected & ~targets,
    )


def _untold(
    targets: NDArray[np.bool_], tables: CocoTables, found: Sequence[tuple[_Id, Path]]
) -> NDArray[np.bool_]:
    """(N, C): what one of our own exports says that nobody knows."""
    untold = np.zeros_like(targets)
    for row, (image, _) in enumerate(found):
        known = tables.known.get(image)
        if known is not None:
            untold[row] = known.is_partial
            untold[row, known.absent] = False
            untold[row, known.unknown] = True
    return untold & ~targets


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
    if split in ("train", "val", "test") and not file.is_file():
        file = coco_file(root, split) or file
    if split not in ("train", "val", "test") or not file.is_file():
        there = ", ".join(find_coco_splits(root, year)) or "none"
        raise DataError(
            f"COCO{year} has no split {split!r} in {display_path(root)}; it has: {there}. Give the "
            f"folder that holds annotations/instances_train{year}.json and the like."
        )
    return file


def _picture_folder(root: Path, name: str, split: str) -> Path:
    """Where the photos lie: several layouts are in use."""
    names = [f"images/{name}", name]
    names += [folder for other in names_of_split(split) for folder in (f"images/{other}", other)]
    names += ["images", "."]
    return next(folder for folder in map(root.joinpath, names) if folder.is_dir())


def read_tables(file: Path, log: FaultLog) -> CocoTables:
    """The parts of an annotation file; of entries that cannot be used the log is told.

    Raises:
        DataError: it cannot be read, or is no COCO file of objects.
    """
    # One box of NaN among thousands costs that box.
    content = read_json(file, _MAX_ANNOTATION_BYTES, allow_nan=True)
    parts: list[Any] = [content.get(n) if isinstance(content, dict) else None for n in _PARTS]
    if not all(isinstance(part, list) for part in parts):
        raise DataError(
            f"{display_path(file)} is not a COCO file of objects: it must hold lists of "
            f"{', '.join(_PARTS)}."
        )
    image_rows, annotation_rows, category_rows = (
        [row for row in part if isinstance(row, dict)] for part in parts
    )
    for name, part in zip(_PARTS, parts, strict=True):
        for place, row in enumerate(part):
            if not isinstance(row, dict):
                log.add("Entries that are no objects", f"place {place} of {name}: {row!r:.40}")
    used = {_id(row.get("category_id")) for row in annotation_rows}
    categories, columns = _categories(category_rows, used, file, log)
    images, same = _images(image_rows, log)
    known = _known(image_rows, columns)
    annotations: defaultdict[_Id, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    unclear: set[_Id] = set()
    for place, row in enumerate(annotation_rows):
        category, image = _id(row.get("category_id")), _id(row.get("image_id"))
        image = None if image is None else same.get(image, image)
        # In our own exports a person may have accepted what has a low score.
        score = 1.0 if image in known else _score(row)
        where = f"annotation {row.get('id', f'at place {place}')!s:.40} of {display_path(file)}"
        if image is None or image not in images:
            log.add("Annotations of an unknown image", f"{where} (image_id {image!r:.40})")
        elif score is not None and score < DEFAULT_THRESHOLD:
            log.add(TOO_LOW, where)
        elif category is None or category not in columns or score is None:
            what = (
                f"score {row['score']!r:.40}" if score is None else f"category_id {category!r:.40}"
            )
            log.add(NOT_UNDERSTOOD, f"{what} in {where}")
            unclear.add(image)
        else:
            annotations[image].append((columns[category], row))
    return CocoTables(categories, columns, images, annotations, unclear, known)


def _score(row: dict[str, Any]) -> float | None:
    """0 to 1, 1 where there is none; ``None`` if it is no such number."""
    score = row.get("score")
    if score is None:
        return 1.0
    return None if isinstance(score, bool) else score_of(str(score))


def _known(rows: list[dict[str, Any]], columns: dict[_Id, int]) -> dict[_Id, KnownLabels]:
    """What our own exports say of images beside their annotations."""

    def places(row: dict[str, Any], key: str) -> list[int]:
        ids = row.get(key)
        found = (_id(value) for value in ids) if isinstance(ids, list) else ()
        return [columns[i] for i in found if i is not None and i in columns]

    return {
        identity: KnownLabels(
            absent=places(row, "rejected_category_ids") + places(row, "absent_category_ids"),
            unknown=places(row, "unknown_category_ids"),
            is_partial=not row["labels_complete"],
            rejected=places(row, "rejected_category_ids"),
        )
        for row in rows
        if isinstance(row.get("labels_complete"), bool)
        and (identity := _id(row.get("id"))) is not None
    }


def _id(value: object) -> _Id | None:
    """An id as number if it is one however it is written, else as its text; ``None`` if neither."""
    if isinstance(value, str):
        text = _WHOLE_NUMBER.sub("", value.strip())
        try:
            return int(text) if text.isascii() and text.lstrip("-").isdigit() else text or None
        except ValueError:  # of too many digits
            return text
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _in_order(identity: _Id) -> tuple[bool, int, str]:
    is_text = isinstance(identity, str)
    return is_text, 0 if is_text else int(identity), str(identity)


def _categories(
    rows: list[dict[str, Any]], used: set[_Id | None], file: Path, log: FaultLog
) -> tuple[Categories, dict[_Id, int]]:
    """The category of each column, and the column of each id: its rank."""
    named = _named_categories(rows, file)
    names = {
        i: named[i] for i in sorted(named, key=_in_order) if _is_category(i, named, used, rows)
    }
    if groups := [str(named[i]) for i in named if i not in names]:
        log.note(f"Groups of categories without annotations, which are left out: {listed(groups)}.")
    unnamed = [i for i, name in names.items() if not isinstance(name, str) or not name.strip()]
    for identity in unnamed:  # what has them is not understood
        log.add("Categories without a name", f"id {identity}")
        del names[identity]
    columns = {name: column for column, name in enumerate(dict.fromkeys(names.values()))}
    if len(columns) < len(names):
        twice = [name for name, count in Counter(names.values()).items() if count > 1]
        log.note(f"Categories with several ids, which count as one: {listed(twice)}.")
    try:
        categories = Categories(tuple(columns))
    except ConfigError as error:
        raise DataError(f"{display_path(file)}: {error}") from error
    return categories, {identity: columns[name] for identity, name in names.items()}


def _named_categories(rows: list[dict[str, Any]], file: Path) -> dict[_Id, Any]:
    named: dict[_Id, Any] = {}
    for row in rows:
        identity, name = _id(row.get("id")), row.get("name")
        if identity is None:
            raise DataError(
                f"{display_path(file)}: the category {name!r:.80} has no id; nothing can be of it."
            )
        if named.setdefault(identity, name) != name:
            raise DataError(
                f"{display_path(file)}: two categories, {named[identity]!r:.80} and {name!r:.80}, "
                f"have the id {identity!r:.40}, so nobody can tell what has it."
            )
    return named


def _is_category(
    identity: _Id, named: dict[_Id, Any], used: set[_Id | None], rows: list[dict[str, Any]]
) -> bool:
    """Whether it is no mere heading that some tools write above the categories."""
    if identity in used:
        return True
    name = named[identity]
    is_heading = any(row.get("supercategory") == name and row.get("name") != name for row in rows)
    alike = [other for other, same in named.items() if same == name]
    is_another = any(other in used for other in alike) or identity != alike[0]
    return not (is_heading or is_another)


def _images(rows: list[dict[str, Any]], log: FaultLog) -> tuple[dict[_Id, str], dict[_Id, _Id]]:
    """Id → file name, and the ids of files that are listed again → the first id of each."""
    images: dict[_Id, str] = {}
    several: set[_Id] = set()
    for row in rows:
        identity, name = _id(row.get("id")), _file_name(row)
        if identity is None or name is None:
            log.add("Images without an id or a file name", f"id {identity!r:.40}")
        elif _plain(images.setdefault(identity, name)) != _plain(name):
            log.add("Image ids that several files have, which do not count", f"{identity}")
            several.add(identity)
    images = {identity: name for identity, name in images.items() if identity not in several}
    first: dict[str, _Id] = {}
    same = {i: first.setdefault(_plain(name), i) for i, name in images.items()}
    again = {i: one for i, one in same.items() if i != one}
    if again:
        log.note(f"Images listed under several ids, which count as one: {len(again)}.")
    return {i: name for i, name in images.items() if i not in again}, again


def _plain(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")


def _file_name(row: dict[str, Any]) -> str | None:
    """Where other tools leave ``file_name`` out, they write an address."""
    found = (row.get(key) for key in ("file_name", "path", "coco_url"))
    return next((name for name in found if isinstance(name, str)), None)


def tell_of_unlabelled(
    tables: CocoTables, num_labelled: int, split: tuple[int, str], log: FaultLog
) -> None:
    """Note how many images do not count, and what the official file has (year and split)."""
    if left_out := len(tables.images) - num_labelled:
        log.note(f"{left_out} of {len(tables.images)} images have no annotation and do not count.")
    official = OFFICIAL_COUNTS.get(split)
    if official and len(tables.images) == official[0] and num_labelled != official[1]:
        log.note(
            f"{num_labelled} images have annotations; the official file has {official[1]}: "
            "numbers will not compare with published ones."
        )


def _objects(tables: CocoTables, image: _Id, log: FaultLog) -> tuple[ObjectBox, ...]:
    objects = []
    for column, annotation in tables.annotations.get(image, ()):
        if image in tables.known and "bbox" not in annotation:
            continue  # labels of whole photos
        box = _box(annotation.get("bbox"))
        if box is None:
            log.add(
                "Objects whose box makes no sense; only the box is left out",
                f"annotation {annotation.get('id')!s:.40} in image {image}",
            )
            continue
        is_crowd = annotation.get("iscrowd") in (1, "1", "true", "True")
        objects.append(ObjectBox(column, box, is_crowd=is_crowd))
    return tuple(objects)


def _box(value: object) -> tuple[float, float, float, float] | None:
    """Corners from x, y, width and height in pixels."""
    if not isinstance(value, list) or len(value) != 4 or not all(is_number(v) for v in value):
        return None
    x, y, width, height = (float(v) for v in value)
    return None if min(x, y, width, height) < 0 else (x, y, x + width, y + height)
