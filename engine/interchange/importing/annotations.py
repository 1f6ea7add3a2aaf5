"""Labels of many photos in files of their own: lists, COCO, VOC, and what we export ourselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.api.errors import DataError
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.registry import dataset_spec, load_dataset, recognise
from engine.interchange.importing.values import FoundPhoto, ImportSource, LabelImportError
from engine.texts import display_path

#: Endings of files that list photos with labels; all others belong to photos.
LIST_SUFFIXES = (".csv", ".jsonl", ".json", ".xml")
# Kinds of data sets, in the order in which they are tried.
_KINDS = {
    ImportSource.CSV: ("folder",),
    ImportSource.JSON: ("folder", "json", "fiftyone", "cocojson"),
    ImportSource.COCO: ("cocojson", "coco2014", "coco2017"),
    ImportSource.VOC: ("vocxml", "voc2007", "voc2012"),
}


def is_list(path: Path) -> bool:
    """Whether a file lists photos, or a folder is a data set, by names alone."""
    return bool(_kinds(path, None)) or path.suffix.lower() in LIST_SUFFIXES


def read_list(
    path: Path, source: ImportSource | None = None
) -> tuple[list[FoundPhoto], tuple[str, ...]]:
    """The photos with labels in a file or a data set's folder, and what its reader says of it.

    Where a photo is a link, as in some exports, what it leads to is meant.

    Args:
        path: the file or folder.
        source: what it is; ``None`` to tell by its name and content.

    Raises:
        LabelImportError: it is none of the kinds that are asked for.
    """
    place = path.parent if path.suffix.lower() == ".xml" else path
    reasons: list[str] = []
    for kind in _kinds(place, source):
        splits = dataset_spec(kind).splits(place)
        try:
            parts = [load_dataset(kind, place, split, follow_links=True) for split in splits]
        except DataError as error:
            reasons.append(str(error))
            continue
        if parts:
            said = tuple(dict.fromkeys(p for part in parts for p in part.problems))
            return _merged(parts), said
    what = reasons[0] if reasons else f"{display_path(path)} lists no photos with labels."
    raise LabelImportError(what)


def _kinds(place: Path, source: ImportSource | None) -> tuple[str, ...]:
    if source is not None:
        return _KINDS[source]
    suffix = place.suffix.lower() if place.is_file() else ""
    if place.is_file() and suffix not in LIST_SUFFIXES:
        return ()
    if suffix in (".csv", ".jsonl"):
        return ("folder",)
    if suffix == ".json":
        return ("cocojson", "json")
    found = recognise(place)
    if found is None and dataset_spec("json").splits(place):
        return ("json",)
    return () if found is None else (found[0],)


def _merged(parts: list[LabelledImages]) -> list[FoundPhoto]:
    """Each photo once, whatever splits it is in."""
    given: dict[Path, dict[str, None]] = {}
    wrong: dict[Path, dict[str, None]] = {}
    for part in parts:
        for photo, names, rejected in _rows(part):
            given.setdefault(photo, {}).update(dict.fromkeys(names))
            wrong.setdefault(photo, {}).update(dict.fromkeys(rejected))
    return [
        FoundPhoto(photo, tuple(names), tuple(n for n in wrong[photo] if n not in names))
        for photo, names in given.items()
    ]


def _rows(part: LabelledImages) -> Iterator[tuple[Path, list[str], list[str]]]:
    names = tuple(part.categories)
    for row, path in enumerate(part.paths):
        rejected = () if part.rejected is None else np.flatnonzero(part.rejected[row]).tolist()
        yield (
            _led_to(path),
            [names[place] for place in np.flatnonzero(part.targets[row]).tolist()],
            [names[place] for place in rejected],
        )


def _led_to(path: Path) -> Path:
    try:
        target = path.readlink()
    except (OSError, ValueError):
        return Path(os.path.abspath(path))  # noqa: PTH100 - the library doesn't follow links
    return Path(os.path.abspath(path.parent / target))  # noqa: PTH100
