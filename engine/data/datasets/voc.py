"""PASCAL VOC in its official layout, read where it lies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from numpy.typing import NDArray

from engine.api.categories import Categories, shipped_categories
from engine.api.errors import DataError
from engine.data.datasets.category_reader import CategoryReader, ignore_untold
from engine.data.datasets.labelled import LabelledImages, ObjectBox, empty_targets
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.reading import MAX_COORDINATE, FaultLog, read_bytes, read_text
from engine.data.kinds import IMAGE_SUFFIXES
from engine.texts import display_path

#: The official splits, in the order of their use.
VOC_SPLITS = ("train", "val", "trainval", "test")

# Real ones have at most a few dozen KiB. A tree in memory is many times larger than its text.
_MAX_ANNOTATION_BYTES = 2 << 20
_YEAR_FOLDER = re.compile(r"VOC(20\d\d)", re.IGNORECASE)
# The declaration up to its end; files in UTF-16 do not match and are left to the parser.
_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["'][^>]*\?>""")
# Not all that Python knows is a way to write down text.
_SCRIPTS = re.compile(r"windows|cp\d|iso|gb|big5|euc|shift|sjis|koi8|mac|utf|latin|ks_c|tis", re.I)
_PARSERS_OWN = frozenset({b"utf-8", b"us-ascii", b"ascii", b"iso-8859-1", b"utf-16"})
_YES = frozenset({"1", "1.0", "true", "yes"})
_CODE = re.compile(r"\s+-?[01]$")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class VocObject:
    """One object of an annotation file; ``box`` is as in ``ObjectBox``."""

    category: str
    is_difficult: bool
    box: tuple[float, float, float, float] | None


def load_voc(
    root: Path,
    split: str,
    year: int = 2007,
    *,
    strict: bool = True,
    check_files: bool = False,
    follow_links: bool = False,
) -> LabelledImages:
    """One split of a VOC devkit, sorted by name.

    A category of which an image has only difficult objects is ignored for that image.

    Args:
        root: ``VOC2007`` itself or a folder above it (``VOCdevkit``, or what it was unpacked to).
        split: ``train``, ``val``, ``trainval`` or ``test``.
        year: of the devkit.
        strict: take annotations that are missing or malformed, and with ``check_files`` missing
            images, for an error; otherwise they are left out and said in ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: the devkit or the list is missing or malformed, or nothing is left of it.
    """
    folder = _devkit(root, year)
    log = FaultLog(strict=strict)
    pictures = PictureFolder(
        folder / "JPEGImages", check_files=check_files, log=log, follow_links=follow_links
    )
    ids, paths, annotations = [], [], []
    names = _image_names(folder, split, log)
    found = pictures.find_stems(names)
    for name in names:
        path = found.get(name)
        objects = read_objects(annotation_file(folder / "Annotations", name), log)
        if path is not None and objects is not None:
            ids.append(name)
            paths.append(path)
            annotations.append(objects)
    log.check()
    log.check_any_left(len(ids), f"The split {split!r} of {display_path(folder)}")
    targets, ignored, boxes, unclear = voc_labels(shipped_categories("voc"), annotations, ids, log)
    return LabelledImages(
        name=f"VOC{year} {split}",
        categories=shipped_categories("voc"),
        paths=tuple(paths),
        targets=targets,
        ignored=ignored,
        ids=tuple(ids),
        objects=boxes,
        problems=log.problems(),
        unclear=unclear,
        ignored_as="difficult",
    )


def read_voc_objects(file: Path) -> tuple[VocObject, ...]:
    """The objects of one annotation file.

    Raises:
        DataError: it cannot be read, or something in it makes no sense.
    """
    log = FaultLog(strict=True)
    objects = read_objects(file, log)
    log.check()
    return tuple(objects or ())


def find_voc_years(root: Path) -> tuple[int, ...]:
    """The years of the devkits in or at a folder; nothing is opened."""
    if _is_devkit(root):
        named = _YEAR_FOLDER.fullmatch(root.name)
        return (int(named[1]) if named else 2007,)
    return tuple(
        year
        for year in range(2007, 2013)
        if any(_is_devkit(folder) for folder in _below(root, year))
    )


def voc_splits(root: Path, year: int) -> tuple[str, ...]:
    """The official splits that a devkit has a list of.

    Raises:
        DataError: there is no such devkit.
    """
    lists = _devkit(root, year) / "ImageSets" / "Main"
    return tuple(split for split in VOC_SPLITS if _list_files(lists, split))


def voc_labels(
    categories: Categories,
    annotations: Sequence[Sequence[VocObject]],
    ids: Sequence[str],
    log: FaultLog,
) -> tuple[
    NDArray[np.bool_], NDArray[np.bool_], tuple[tuple[ObjectBox, ...], ...], NDArray[np.bool_]
]:
    """Targets and ignore mask (N, C), the boxes of each image, and which are unclear (N,)."""
    reader = CategoryReader(categories)
    targets = empty_targets(len(ids), len(categories))
    difficult = np.zeros_like(targets)
    is_unclear = np.zeros(len(ids), dtype=np.bool_)
    boxes: list[tuple[ObjectBox, ...]] = []
    for row, objects in enumerate(annotations):
        found = []
        for item in objects:
            column = reader.read(item.category, ids[row], log)
            if column is None:
                is_unclear[row] |= not reader.is_something_else(item.category)
                continue
            (difficult if item.is_difficult else targets)[row, column] = True
            if item.box is not None:
                found.append(ObjectBox(column, item.box, is_difficult=item.is_difficult))
        boxes.append(tuple(found))
    ignored = (difficult & ~targets) | ignore_untold(targets, is_unclear)
    return targets, ignored, tuple(boxes), is_unclear


def _below(root: Path, year: int) -> tuple[Path, Path]:
    return root / f"VOC{year}", root / "VOCdevkit" / f"VOC{year}"


def _is_devkit(folder: Path) -> bool:
    return (folder / "ImageSets" / "Main").is_dir() and (folder / "JPEGImages").is_dir()


def _devkit(root: Path, year: int) -> Path:
    for folder in (root, *_below(root, year)):
        named = _YEAR_FOLDER.fullmatch(folder.name)
        if _is_devkit(folder) and (named is None or int(named[1]) == year):
            return folder
    raise DataError(
        f"No VOC{year} data set in {display_path(root)}. Give the folder that holds JPEGImages, "
        "Annotations and ImageSets, or the VOCdevkit above it."
    )


def _list_files(lists: Path, split: str) -> tuple[Path, ...]:
    """The lists that make up a split; trainval is train and val together where it has none."""
    own = lists / f"{split}.txt"
    parts = (lists / "train.txt", lists / "val.txt")
    if split == "trainval" and not own.is_file() and all(part.is_file() for part in parts):
        return parts
    return (own,) if own.is_file() else ()


def _image_names(folder: Path, split: str, log: FaultLog) -> list[str]:
    lists = folder / "ImageSets" / "Main"
    if Path(split).name != split or not _list_files(lists, split):
        there = ", ".join(voc_splits(folder, _year_of(folder))) or "none"
        raise DataError(
            f"The split {split!r} cannot be read from {display_path(lists)}; it has: {there}."
        )
    lines = [n for path in _list_files(lists, split) for n in read_text(path).splitlines()]
    names = [name for line in lines if (name := listed_name(line))]
    if not names:
        raise DataError(f"The split {split!r} in {display_path(lists)} lists no images.")
    if bad := [name for name in names if ".." in re.split(r"[/\\]", name)]:
        raise DataError(
            f"The split {split!r} in {display_path(lists)} lists {bad[0]!r}, "
            "which is not an image's name."
        )
    unique = sorted(set(names))
    if len(unique) < len(names):
        seen: set[str] = set()
        for name in names:
            if name in seen:
                log.add("Images listed more than once, which count once", name)
            seen.add(name)
    return unique


def listed_name(line: str) -> str:
    """The image of a line, which may have an ending and, as the lists of one category, a code."""
    name = _CODE.sub("", line.strip())
    stem, dot, ending = name.rpartition(".")
    return stem if dot and f".{ending.lower()}" in IMAGE_SUFFIXES | {".xml"} else name


def _year_of(folder: Path) -> int:
    named = _YEAR_FOLDER.fullmatch(folder.name)
    return int(named[1]) if named else 2007


def annotation_file(folder: Path, name: str) -> Path:
    """Where the annotation of a listed image is: below the folder, by the longest end of its name.

    Args:
        folder: of the XML files.
        name: without an ending; it may have folders before it that are not there.
    """
    parts = PureWindowsPath(name).parts
    ends = (parts[start:] for start in range(len(parts)))
    files = [folder / f"{name}.xml"]
    files += [folder.joinpath(*e[:-1], f"{e[-1]}{x}") for e in ends for x in (".xml", ".XML")]
    return next((file for file in files if file.is_file()), files[0])


def read_objects(path: Path, log: FaultLog) -> list[VocObject] | None:
    """The objects of an annotation file, or ``None``, and the log is told."""
    try:
        root = parse_xml(read_bytes(path, _MAX_ANNOTATION_BYTES))
    except DataError as error:
        log.add("Annotations that cannot be used", str(error).rstrip("."))
        return None
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        log.add("Annotations that cannot be used", f"{display_path(path)} ({error})")
        return None
    if root.tag != "annotation":
        log.add("Annotations that cannot be used", f"{display_path(path)} (no annotation of VOC)")
        return None
    return [_object(item, path, log) for item in root.iter("object")]


@dataclass(frozen=True)
class VocKnown:
    """What our own exports say of an image beside its objects; ``is_partial``: not of all else."""

    absent: tuple[str, ...]
    unknown: tuple[str, ...]
    is_partial: bool
    rejected: tuple[str, ...]


def read_known(path: Path) -> VocKnown | None:
    """What one of our own exports says beside the objects; ``None`` for a file of others."""
    try:
        known = parse_xml(read_bytes(path, _MAX_ANNOTATION_BYTES)).find("known")
    except (DataError, ParseError, DefusedXmlException, ValueError, LookupError):
        return None  # which reading its objects tells of
    if known is None:
        return None

    def names(*tags: str) -> tuple[str, ...]:
        found = (item for item in known if item.tag in tags)
        return tuple(name for item in found if (name := (item.text or "").strip()))

    is_partial = known.get("complete") == "0"
    return VocKnown(names("rejected", "absent"), names("unknown"), is_partial, names("rejected"))


def parse_xml(data: bytes) -> Element:
    """The tree of an XML file in whatever encoding it declares.

    Raises:
        ParseError, DefusedXmlException, ValueError: it is no XML, or does what none of ours needs.
        LookupError: an encoding that nobody knows.
    """
    data = data.lstrip(b" \t\r\n")  # before the declaration, where none may be
    declared = _DECLARATION.match(data)
    tree: Element
    if declared is None or declared[1].lower() in _PARSERS_OWN:
        tree = fromstring(data, forbid_dtd=True)
        return _plainly_named(tree)
    # The parser knows few encodings of more than one byte a letter.
    encoding = declared[1].decode("ascii")
    if not _SCRIPTS.match(encoding):
        raise LookupError(f"unknown encoding: {encoding}")
    text = data[declared.end() :].decode(encoding)
    tree = fromstring(text.encode(), forbid_dtd=True)
    return _plainly_named(tree)


def _plainly_named(tree: Element) -> Element:
    """With the names of elements in lower case and without their namespaces."""
    for item in tree.iter():
        if isinstance(item.tag, str):
            item.tag = item.tag.rpartition("}")[2].lower()
    return tree


def _object(item: Element, path: Path, log: FaultLog) -> VocObject:
    box = item.find("bndbox")
    corners = None if box is None else _corners(box)
    if box is not None and corners is None:
        log.add("Objects whose box makes no sense; only the box is left out", path.name)
    is_difficult = (item.findtext("difficult") or "").strip().lower() in _YES
    return VocObject((item.findtext("name") or "").strip(), is_difficult, corners)


def _corners(box: Element) -> tuple[float, float, float, float] | None:
    """In pixels from 0; VOC counts from 1 and includes the last pixel."""
    try:
        left, top, right, bottom = (float(box.findtext(name) or "") for name in _CORNERS)
    except ValueError:
        return None
    # Written so that NaN fails too.
    if not (0 <= left <= right <= MAX_COORDINATE and 0 <= top <= bottom <= MAX_COORDINATE):
        return None
    return max(0.0, left - 1), max(0.0, top - 1), right, bottom
