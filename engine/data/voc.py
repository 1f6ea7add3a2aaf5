"""PASCAL VOC in its official layout, read where it lies."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from engine.categories import Categories
from engine.data.labelled import LabelledImages
from engine.errors import DataError
from engine.resources import resource_path

_MAX_ANNOTATION_BYTES = 10 * 2**20


def voc_categories() -> Categories:
    """The 20 VOC categories in their official, alphabetical order."""
    text = resource_path("categories", "voc.txt").read_text(encoding="utf-8")
    return Categories(tuple(text.split()))


def load_voc(root: Path, split: str, year: int = 2007) -> LabelledImages:
    """One split of a VOC devkit, sorted as its list is.

    A category of which an image has only difficult objects is ignored for that image.

    Args:
        root: ``VOC2007`` itself or a folder above it (``VOCdevkit``, or what it was unpacked to).
        split: ``train``, ``val``, ``trainval`` or ``test``.
        year: of the devkit.

    Raises:
        DataError: the devkit, the list, or an annotation is missing or malformed.
    """
    folder = _devkit(root, year)
    names = _image_names(folder, split)
    categories = voc_categories()
    targets = np.zeros((len(names), len(categories)), dtype=np.bool_)
    difficult = np.zeros_like(targets)
    for row, name in enumerate(names):
        for category, is_difficult in _objects(folder / "Annotations" / f"{name}.xml"):
            if category in categories:
                marked = difficult if is_difficult else targets
                marked[row, categories.index_of(category)] = True
    return LabelledImages(
        name=f"VOC{year} {split}",
        categories=categories,
        paths=tuple(folder / "JPEGImages" / f"{name}.jpg" for name in names),
        targets=targets,
        ignored=difficult & ~targets,
    )


def _devkit(root: Path, year: int) -> Path:
    for folder in (root, root / f"VOC{year}", root / "VOCdevkit" / f"VOC{year}"):
        if (folder / "ImageSets" / "Main").is_dir() and (folder / "JPEGImages").is_dir():
            return folder
    raise DataError(
        f"No VOC{year} data set in {root}. Give the folder that holds JPEGImages, Annotations and "
        "ImageSets, or the VOCdevkit above it."
    )


def _image_names(folder: Path, split: str) -> list[str]:
    path = folder / "ImageSets" / "Main" / f"{split}.txt"
    try:
        names = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The split {split!r} cannot be read from {path}: {error}.") from error
    if not names:
        raise DataError(f"The split {split!r} in {path} lists no images.")
    if bad := [name for name in names if "/" in name or "\\" in name or ".." in name]:
        raise DataError(f"{path} lists {bad[0]!r}, which is not an image's name.")
    return names


def _objects(path: Path) -> list[tuple[str, bool]]:
    """(category, difficult) of each object in an annotation file."""
    try:
        if path.stat().st_size > _MAX_ANNOTATION_BYTES:
            raise DataError(f"{path} is too large for an annotation.")
        root: Element = parse(path, forbid_dtd=True).getroot()
    except (OSError, ParseError, DefusedXmlException, ValueError) as error:
        raise DataError(f"The annotation {path} cannot be read: {error}.") from error
    return [
        ((item.findtext("name") or "").strip(), (item.findtext("difficult") or "0").strip() == "1")
        for item in root.iter("object")
    ]
