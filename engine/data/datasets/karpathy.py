"""Karpathy's splits of COCO and Flickr30k: their split column over the labels of COCO files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from engine.api.errors import DataError
from engine.data.datasets.annotation_places import WHOLE, coco_file
from engine.data.datasets.coco import CocoTables, labelled_images, read_tables
from engine.data.datasets.json_stream import json_entries
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.picture_places import first_folder
from engine.data.datasets.reading import FaultLog, listed
from engine.texts import display_path

_FILES = ("dataset_coco.json", "dataset_flickr30k.json", "dataset_flickr8k.json")
_PLACES = (".", "karpathy", "caption_datasets", "annotations")
_COCO_SPLITS = ("train", "restval", "trainrestval", "val", "test")
_OTHER_SPLITS = ("train", "val", "test")
_MEANS = {"trainrestval": ("train", "restval")}
# Where the folders that the file names for COCO lie, and where Flickr's pictures do.
_PICTURES = ("images", "flickr30k-images", "flickr30k_images", "Flicker8k_Dataset", "Images", ".")


@dataclass(frozen=True)
class _Listed:
    """One picture of the file: the folder that it names, if any, and the name."""

    folder: str
    name: str


def load_karpathy(
    root: Path,
    split: str,
    *,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """One of Karpathy's splits, with labels from COCO files.

    The file itself has captions, no labels: those of COCO's objects are read from
    ``annotations/instances_train2014.json`` and ``instances_val2014.json``, those of Flickr30k from
    a COCO file of one's own (``annotations.json``). Images without annotations are left out.

    Args:
        root: the folder with the file, or the file; the COCO files and the pictures lie there too,
            or one folder higher where it lies in ``karpathy`` or ``annotations``.
        split: ``train``, ``restval``, ``trainrestval`` for both, ``val`` or ``test``.
        strict: take missing images and malformed entries for an error; otherwise they are left
            out and said in ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: there is no such split or no file of labels, one is malformed, or nothing is
            left of it.
    """
    file = _file(root)
    if file is None or split not in find_karpathy(root):
        there = ", ".join(find_karpathy(root)) or "none"
        raise DataError(
            f"{display_path(root)} has no Karpathy split {split!r}; it has: {there}. Give the "
            "folder that holds dataset_coco.json or dataset_flickr30k.json, and annotations."
        )
    log = FaultLog(strict=strict)
    top = root if root.is_dir() else file.parent
    is_alone = not (top / "annotations").is_dir() and coco_file(top, WHOLE) is None
    if is_alone and top.name in _PLACES:
        top = top.parent
    wanted = _wanted(file, _MEANS.get(split, (split,)), log)
    tables = _tables(top, {item.folder for item in wanted.values()} - {""}, file, log)
    tables = replace(tables, images=_places(tables, wanted, log))
    labelled = tables.labelled()
    if left_out := len(tables.images) - len(labelled):
        log.note(f"{left_out} of {len(tables.images)} images have no annotation and do not count.")
    place = _picture_folder(top, wanted)
    pictures = PictureFolder(place, check_files=check_files, log=log, follow_links=follow_links)
    return labelled_images(f"Karpathy {split}", file, tables, labelled, pictures, log)


def find_karpathy(root: Path) -> tuple[str, ...]:
    """The splits of the file that is there; it is not opened."""
    file = _file(root)
    if file is None:
        return ()
    return _COCO_SPLITS if file.name == _FILES[0] else _OTHER_SPLITS


def _file(root: Path) -> Path | None:
    if root.is_file():
        return root if root.name in _FILES else None
    files = (root / place / name for name in _FILES for place in _PLACES)
    return next((file for file in files if file.is_file()), None)


def _wanted(file: Path, splits: Sequence[str], log: FaultLog) -> dict[str, _Listed]:
    """Name → where it lies, of the pictures of the splits."""
    wanted: dict[str, _Listed] = {}
    there: dict[str, None] = {}
    for number, entry in json_entries(file, "images"):
        row: dict[str, Any] = entry if isinstance(entry, dict) else {}
        name, split, folder = row.get("filename"), row.get("split"), row.get("filepath", "")
        if not isinstance(name, str) or not isinstance(split, str) or not isinstance(folder, str):
            log.add("Images without filename and split", f"image {number} of {file.name}")
            continue
        there[split] = None
        if split in splits:
            wanted.setdefault(name, _Listed(folder, name))
    if not wanted:
        raise DataError(
            f"{display_path(file)} puts no image into {' or '.join(splits)}; it has: "
            f"{listed(there) or 'none'}."
        )
    return wanted


def _tables(top: Path, folders: set[str], file: Path, log: FaultLog) -> CocoTables:
    """The labels of the folders that the file names, as one."""
    if folders:
        names = [f"instances_{folder}.json" for folder in sorted(folders)]
        files = [_beside(top, name) for name in names]
    else:
        names = ["annotations.json"]
        files = [coco_file(top, WHOLE)]
    missing = [name for name, found in zip(names, files, strict=True) if found is None]
    if missing:
        raise DataError(
            f"{display_path(file)} has captions and no labels. Put a COCO file of labels, "
            f"{' and '.join(missing)}, into {display_path(top / 'annotations')}."
        )
    tables = [read_tables(found, log) for found in files if found is not None]
    first = tables[0]
    for table, name in zip(tables[1:], names[1:], strict=True):
        if tuple(table.categories) != tuple(first.categories):
            raise DataError(f"{names[0]} and {name} have other categories; they must be the same.")
    return CocoTables(
        first.categories,
        first.columns,
        {image: name for table in tables for image, name in table.images.items()},
        {image: rows for table in tables for image, rows in table.annotations.items()},
        {image for table in tables for image in table.unclear},
        {image: said for table in tables for image, said in table.known.items()},
    )


def _beside(top: Path, name: str) -> Path | None:
    files = (top / "annotations" / name, top / name)
    return next((file for file in files if file.is_file()), None)


def _places(tables: CocoTables, wanted: dict[str, _Listed], log: FaultLog) -> dict[int | str, str]:
    """Image id → where its picture lies, of the pictures that are wanted."""
    places: dict[int | str, str] = {}
    left = dict.fromkeys(wanted)
    for image, inside in tables.images.items():
        name = PurePosixPath(inside.replace("\\", "/")).name
        if name in wanted:
            item = wanted[name]
            places[image] = f"{item.folder}/{name}" if item.folder else inside
            left.pop(name, None)
    for name in left:
        log.add("Images of the split that the file of labels does not have", name)
    return places


def _picture_folder(top: Path, wanted: dict[str, _Listed]) -> Path:
    folder = next(iter(wanted.values())).folder
    if not folder:
        return top / first_folder(top, _PICTURES)
    return top / "images" if (top / "images" / folder).is_dir() else top
