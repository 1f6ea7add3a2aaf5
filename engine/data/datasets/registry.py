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
from engine.data.datasets.fiftyone_samples import (
    find_fiftyone_samples,
    load_fiftyone_samples,
    with_field,
)
from engine.data.datasets.folder import find_folder_splits, load_folder, recognise_folder
from engine.data.datasets.imagefolder import find_imagefolder, load_imagefolder, with_column
from engine.data.datasets.karpathy import find_karpathy, load_karpathy
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.nus_wide import find_nus_wide, load_nus_wide
from engine.data.datasets.open_images import find_open_images, load_open_images
from engine.data.datasets.reading import listed
from engine.data.datasets.visual_genome import (
    ATTRIBUTES,
    OBJECTS,
    LabelFile,
    find_visual_genome,
    load_visual_genome,
    recognise_visual_genome,
    with_count,
)
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
        with_option: reads it by what stands after a colon in its name (``visualgenome:200``); it
            raises ``DataError`` for what makes no sense. ``None`` where nothing may stand there.
    """

    name: str
    title: str
    load: Load
    splits: Callable[[Path], tuple[str, ...]]
    recognised_splits: Callable[[Path], tuple[str, ...]]
    aliases: tuple[str, ...] = ()
    with_option: Callable[[str], Load] | None = None


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


def _visual_genome(what: LabelFile, name: str, *aliases: str) -> DatasetSpec:
    return DatasetSpec(
        name,
        f"Visual Genome {what.name.partition('.')[0]}",
        partial(load_visual_genome, what=what),
        partial(find_visual_genome, what=what),
        partial(recognise_visual_genome, what=what),
        aliases,
        partial(with_count, what),
    )


_SPECS = (
    _voc(2007),
    _voc(2012),
    _coco(2014, "coco", "coco14"),
    _coco(2017, "coco17"),
    DatasetSpec("wider", "WIDER Attribute", load_wider, find_wider_splits, find_wider_splits),
    DatasetSpec(
        "openimages",
        "Open Images",
        load_open_images,
        find_open_images,
        find_open_images,
        ("open-images",),
    ),
    DatasetSpec("nuswide", "NUS-WIDE", load_nus_wide, find_nus_wide, find_nus_wide, ("nus-wide",)),
    _visual_genome(OBJECTS, "visualgenome", "visual-genome", "vg"),
    _visual_genome(ATTRIBUTES, "visualgenome-attributes", "vg-attributes"),
    DatasetSpec("karpathy", "Karpathy's splits", load_karpathy, find_karpathy, find_karpathy),
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
    DatasetSpec(
        "fiftyone-samples",
        "FiftyOne data set",
        load_fiftyone_samples,
        find_fiftyone_samples,
        find_fiftyone_samples,
        ("fiftyonedataset",),
        with_field,
    ),
    DatasetSpec(
        "imagefolder",
        "Hugging Face imagefolder",
        load_imagefolder,
        find_imagefolder,
        find_imagefolder,
        ("huggingface", "hf"),
        with_column,
    ),
    DatasetSpec("folder", "folder with labels", load_folder, find_folder_splits, recognise_folder),
)

#: Name → kind, in the order in which a folder is tried.
DATASETS: dict[str, DatasetSpec] = {spec.name: spec for spec in _SPECS}

_BY_ALIAS = {alias: spec for spec in _SPECS for alias in (spec.name, *spec.aliases)}


def dataset_spec(name: str) -> DatasetSpec:
    """A kind of data set by its name or another of its names, perhaps with an option.

    Args:
        name: ``voc2007``, or with what the reader shall know: ``visualgenome:200``.

    Raises:
        DataError: nothing is called so, or the option makes no sense.
    """
    plain, colon, option = name.partition(":")
    spec = _BY_ALIAS.get(plain.lower())
    if spec is None:
        known = ", ".join(DATASETS)
        raise DataError(f"There is no data set called {name!r}; known are: {known}.")
    if not colon:
        return spec
    if spec.with_option is None or not option:
        takes = ", ".join(spec.name for spec in _SPECS if spec.with_option is not None)
        raise DataError(
            f"{name!r:.80}: {'nothing follows' if not option else plain + ' takes nothing after'} "
            f"the colon. Those that do are: {takes}."
        )
    return replace(spec, load=spec.with_option(option))


def load_dataset(
    name: str,
    root: Path | str,
    split: str,
    *,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """Read one split of a data set where it lies.

    Args:
        name: of the kind of data set, see ``dataset_spec``.
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
    spec, root = dataset_spec(name), Path(root)
    if not root.exists():
        raise DataError(f"There is no folder {display_path(root)}.")
    root = root if root.name else root.absolute()  # data sets are called by it: "." has no name
    images = spec.load(
        root, split, strict=strict, check_files=check_files, follow_links=follow_links
    )
    if missing := images.categories_without_positives():
        sentence = f"Categories that no image has ({len(missing)}): {listed(missing)}."
        images = replace(images, problems=(*images.problems, sentence))
    return images


def recognise(root: Path | str) -> tuple[str, tuple[str, ...]] | None:
    """Which data set the folder or file ``root`` is, by the names of a few files.

    Nothing is opened. Raises nothing: what cannot be looked at is not recognised.

    Returns:
        The name of its kind and its splits, or ``None`` if it may be any folder.
    """
    try:
        found = ((spec.name, spec.recognised_splits(Path(root))) for spec in _SPECS)
        return next(((name, splits) for name, splits in found if splits), None)
    except (OSError, DataError):
        return None
