"""FiftyOne's own data set on the disk: ``samples.json`` with label fields, pictures in ``data``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.data.datasets.annotation_places import WHOLE, names_of_split
from engine.data.datasets.category_reader import spelt_once
from engine.data.datasets.json_stream import json_entries
from engine.data.datasets.label_cells import score_of
from engine.data.datasets.label_files import LabelRow, LabelTable
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.reading import FaultLog, listed, read_json
from engine.data.datasets.table_images import find_pictures, table_images
from engine.texts import display_path

_FILE, _METADATA = "samples.json", "metadata.json"
_SPLITS = ("train", "val", "test", WHOLE)
#: The field that counts where there are several.
_USUAL_FIELD = "ground_truth"
#: What a field is → the list of labels in it; ``None`` where it is one label.
_KINDS: dict[object, str | None] = {
    "Classification": None,
    "Classifications": "classifications",
    "Detections": "detections",
}


@dataclass(frozen=True)
class _Place:
    """A file of samples, and the tag that they must have; empty for all."""

    file: Path
    tags: tuple[str, ...] = ()


def with_field(option: str) -> Callable[..., LabelledImages]:
    """The reader for another field of labels."""
    return partial(load_fiftyone_samples, field=option)


def load_fiftyone_samples(
    root: Path,
    split: str = WHOLE,
    *,
    field: str = "",
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """The samples of such a data set by one field of labels, in its order.

    Classifications, one classification, or the labels of detections; those with a confidence below
    0.5 are absent. Samples without the field were not labelled and are left out. The file is read
    one sample at a time.

    Args:
        root: the folder with ``samples.json``, or the one above those of the splits.
        split: ``all``, a folder, or where there is no such folder the samples with the tag
            ``train``, ``val`` (``validation``) or ``test``.
        field: of labels; empty takes ``ground_truth``, else the only one.
        strict: take missing images and malformed entries for an error; otherwise they are left
            out and said in ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: there is no such split or field, the file is malformed, or nothing is left.
    """
    place = _place(root, split)
    if place is None:
        there = ", ".join(find_fiftyone_samples(root)) or "none"
        raise DataError(
            f"{display_path(root)} has no samples.json of FiftyOne for the split {split!r}; it "
            f"has: {there}. Export with fo.types.FiftyOneDataset and give that folder."
        )
    log = FaultLog(strict=strict)
    field = field or _field_of(place.file)
    table = _read(place, field, log)
    folder = place.file.parent
    pictures = PictureFolder(folder, check_files=check_files, log=log, follow_links=follow_links)
    categories = _categories(folder, field, table)
    found = find_pictures(table, folder, pictures, log)
    return table_images(f"{root.name} {split}", categories, found, display_path(place.file), log)


def find_fiftyone_samples(root: Path) -> tuple[str, ...]:
    """The splits that have a file of samples, ``all`` for the folder; nothing is opened."""
    return tuple(split for split in _SPLITS if _file(root, split) is not None)


def _file(root: Path, split: str) -> Path | None:
    folders = (root,) if split == WHOLE else tuple(root / name for name in names_of_split(split))
    files = (folder / _FILE for folder in folders)
    return next((file for file in files if file.is_file()), None)


def _place(root: Path, split: str) -> _Place | None:
    file = _file(root, split)
    if file is not None:
        return _Place(file)
    whole = _file(root, WHOLE)
    tags = names_of_split(split)
    return None if whole is None or not tags else _Place(whole, tags)


def _samples(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, entry in json_entries(file, "samples"):
        yield number, entry if isinstance(entry, dict) else {}


def _field_of(file: Path) -> str:
    """The field of labels.

    Raises:
        DataError: there is none, or nobody can tell which.
    """
    fields: dict[str, None] = {}
    for _, sample in _samples(file):
        fields.update(dict.fromkeys(key for key, value in sample.items() if _is_labels(value)))
        if _USUAL_FIELD in fields:
            return _USUAL_FIELD
    if len(fields) != 1:
        raise DataError(
            f"{display_path(file)} has {'several fields' if fields else 'no field'} of labels"
            f"{': ' + listed(fields) if fields else ''}. "
            + (
                f"Say which after a colon, such as fiftyone-samples:{next(iter(fields))}."
                if fields
                else "Export a field with Classifications."
            )
        )
    return next(iter(fields))


def _is_labels(value: object) -> bool:
    return isinstance(value, dict) and value.get("_cls") in _KINDS


def _read(place: _Place, field: str, log: FaultLog) -> LabelTable:
    table, is_field, tags = LabelTable(), False, dict[str, None]()
    for number, sample in _samples(place.file):
        where = f"sample {number} of {place.file.name}"
        name, labels = sample.get("filepath"), sample.get(field)
        is_field = is_field or _is_labels(labels)
        own = [tag for tag in _list(sample.get("tags")) if isinstance(tag, str)]
        tags.update(dict.fromkeys(own))
        if place.tags and not set(place.tags) & set(own):
            continue
        if not isinstance(name, str) or not name:
            log.add("Samples without a filepath", where)
        elif not _is_labels(labels):
            log.add(f"Samples without {field}, which do not count", where)
        elif (row := _labels(labels, where, log)) is not None:
            table.row(name, row)
    if not is_field:
        raise DataError(
            f"{display_path(place.file)} has no labels under {field!r}: it must be a field of "
            "Classifications, of one Classification, or of Detections."
        )
    if place.tags and not table.rows:
        raise DataError(
            f"No sample of {display_path(place.file)} has the tag {' or '.join(place.tags)} and "
            f"labels; its tags are: {listed(tags) or 'none'}."
        )
    return table


def _labels(value: Any, where: str, log: FaultLog) -> LabelRow | None:
    key = _KINDS[value["_cls"]]
    row = LabelRow()
    for item in [value] if key is None else _list(value.get(key)):
        label = item.get("label") if isinstance(item, dict) else None
        if not isinstance(label, str) or not label.strip():
            log.add("Samples with a label that makes no sense, which do not count", where)
            return None
        confidence = item.get("confidence")
        score = 1.0 if confidence is None else score_of(str(confidence))
        row.add(sys.intern(label.strip()), score, log, where)
    return row


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _categories(folder: Path, field: str, table: LabelTable) -> Categories:
    """Those that the metadata declare for the field; else all names."""
    used = spelt_once(name for row in table.rows.values() for name in row.named())
    declared = _declared(folder / _METADATA, field)
    try:
        return Categories(tuple(dict.fromkeys(declared)) or used)
    except ConfigError as error:
        raise DataError(f"The categories of {display_path(folder)}: {error}") from error


def _declared(file: Path, field: str) -> Iterable[str]:
    content = read_json(file, allow_nan=True) if file.is_file() else {}
    own = content if isinstance(content, dict) else {}
    for table in (own, own.get("info")):  # newer and older exports
        if isinstance(table, Mapping):
            classes = table.get("classes")
            fields = classes if isinstance(classes, Mapping) else {}
            names = _list(fields.get(field)) or _list(table.get("default_classes"))
            if names:
                return [name for name in names if isinstance(name, str)]
    return ()
