"""NUS-WIDE: a file of ones and zeros for each concept, and lists of pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.data.datasets.labelled import LabelledImages, empty_targets
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.picture_places import first_folder
from engine.data.datasets.reading import FaultLog, read_bytes, read_text
from engine.texts import display_path

_SPLITS = ("train", "test", "all")
_LABEL_FOLDERS = (
    "Groundtruth/TrainTestLabels",
    "Groundtruth/AllLabels",
    "TrainTestLabels",
    "AllLabels",
    "Groundtruth",
    ".",
)
_LIST_FOLDERS = ("ImageList", "ImageLists", ".")
_PICTURE_FOLDERS = ("Flickr", "images", "Images", "NUS-WIDE", ".")
_LISTS = {"train": "trainimagelist.txt", "test": "testimagelist.txt", "all": "imagelist.txt"}
_LABEL_FILE = re.compile(r"labels_(.+?)(?:_(train|test))?\.txt", re.IGNORECASE)
_ZERO, _ONE = b"01"


def load_nus_wide(
    root: Path,
    split: str,
    *,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """One split of NUS-WIDE, in the order of its list of images.

    Every concept was judged for every image, so nothing is unknown. Images that have none of the
    concepts stay, as in the lists; how many there are is said, as some papers leave them out.

    Args:
        root: the folder with ``Groundtruth`` and ``ImageList``; pictures lie in ``Flickr`` or
            ``images`` beside them, in folders of their concepts or all in one.
        split: ``train`` or ``test``; ``all`` with ``AllLabels``.
        strict: take missing images for an error; otherwise they are left out and said in
            ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: there is no such split, a file is malformed or does not fit the list, or nothing
            is left of it.
    """
    file, labels = _list_of(root, split), _label_files(root, split)
    if file is None or not labels:
        there = ", ".join(find_nus_wide(root)) or "none"
        raise DataError(
            f"{display_path(root)} has no NUS-WIDE split {split!r}; it has: {there}. Give the "
            "folder that holds Groundtruth/TrainTestLabels/Labels_airport_Train.txt and the like, "
            "and ImageList/TrainImagelist.txt."
        )
    log = FaultLog(strict=strict)
    names = [line.strip().replace("\\", "/") for line in read_text(file).splitlines()]
    while names and not names[-1]:
        names.pop()
    try:
        categories = Categories(tuple(labels))
    except ConfigError as error:
        raise DataError(f"The concepts of {display_path(root)}: {error}") from error
    targets = empty_targets(len(names), len(categories))
    for column, label_file in enumerate(labels.values()):
        targets[:, column] = _column(label_file, file, len(names))
    pictures = PictureFolder(
        root / first_folder(root, _PICTURE_FOLDERS),
        check_files=check_files,
        log=log,
        follow_links=follow_links,
    )
    rows, paths = _found(names, pictures, log)
    log.check()
    log.check_any_left(len(rows), display_path(file))
    targets = targets[rows]
    if nothing := int((~targets.any(axis=1)).sum()):
        log.note(
            f"{nothing:,} of {len(rows):,} images have none of the concepts; they count. Some "
            "papers leave them out, which makes other numbers."
        )
    return LabelledImages(
        name=f"NUS-WIDE {split}",
        categories=categories,
        paths=paths,
        targets=targets,
        ignored=np.zeros_like(targets),
        ids=tuple(names[row] for row in rows),
        problems=log.problems(),
    )


def find_nus_wide(root: Path) -> tuple[str, ...]:
    """The splits that have a list of images and files of labels; nothing is opened."""
    if not root.is_dir():
        return ()
    return tuple(s for s in _SPLITS if _list_of(root, s) is not None and _label_files(root, s))


def _list_of(root: Path, split: str) -> Path | None:
    wanted = _LISTS.get(split, "")
    files = (file for folder in _LIST_FOLDERS for file in _files(root / folder))
    return next((file for file in files if file.name.lower() == wanted), None)


def _label_files(root: Path, split: str) -> dict[str, Path]:
    """Concept → its file, of the first folder that has any, in the order of their names."""
    if split not in _SPLITS:
        return {}
    for folder in _LABEL_FOLDERS:
        found: dict[str, Path] = {}
        for file in _files(root / folder):
            match = _LABEL_FILE.fullmatch(file.name)
            if match is not None and (match[2] or "all").lower() == split:
                found[match[1]] = file
        if found:
            return dict(sorted(found.items()))
    return {}


def _files(folder: Path) -> Sequence[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return ()


def _column(file: Path, lists: Path, count: int) -> NDArray[np.bool_]:
    """(N,) what a file says of each image."""
    data = np.frombuffer(read_bytes(file), dtype=np.uint8)
    is_digit = (data == _ZERO) | (data == _ONE)
    is_blank = np.isin(data, np.frombuffer(b" \t\r\n", dtype=np.uint8))
    # A digit beside a digit is another number.
    odd = ~(is_digit | is_blank)
    odd[1:] |= is_digit[1:] & is_digit[:-1]
    if odd.any():
        line = int((data[: int(np.argmax(odd))] == ord("\n")).sum()) + 1
        raise DataError(
            f"Line {line} of {display_path(file)} is neither 1 nor 0. Get the file again."
        )
    values: NDArray[np.bool_] = data[is_digit] == _ONE
    if len(values) != count:
        raise DataError(
            f"{display_path(file)} has {len(values):,} labels and {display_path(lists)} lists "
            f"{count:,} images; they do not belong together. Get both from the same archive."
        )
    return values


def _found(
    names: Sequence[str], pictures: PictureFolder, log: FaultLog
) -> tuple[list[int], tuple[Path, ...]]:
    there = pictures.find_all(name for name in names if name)
    first: dict[Path, int] = {}
    for row, name in enumerate(names):
        if not name:
            log.add("Lines of the list without an image", f"line {row + 1}")
        elif (path := there.get(name)) is not None and first.setdefault(path, row) != row:
            log.add("Images listed more than once; the first counts", name)
    return list(first.values()), tuple(first)
