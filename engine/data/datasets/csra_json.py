"""The JSON files of the official CSRA code: a list of ``{"target", "img_path"[, "bbox"]}``.

This is the one place where -1 and 99 mean something: VOC's test file has -1 for absent and 0 for
"only difficult ones", WIDER's test file has 99 for unspecified. All other files have 1 and 0.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories, shipped_categories
from engine.api.errors import DataError
from engine.atomic import write_text
from engine.data.datasets.labelled import (
    Crop,
    IgnoredAs,
    LabelledImages,
    empty_targets,
    numbered_categories,
)
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.reading import FaultLog, is_integer, read_json, read_text
from engine.data.datasets.wider import as_crop
from engine.data.kinds import IMAGE_SUFFIXES
from engine.texts import display_path, reason_text

_SPLITS = ("train", "val", "trainval", "test")
_NUMBERED = re.compile(r"(?:COCO_(?:train|val|test)20\d\d_)?(\d{12})")
_LISTS = {20: "voc", 80: "coco", 14: "wider"}
_CODES = frozenset({-1, 0, 1, 99})
# In each row of our own exports, and of no other files.
_SOURCES = "sources"


@dataclass(frozen=True)
class TargetCoding:
    """What a file writes for a category that is absent, and for one that nobody can tell."""

    absent: int
    ignored: int


BINARY = TargetCoding(absent=0, ignored=0)
VOC_TEST = TargetCoding(absent=-1, ignored=0)
WIDER_TEST = TargetCoding(absent=0, ignored=99)


@dataclass(frozen=True)
class OfficialFile:
    """One file that the official code reads.

    Attributes:
        split: of the data set.
        name: folder and file below the output folder.
        coding: of its targets.
    """

    split: str
    name: str
    coding: TargetCoding


#: Data set → the files that the official code makes of it.
OFFICIAL_FILES: dict[str, tuple[OfficialFile, ...]] = {
    "voc2007": (
        OfficialFile("trainval", "voc07/trainval_voc07.json", BINARY),
        OfficialFile("test", "voc07/test_voc07.json", VOC_TEST),
    ),
    "coco2014": (
        OfficialFile("train", "coco/train_coco2014.json", BINARY),
        OfficialFile("val", "coco/val_coco2014.json", BINARY),
    ),
    "wider": (
        OfficialFile("trainval", "wider/trainval_wider.json", BINARY),
        OfficialFile("test", "wider/test_wider.json", WIDER_TEST),
    ),
}


def write_official(images: LabelledImages, coding: TargetCoding, path: Path) -> int:
    """Write a file for the official code, atomically; its folder is made if need be.

    Images without any object are left out, as the official code does; where there are crops,
    every person counts.

    Returns:
        How many rows were written.

    Raises:
        DataError: the file cannot be written.
    """
    codes = np.where(images.targets, 1, coding.absent)
    codes[images.ignored] = coding.ignored
    rows: list[dict[str, Any]] = []
    has_object = np.logical_or(images.targets, images.ignored).sum(axis=1) > 0
    for row, target in enumerate(codes.tolist()):
        image = str(images.paths[row])
        crop = None if images.crops is None else images.crops[row]
        if crop is not None:
            rows.append({"img_path": image, "bbox": list(crop), "target": target})
        elif has_object[row]:
            rows.append({"target": target, "img_path": image})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(rows))
    except OSError as error:
        raise DataError(f"{display_path(path)} cannot be written: {reason_text(error)}.") from error
    return len(rows)


@dataclass
class _Rows:
    """The rows that can be used, as they are gathered."""

    names: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    crops: list[Crop | None] = field(default_factory=list)
    targets: list[list[int]] = field(default_factory=list)
    rejected: list[Any] = field(default_factory=list)


def load_official(
    root: Path,
    split: str,
    *,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """Read a file that the official code or ``prepare`` wrote, in its order.

    Paths in it are absolute, or begin at the file's folder or one of the two above it, as the
    official code runs two folders above ``data/voc07``.

    Args:
        root: the file, or a folder with ``trainval_voc07.json`` and the like.
        split: of the data set; ``all`` for a file.
        strict: take missing images and malformed rows for an error; otherwise they are left out
            and said in ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: the file is missing, malformed, mixes codings, or nothing is left of it.
    """
    file = _file(root, split)
    content = read_json(file)
    if isinstance(content, dict) and "annotations" in content:
        raise DataError(f"{display_path(file)} is a COCO file; read it as cocojson.")
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise DataError(f"{display_path(file)} must hold a list of objects.")
    log = FaultLog(strict=strict)
    pictures = partial(PictureFolder, check_files=check_files, log=log, follow_links=follow_links)
    rows = _usable_rows(content, _Finder(file, content, pictures, log), log)
    log.check()
    log.check_any_left(len(rows.names), display_path(file))
    targets, ignored, ignored_as = _decode(rows.targets, file)
    is_export = any(_SOURCES in row for row in content)
    has_crops = any(crop is not None for crop in rows.crops)
    categories = _categories(targets.shape[1], file)
    return LabelledImages(
        name=file.stem,
        categories=categories,
        paths=tuple(rows.paths),
        targets=targets,
        ignored=ignored,
        ids=_ids(rows),
        crops=tuple(rows.crops) if has_crops else None,
        problems=log.problems(),
        # In other files it is what the official code counts as absent when it trains.
        unclear=np.any(ignored, axis=1) if is_export else None,
        rejected=_rejected(rows.rejected, categories) & ~targets,
        # In our own exports 99 is what nobody has said, which is no one's negative.
        ignored_as="" if is_export else ignored_as,
    )


def _rejected(rows: list[Any], categories: Categories) -> NDArray[np.bool_]:
    """(N, C): what a person said is wrong, which our own exports note beside the codes."""
    rejected = empty_targets(len(rows), len(categories))
    for row, names in enumerate(rows):
        said = names if isinstance(names, list) else ()
        places = [categories.index_of(n) for n in said if isinstance(n, str) and n in categories]
        rejected[row, places] = True
    return rejected


def find_official_splits(root: Path) -> tuple[str, ...]:
    """The splits that have a file; ``all`` if the root is a file. Nothing is opened."""
    if root.is_file():
        return ("all",) if root.suffix.lower() == ".json" else ()
    return tuple(split for split in _SPLITS if _named(root, split) is not None)


def recognise_official(root: Path) -> tuple[str, ...]:
    """The splits of a folder that has files with the official names."""
    names = {Path(file.name).name for files in OFFICIAL_FILES.values() for file in files}
    splits = find_official_splits(root) if root.is_dir() else ()
    return tuple(s for s in splits if (file := _named(root, s)) is not None and file.name in names)


def _named(root: Path, split: str) -> Path | None:
    return next(iter(sorted(root.glob(f"{split}_*.json"))), None)


def _file(root: Path, split: str) -> Path:
    file = root if root.is_file() else _named(root, split) if split in _SPLITS else None
    if file is None:
        there = ", ".join(find_official_splits(root)) or "none"
        raise DataError(
            f"{display_path(root)} has no file of the split {split!r}, such as "
            f"{split}_voc07.json; it has: {there}."
        )
    return file


class _Finder:
    """From the paths of a file to pictures; each folder is listed once."""

    def __init__(
        self,
        file: Path,
        content: list[dict[str, Any]],
        pictures: Callable[[Path], PictureFolder],
        log: FaultLog,
    ) -> None:
        names = (row.get("img_path") for row in content)
        first = next((n for n in names if isinstance(n, str) and not Path(n).is_absolute()), "")
        bases = [file.absolute().parent, *file.absolute().parents[1:3]]
        base = next((b for b in bases if first and _is_file(b / first)), bases[0])
        self._relative = pictures(base)
        self._pictures = pictures
        self._log = log

    def find_all(self, names: Iterable[str]) -> dict[str, Path]:
        """The pictures of names; of the others the log is told."""
        relative: list[str] = []
        absolute: dict[Path, dict[str, str]] = {}
        for name in dict.fromkeys(names):
            path = Path(name)
            if not path.is_absolute() or not _is_folder(path.parent):
                relative.append(name)  # also what lay on another machine
            elif ".." in path.parts or path.suffix.lower() not in IMAGE_SUFFIXES:
                self._log.add("Paths that are no picture's", name)
            else:
                absolute.setdefault(path.parent, {})[path.name] = name
        found = self._relative.find_all(relative)
        for folder, wanted in absolute.items():
            there = self._pictures(folder).find_all(wanted)
            found |= {wanted[inside]: path for inside, path in there.items()}
        return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _usable_rows(content: list[dict[str, Any]], finder: _Finder, log: FaultLog) -> _Rows:
    rows = _Rows()
    width = _usual_width(content)
    seen: set[str] = set()
    names = (name for row in content if isinstance(name := row.get("img_path"), str))
    found = finder.find_all(names)
    for number, row in enumerate(content, start=1):
        name, target, bbox = row.get("img_path"), row.get("target"), row.get("bbox")
        crop = as_crop(bbox)
        if not isinstance(name, str) or not _is_target(target, width):
            log.add(f"Rows without img_path and a target of {width} codes", f"row {number}")
        elif bbox is not None and crop is None:
            log.add("Rows with a bbox that makes no sense", f"row {number}")
        elif crop is None and name in seen:
            log.add("Images listed more than once; the first counts", name)
        elif name in found:
            seen.add(name)
            rows.names.append(name)
            rows.paths.append(found[name])
            rows.crops.append(crop)
            rows.targets.append(row["target"])
            rows.rejected.append(row.get("rejected"))
    return rows


def _usual_width(content: list[dict[str, Any]]) -> int:
    widths = Counter(len(t) for row in content if isinstance(t := row.get("target"), list))
    return widths.most_common(1)[0][0] if widths else 0


def _is_target(value: object, width: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == width > 0
        and all(is_integer(code) and code in _CODES for code in value)
    )


def _decode(
    rows: list[list[int]], file: Path
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], IgnoredAs]:
    """Targets and ignore mask (N, C) of a file's codes, and what the file means by the latter."""
    empty_targets(len(rows), len(rows[0]))  # refuses what is too large
    codes = np.array(rows, dtype=np.int8)
    if (codes == -1).any() and (codes == WIDER_TEST.ignored).any():
        raise DataError(f"{display_path(file)} has both -1 and 99: two codings in one file.")
    if (codes == VOC_TEST.absent).any():
        return codes == 1, codes == VOC_TEST.ignored, "difficult"
    ignored = codes == WIDER_TEST.ignored
    return codes == 1, ignored, "unspecified" if ignored.any() else ""


def _categories(count: int, file: Path) -> Categories:
    """Those of the list beside it, or the official ones; the files do not name them."""
    own = file.with_name("categories.txt")
    if own.is_file():
        names = tuple(line.strip() for line in read_text(own).splitlines() if line.strip())
        if len(names) == count:
            return Categories(names)
    if count in _LISTS:
        return shipped_categories(_LISTS[count])
    return Categories(numbered_categories(count))


def _ids(rows: _Rows) -> tuple[str, ...]:
    """The same as those of the data set that the file was made of."""
    ranks: Counter[str] = Counter()
    ids = []
    for name, crop in zip(rows.names, rows.crops, strict=True):
        if crop is None:
            ids.append(_image_id(name))
        else:
            below = name.replace("\\", "/").rpartition("/Image/")[2]
            ids.append(f"{below}#{ranks[name]}")
            ranks[name] += 1
    unique = len(set(ids)) == len(ids)
    return tuple(ids) if unique else tuple(f"{i}:{name}" for i, name in enumerate(rows.names))


def _image_id(name: str) -> str:
    stem = PurePosixPath(name.replace("\\", "/")).stem
    numbered = _NUMBERED.fullmatch(stem)
    return str(int(numbered[1])) if numbered else stem
