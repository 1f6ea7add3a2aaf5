"""Annotation files of other tools: COCO's JSON and VOC's XML with categories of one's own.

Roboflow, CVAT and Label Studio write these two forms under names and in folders of their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.data.datasets.annotation_places import SPLITS, WHOLE, coco_file, names_of_split
from engine.data.datasets.category_reader import CategoryReader, spelt_once
from engine.data.datasets.coco import labelled_images, read_tables, tell_of_unlabelled
from engine.data.datasets.labelled import LabelledImages, empty_targets
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.reading import FaultLog, read_text
from engine.data.datasets.voc import (
    VocKnown,
    VocObject,
    annotation_file,
    listed_name,
    read_known,
    read_objects,
    voc_labels,
)
from engine.texts import display_path

#: All categories of one of our own exports, in order.
CATEGORIES_FILE = "categories.txt"
_XML_FOLDERS = ("Annotations", "annotations", "labels", ".")
_PICTURE_FOLDERS = ("JPEGImages", "images", "Images", ".")
# So many names tell in which folder the pictures lie.
_TRIED = 200


def load_coco_file(
    root: Path,
    split: str = WHOLE,
    *,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """A COCO file of any tool, with its own categories; the pictures lie beside or below it.

    Images without annotations are left out: nobody can tell whether they were looked at.

    Args:
        root: the file, or the folder that holds it.
        split: ``all`` for a file or an undivided folder.
        strict: take missing images and malformed entries for an error; otherwise they are left
            out and said in ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: there is no such file, it is malformed, or nothing is left of it.
    """
    file = root if root.is_file() and split == WHOLE else coco_file(root, split)
    if file is None:
        raise _no_split(root, split, find_coco_files(root), "a COCO file")
    log = FaultLog(strict=strict)
    tables = read_tables(file, log)
    labelled = tables.labelled()
    tell_of_unlabelled(tables, len(labelled), (0, split), log)
    top = file.parent.parent if file.parent.name.lower() == "annotations" else file.parent
    names = ("default", *names_of_split(split))
    folders = [top / part / name for name in names for part in ("images", ".")]
    folders += [top / "images", top]
    wanted = [tables.images[i] for i in labelled]
    pictures = PictureFolder(
        _best_folder(folders, wanted),
        check_files=check_files,
        log=log,
        follow_links=follow_links,
    )
    name = file.stem if root.is_file() else f"{root.name} {split}"
    return labelled_images(name, file, tables, labelled, pictures, log)


def find_coco_files(root: Path) -> tuple[str, ...]:
    """The splits of a folder that have a COCO file by one of the usual names; none is opened."""
    if root.is_file():
        return (WHOLE,) if root.suffix.lower() == ".json" else ()
    return tuple(split for split in (*SPLITS, WHOLE) if coco_file(root, split) is not None)


def recognise_coco_files(root: Path) -> tuple[str, ...]:
    """As ``find_coco_files``, but not for a file: it may be of the official code."""
    return find_coco_files(root) if root.is_dir() else ()


def load_voc_folder(
    root: Path,
    split: str = WHOLE,
    *,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """VOC XML of any tool, with its own categories; the pictures lie beside it or in a folder.

    A picture is found by the name of its XML file, whatever stands inside as its file name.

    Args:
        root: the folder with ``Annotations``, or with the XML files beside the pictures.
        split: of ``ImageSets/Main``, or a folder named so; ``all`` if there are none.
        strict: take missing images and malformed files for an error; otherwise they are left out
            and said in ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: there is no such split, or nothing is left of it.
    """
    if split not in (there := find_voc_folders(root)):
        raise _no_split(root, split, there, "VOC XML files")
    log = FaultLog(strict=strict)
    folder, names = _xml_names(root, split)
    stems = [name.replace("\\", "/").rpartition("/")[2] for name in names]
    pictures = PictureFolder(
        _best_folder([folder.parent / name for name in _PICTURE_FOLDERS] + [folder], stems, ".jpg"),
        check_files=check_files,
        log=log,
        follow_links=follow_links,
    )
    found = pictures.find_stems(stems)
    annotations: dict[str, list[VocObject]] = {}
    known: dict[str, VocKnown] = {}
    for stem in stems:
        xml = annotation_file(folder, stem)
        objects = read_objects(xml, log)
        if objects is not None and stem in found:
            annotations[stem] = objects
            if (said := read_known(xml)) is not None:
                known[stem] = said
    log.check_any_left(len(annotations), f"The split {split!r} of {display_path(root)}")
    categories = _own_categories(annotations.values(), root, is_ours=bool(known))
    ids = tuple(annotations)
    targets, ignored, boxes, unclear = voc_labels(categories, tuple(annotations.values()), ids, log)
    untold, rejected = _known([known.get(stem) for stem in ids], categories)
    untold &= ~targets
    log.check()
    return LabelledImages(
        name=f"{root.name} {split}",
        categories=categories,
        paths=tuple(found[stem] for stem in ids),
        targets=targets,
        ignored=ignored | untold,
        ids=ids,
        objects=boxes,
        problems=log.problems(),
        unclear=unclear | np.any(untold, axis=1),
        rejected=rejected & ~targets,
    )


def find_voc_folders(root: Path) -> tuple[str, ...]:
    """The splits of a folder with VOC XML; nothing is opened."""
    if not root.is_dir():
        return ()
    lists = root / "ImageSets" / "Main"
    listed = [split for split in SPLITS if (lists / f"{split}.txt").is_file()]
    if listed:
        return tuple(listed) if _xml_folder(root) else ()
    folders = [s for s in SPLITS if any(_xml_folder(root / n) for n in names_of_split(s))]
    whole = [WHOLE] if _xml_folder(root) else []
    return (*folders, *whole)


def _xml_folder(root: Path) -> Path | None:
    for name in _XML_FOLDERS:
        folder = root / name
        if folder.is_dir() and next(_xml_files(folder), None) is not None:
            return folder
    return None


def _xml_names(root: Path, split: str) -> tuple[Path, list[str]]:
    """The folder of a split's XML files, and their names without endings, sorted."""
    file = root / "ImageSets" / "Main" / f"{split}.txt"
    if file.is_file():
        lines = (listed_name(line) for line in read_text(file).splitlines())
        return _xml_folder(root) or root, sorted({line for line in lines if line})
    tops = [root] if split == WHOLE else [root / name for name in names_of_split(split)]
    folder = next(folder for top in tops if (folder := _xml_folder(top)) is not None)
    return folder, sorted(path.stem for path in _xml_files(folder))


def _xml_files(folder: Path) -> Iterator[Path]:
    # As glob does, which takes a folder that cannot be listed for an empty one.
    with contextlib.suppress(OSError):
        yield from (path for path in folder.iterdir() if path.suffix.lower() == ".xml")


def _best_folder(folders: Iterable[Path], names: Sequence[str], ending: str = "") -> Path:
    """That in which the most of the first names are."""
    there = [folder for folder in dict.fromkeys(folders) if folder.is_dir()]

    def found(folder: Path) -> int:
        log = FaultLog(strict=False)  # only to count; what is really taken is told elsewhere
        pictures = PictureFolder(folder, check_files=True, log=log, follow_links=True)
        return len(pictures.find_all(f"{name}{ending}" for name in names[:_TRIED]))

    return max(there, key=found)


def _known(
    known: Sequence[VocKnown | None], categories: Categories
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N, C) each: what one of our own exports says that nobody knows, and that is wrong."""
    untold = empty_targets(len(known), len(categories))
    rejected = np.zeros_like(untold)
    reader = CategoryReader(categories)
    for row, said in enumerate(known):
        if said is not None:
            untold[row] = said.is_partial
            for names, value in ((said.absent, False), (said.unknown, True)):
                places = (reader.place(name) for name in names)
                untold[row, [place for place in places if place is not None]] = value
            places = (reader.place(name) for name in said.rejected)
            rejected[row, [place for place in places if place is not None]] = True
    return untold, rejected


def _own_categories(
    annotations: Iterable[Sequence[VocObject]], root: Path, *, is_ours: bool
) -> Categories:
    """Those of the objects; of our own export, those of its list."""
    names = spelt_once(item.category for objects in annotations for item in objects)
    if is_ours and (root / CATEGORIES_FILE).is_file():
        lines = read_text(root / CATEGORIES_FILE).splitlines()
        names = tuple(dict.fromkeys([name for line in lines if (name := line.strip())]))
    try:
        return Categories(names)
    except ConfigError as error:
        raise DataError(f"The categories of {display_path(root)}: {error}") from error


def _no_split(root: Path, split: str, there: Sequence[str], what: str) -> DataError:
    listed = ", ".join(there) or "none"
    return DataError(
        f"{display_path(root)} has no {what} of the split {split!r}; it has: {listed}."
    )
