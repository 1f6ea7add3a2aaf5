"""Open Images: labels of whole images that people verified, in CSV files of many million rows."""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.data.datasets.category_reader import label_key
from engine.data.datasets.labelled import LabelledImages, empty_targets
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.picture_places import first_folder, names_by_stem
from engine.data.datasets.reading import FaultLog, listed, read_text, text_lines
from engine.texts import display_path

#: One name or code (``/m/…``) per line: only these, in this order.
CATEGORIES_FILE = "categories.txt"
#: Split → what the files call it.
_SPLITS = {"train": ("train",), "val": ("validation", "val"), "test": ("test",)}
_LISTS = ("human-imagelabels", "human-imagelabels-boxable")
_EDITIONS = ("", "oidv7-", "oidv6-", "oidv5-", "oidv4-")
# The lists of the whole training set have 2.5 GB.
_MAX_LIST_BYTES = 16 << 30
_MAX_DESCRIPTION_BYTES = 64 << 20
_COLUMNS = ("ImageID", "LabelName", "Confidence")
_PRESENT, _ABSENT = frozenset({"1", "1.0"}), frozenset({"0", "0.0"})


@dataclass
class _Rows:
    """What the rows say of images that are here, as places of images and codes."""

    images: dict[str, int] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    image: array[int] = field(default_factory=lambda: array("l"))
    code: array[int] = field(default_factory=lambda: array("l"))
    is_present: array[int] = field(default_factory=lambda: array("b"))

    def add(self, image: str, code: str, *, is_present: bool) -> None:
        self.image.append(self.images.setdefault(image, len(self.images)))
        self.code.append(self.codes.setdefault(code, len(self.codes)))
        self.is_present.append(is_present)


def load_open_images(
    root: Path,
    split: str,
    *,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """One split of Open Images: of each image that is here, what people verified.

    Confidence 1 is present, 0 is absent; what is not listed for an image nobody knows, so it is
    ignored. The list is read a line at a time, and only images whose pictures are here count: of
    nine million most people have a part.

    Args:
        root: the folder with the list and the class descriptions, or the list itself; pictures lie
            beside it in a folder of the split (``train/0000….jpg``), or in ``images``.
        split: ``train``, ``val`` or ``test``.
        strict: take missing images and rows that cannot be used for an error; otherwise they are
            left out and said in ``problems``.
        check_files: look whether the images are there; else a folder that is there is still
            looked at, as the list names millions.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: there is no such split, a file is malformed, or nothing is left of it.
    """
    file = root if root.is_file() else _list_of(root, split)
    if file is None or split not in find_open_images(root):
        there = ", ".join(find_open_images(root)) or "none"
        raise DataError(
            f"{display_path(root)} has no Open Images list of the split {split!r}; it has: "
            f"{there}. Give the folder that holds {_SPLITS.get(split, (split,))[0]}-annotations-"
            "human-imagelabels.csv and class-descriptions.csv."
        )
    top = file.parent if root.is_file() else root
    log = FaultLog(strict=strict)
    names = _descriptions(top, split)
    folders = [f"{part}{s}" for s in _SPLITS[split] for part in ("", "images/")]
    folders += [f"{s}/data" for s in _SPLITS[split]] + ["images", "data", "."]
    here = names_by_stem(top, folders)
    # Nobody has unpacked pictures yet: then all that are listed count, if that is wanted.
    ask = set(here) if here or check_files else None
    place = first_folder(top, folders)
    rows = _read(file, ask, log, place)
    wanted = {i: here.get(i, f"{place}/{i}.jpg") for i in rows.images}
    pictures = PictureFolder(top, check_files=check_files, log=log, follow_links=follow_links)
    found = pictures.find_all(wanted.values())
    log.check_any_left(len(found), display_path(file))
    kept = [image for image in rows.images if wanted[image] in found]
    categories, columns = _categories(rows.codes, names, top, file, log)
    images = _labelled(rows, kept, categories, columns)
    log.check()
    return LabelledImages(
        name=f"Open Images {split}",
        categories=categories,
        paths=tuple(found[wanted[image]] for image in kept),
        targets=images[0],
        ignored=images[1],
        ids=tuple(kept),
        problems=log.problems(),
        unclear=np.any(images[1], axis=1),
    )


def find_open_images(root: Path) -> tuple[str, ...]:
    """The splits that have a list; that of the list if the root is one. Nothing is opened."""
    if root.is_file():
        return tuple(s for s in _SPLITS if root.name in set(_file_names(s)))
    return tuple(split for split in _SPLITS if _list_of(root, split) is not None)


def _file_names(split: str) -> Iterator[str]:
    for kind in _LISTS:
        for name in _SPLITS.get(split, ()):
            yield from (f"{e}{name}-annotations-{kind}.csv" for e in _EDITIONS)


def _list_of(root: Path, split: str) -> Path | None:
    places = [root / name for name in (".", "annotations", "labels", "metadata")]
    files = [place / name for name in _file_names(split) for place in places]
    files += [root / s / name for s in _SPLITS.get(split, ()) for name in _file_names(split)]
    # As FiftyOne's zoo puts them.
    files += [root / s / "labels" / "classifications.csv" for s in _SPLITS.get(split, ())]
    return next((file for file in files if file.is_file()), None)


def _descriptions(top: Path, split: str) -> dict[str, str]:
    """Code → name.

    Raises:
        DataError: there are none, or they are malformed.
    """
    places = (".", "annotations", "metadata", "labels", "..", *_SPLITS[split])
    names = ("*class-descriptions*.csv", "metadata/classes.csv")
    files = [file for p in places for n in names for file in sorted((top / p).glob(n))]
    if not files:
        raise DataError(
            f"{display_path(top)} has no class descriptions, so nobody can tell what its codes "
            "mean. Put class-descriptions.csv or class-descriptions-boxable.csv of Open Images "
            "there."
        )
    found: dict[str, str] = {}
    for file in files:
        lines = text_lines(file, _MAX_DESCRIPTION_BYTES)
        try:
            for number, row in enumerate(csv.reader(lines), start=1):
                if len(row) < 2 or not row[1].strip():
                    raise DataError(
                        f"Line {number} of {display_path(file)} is no code and name, such as "
                        "/m/01yrx,Cat. Get the file again."
                    )
                if row[0].strip() != "LabelName":
                    found.setdefault(row[0].strip(), row[1].strip())
        except csv.Error as error:
            raise DataError(f"{display_path(file)} is not CSV: {error}.") from error
    return found


def _read(file: Path, here: set[str] | None, log: FaultLog, place: str) -> _Rows:
    rows, last = _Rows(), ""
    lines = text_lines(file, _MAX_LIST_BYTES)
    header = [cell.strip() for cell in next(lines, "").split(",")]
    if not set(_COLUMNS) <= set(header):
        raise DataError(
            f"{display_path(file)} does not begin with the columns {', '.join(_COLUMNS)}, as a "
            f"list of Open Images does; line 1 has {listed(header)}."
        )
    at_image, at_code, at_value = (header.index(name) for name in _COLUMNS)
    for number, line in enumerate(lines, start=2):
        cells = line.rstrip("\r\n").split(",")
        if len(cells) != len(header):
            if line.strip():
                log.add("Rows of another shape than the header", f"line {number}")
            continue
        image, code, value = cells[at_image], cells[at_code], cells[at_value]
        if here is not None and image not in here:
            if image != last:
                log.add(f"Images that are listed and not in {place}", image)
            last = image
        elif not image or not code:
            log.add("Rows without an image or a code", f"line {number}")
        elif value in _PRESENT or value in _ABSENT:
            rows.add(image, code, is_present=value in _PRESENT)
        else:
            log.add(
                "Confidences other than 0 and 1, whose labels stay unknown",
                f"{value!r:.20} in line {number}",
            )
            rows.images.setdefault(image, len(rows.images))
    return rows


def _categories(
    codes: Iterable[str], names: dict[str, str], top: Path, file: Path, log: FaultLog
) -> tuple[Categories, dict[str, int]]:
    """The category of each column, and the column of each code that counts."""
    used = set(codes)
    for code in sorted(used - names.keys()):
        log.add("Codes without a description, which are left out", code)
    shown = [code for code in names if code in used]
    own = top / CATEGORIES_FILE
    if own.is_file():
        shown = _chosen(read_text(own), names, own)
    counts = Counter(label_key(names[code]) for code in shown)
    # Two things of one name stay apart.
    called = [names[c] if counts[label_key(names[c])] == 1 else f"{names[c]} ({c})" for c in shown]
    if several := [name for name, code in zip(called, shown, strict=True) if name != names[code]]:
        log.note(f"Categories that share a name, told apart by their codes: {listed(several)}.")
    try:
        categories = Categories(tuple(called))
    except ConfigError as error:
        raise DataError(f"The categories of {display_path(file)}: {error}") from error
    return categories, {code: column for column, code in enumerate(shown)}


def _chosen(text: str, names: dict[str, str], own: Path) -> list[str]:
    codes: dict[str, list[str]] = {}
    for code, name in names.items():
        codes.setdefault(label_key(name), []).append(code)
    chosen: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        wish = line.strip()
        found = [wish] if wish in names else codes.get(label_key(wish), [])
        if wish and not found:
            raise DataError(
                f"Line {number} of {display_path(own)}, {wish!r:.60}, is no name or code of the "
                "class descriptions. Write it as they do."
            )
        chosen.update(dict.fromkeys(found if wish else ()))
    return list(chosen)


def _labelled(
    rows: _Rows, kept: list[str], categories: Categories, columns: dict[str, int]
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.bool_]], ...]:
    """Targets and what nobody knows, (N, C) each."""
    try:
        present = empty_targets(len(kept), len(categories))
    except DataError as error:
        raise DataError(
            f"{error} Write the names that you need into {CATEGORIES_FILE} beside the list."
        ) from None
    absent = np.zeros_like(present)
    to_row = np.full(max(1, len(rows.images)), -1, dtype=np.int64)
    for row, image in enumerate(kept):
        to_row[rows.images[image]] = row
    to_column = np.full(max(1, len(rows.codes)), -1, dtype=np.int64)
    for code, place in rows.codes.items():
        to_column[place] = columns.get(code, -1)
    at = to_row[np.array(rows.image, dtype=np.int64)]
    column = to_column[np.array(rows.code, dtype=np.int64)]
    is_present = np.array(rows.is_present, dtype=np.bool_)
    counts = (at >= 0) & (column >= 0)
    for table, chosen in ((present, counts & is_present), (absent, counts & ~is_present)):
        table[at[chosen], column[chosen]] = True
    # What is said to be there and not to be there nobody knows.
    return present & ~absent, ~(present ^ absent)
