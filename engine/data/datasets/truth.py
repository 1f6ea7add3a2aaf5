"""True labels by themselves, in any form that is read here; the photos need not be there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.data.datasets.array_files import (
    CATEGORY_KEYS,
    NAME_KEYS,
    ignored_as_in,
    load_array,
    load_arrays,
    names_in,
    truth_of,
)
from engine.data.datasets.labelled import LabelledImages, numbered_categories
from engine.data.datasets.reading import read_json
from engine.data.datasets.registry import DATASETS, dataset_spec, load_dataset, recognise
from engine.texts import display_name, display_path

#: The kind of labels in an array.
ARRAYS = "arrays"
_WHOLE = "all"


@dataclass(frozen=True, eq=False)
class Truth:
    """Labels and where they are from.

    Attributes:
        images: with their labels; the paths may lead nowhere.
        kind: of data set.
        split: of it.
        has_names: whether the labels say which image each row is.
    """

    images: LabelledImages
    kind: str
    split: str
    has_names: bool = True


def load_truth(path: Path, kind: str = "", split: str = "") -> Truth:
    """Read labels.

    Args:
        path: ``.npz`` with arrays ``targets`` (N, C), ``ids``, ``categories`` and perhaps
            ``ignored``, ``.npy`` with targets alone, a file or folder of any data set that is read
            here (CSV, JSON lines, COCO file, VOC folder, the official JSON, …).
        kind: of data set, see ``DATASETS``; empty finds out.
        split: of it; empty takes the only one.

    Raises:
        DataError: there is no such file, its kind or split cannot be told, or it is malformed.
    """
    if not path.exists():
        raise DataError(f"There are no labels at {display_path(path)}.")
    if path.suffix.lower() in (".npz", ".npy"):
        return _from_arrays(path)
    kind, splits = _kind_of(path, kind)
    if not split:
        if len(splits) != 1:
            there = ", ".join(splits)
            raise DataError(
                f"{display_path(path)} has the splits {there}; say which."
            ).with_options("--split")
        split = splits[0]
    return Truth(load_dataset(kind, path, split, check_files=False), kind, split)


def _kind_of(path: Path, kind: str) -> tuple[str, tuple[str, ...]]:
    if not kind and path.is_file() and path.suffix.lower() == ".json":
        content = read_json(path)
        kind = "cocojson" if isinstance(content, dict) else "json"
    if kind:
        spec = dataset_spec(kind)
        splits = spec.splits(path)
        if not splits:
            raise DataError(f"{display_path(path)} does not look like {spec.title}.")
        return spec.name, splits
    found = recognise(path)
    if found is None:
        raise DataError(
            f"What kind of labels {display_path(path)} holds cannot be told; say it."
        ).with_options(f"--dataset with one of {', '.join(DATASETS)}")
    return found


def _from_arrays(path: Path) -> Truth:
    is_one = path.suffix.lower() == ".npy"
    arrays = {"targets": load_array(path)} if is_one else load_arrays(path)
    targets, ignored = truth_of(arrays, path)
    if targets is None or ignored is None:
        raise DataError(
            f"{display_name(path)} has no table of labels (images × categories) of 1 and 0; call "
            "it targets."
        )
    names = names_in(arrays, NAME_KEYS)
    categories = names_in(arrays, CATEGORY_KEYS)
    for what, found, count in (
        ("images", names, len(targets)),
        ("categories", categories, targets.shape[1]),
    ):
        if found and len(found) != count:
            raise DataError(
                f"{display_name(path)} names {len(found)} {what} for {count} of labels."
            )
    ids = names or tuple(f"row {row}" for row in range(1, len(targets) + 1))
    try:
        images = LabelledImages(
            name=path.stem,
            categories=Categories(categories or numbered_categories(count)),
            paths=tuple(map(Path, ids)),
            targets=targets,
            ignored=ignored & ~targets,
            ids=ids,
            ignored_as=ignored_as_in(arrays),
        )
    except ConfigError as error:
        raise DataError(f"The categories of {display_name(path)}: {error}") from error
    return Truth(images, ARRAYS, _WHOLE, has_names=bool(names))
