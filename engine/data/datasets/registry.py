"""All kinds of data sets by name; how to read each, and how to recognise a folder as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from engine.api.errors import DataError
from engine.data.datasets.annotation_files import (
    CATEGORIES_FILE,
    find_coco_files,
    find_voc_folders,
    load_coco_file,
    load_voc_folder,
    recognise_coco_files,
)
from engine.data.datasets.coco import find_coco_splits, load_coco
from engine.data.datasets.csra_json import find_official_splits, load_official, recognise_official
from engine.data.datasets.fiftyone import find_fiftyone, load_fiftyone
from engine.data.datasets.folder import find_folder_splits, load_folder, recognise_folder
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.reading import listed
from engine.data.datasets.voc import find_voc_years, load_voc, voc_splits
from engine.data.datasets.wider import find_wider_splits, load_wider
from engine.texts import display_path


class Load(Protocol):
    """Reads one split where it lies; ``DataError`` if it cannot."""

    def __call__(
        self, root: Path, split: str, *, strict: bool, check_files: bool, follow_links: bool
    ) -> LabelledImages:
        """See ``load_dataset``."""
        ...


@dataclass(frozen=True)
class DatasetSpec:
    """One kind of data set.

    Attributes:
        name: how it is asked for.
        title: for people.
        load: reads one split.
        splits: those that a folder has, without opening a file; none if it is not of this kind.
        recognised_splits: as ``splits``, but none where the folder may well be something else.
        aliases: other names.
    """

    name: str
    title: str
    load: Load
    splits: Callable[[Path], tuple[str, ...]]
    recognised_splits: Callable[[Path], tuple[str, ...]]
    aliases: tuple[str, ...] = ()


def _voc(year: int) -> DatasetSpec:
    def splits(root: Path) -> tuple[str, ...]:
        return voc_splits(root, year) if year in find_voc_years(root) else ()

    def recognised(root: Path) -> tuple[str, ...]:
        # With a list of its own it has other categories: one of our own exports.
        return () if (root / CATEGORIES_FILE).is_file() else splits(root)

    load = partial(load_voc, year=year)
    aliases = (f"voc{year % 100:02d}",)
    return DatasetSpec(f"voc{year}", f"PASCAL VOC {year}", load, splits, recognised, aliases)


def _coco(year: int, *aliases: str) -> DatasetSpec:
    load, splits = partial(load_coco, year=year), partial(find_coco_splits, year=year)
    return DatasetSpec(f"coco{year}", f"MS COCO {year}", load, splits, splits, aliases)


_SPECS = (
    _voc(2007),
    _voc(2012),
    _coco(2014, "coco", "coco14"),
    _coco(2017, "coco17"),
    DatasetSpec("wider", "WIDER Attribute", load_wider, find_wider_splits, find_wider_splits),
    DatasetSpec(
        "json",
        "JSON of the official code",
        load_official,
        find_official_splits,
        recognise_official,
    ),
    DatasetSpec(
        "cocojson",
        "COCO file of any tool",
        load_coco_file,
        find_coco_files,
        recognise_coco_files,
        ("coco-json", "roboflow"),
    ),
    DatasetSpec(
        "vocxml",
        "VOC XML of any tool",
        load_voc_folder,
        find_voc_folders,
        find_voc_folders,
        ("voc-xml",),
    ),
    DatasetSpec(
        "fiftyone",
        "FiftyOne image classification",
        load_fiftyone,
        find_fiftyone,
        find_fiftyone,
    ),
    DatasetSpec("folder", "folder with labels", load_folder, find_folder_splits, recognise_folder),
)

#: Name → kind, in the order in which a folder is tried.
DATASETS: dict[str, DatasetSpec] = {spec.name: spec for spec in _SPECS}

_BY_ALIAS = {alias: spec for spec in _SPECS for alias in (spec.name, *spec.aliases)}


def dataset_spec(name: str) -> DatasetSpec:
    """A kind of data set by its name or another of its names.

    Raises:
        DataError: nothing is called so.
    """
    try:
        return _BY_ALIAS[name.lower()]
    except KeyError:
        known = ", ".join(DATASETS)
        raise DataError(f"There is no data set called {name!r}; known are: {known}.") from None


def load_dataset(
    name: str,
    root: Path,
    split: str,
    *,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """Read one split of a data set where it lies.

    Args:
        name: of the kind of data set, see ``DATASETS``.
        root: its folder.
        split: ``train``, ``val``, ``trainval``, ``test`` or, for an undivided folder, ``all``.
        strict: take missing images and malformed entries for an error; otherwise they are left
            out and said in ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of the data set's folder; otherwise
            they are left out and said in ``problems``, as the maker of a data set might point
            anywhere.

    Raises:
        DataError: there is no such data set or split, it is malformed, or nothing is left of it.
    """
    spec = dataset_spec(name)
    if not root.exists():
        raise DataError(f"There is no folder {display_path(root)}.")
    images = spec.load(
        root, split, strict=strict, check_files=check_files, follow_links=follow_links
    )
    if missing := images.categories_without_positives():
        sentence = f"Categories that no image has ({len(missing)}): {listed(missing)}."
        images = replace(images, problems=(*images.problems, sentence))
    return images


def recognise(root: Path) -> tuple[str, tuple[str, ...]] | None:
    """Which data set a folder or file is, by the names of a few files; nothing is opened.

    Returns:
        The name of its kind and its splits, or ``None`` if it may be any folder.
    """
    try:
        found = ((spec.name, spec.recognised_splits(root)) for spec in _SPECS)
        return next(((name, splits) for name, splits in found if splits), None)
    except (OSError, DataError):
        return None
