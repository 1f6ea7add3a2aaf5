"""A plain folder of pictures with labels: in a list, in text files beside them, or as folders."""

from __future__ import annotations

from pathlib import Path

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.data.datasets.captions import read_caption
from engine.data.datasets.category_reader import spelt_once
from engine.data.datasets.label_files import (
    LABEL_FILE_SUFFIXES,
    LabelRow,
    LabelTable,
    read_label_file,
)
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.links import other_names
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.reading import FaultLog, read_text
from engine.data.datasets.table_images import find_pictures, table_images
from engine.data.kinds import left_out_text
from engine.data.scan import scan
from engine.texts import display_path

#: The split of a folder that is not divided.
WHOLE = "all"

#: One category per line, in the order wanted; without it they are sorted by name.
CATEGORIES_FILE = "categories.txt"

# The list of Hugging Face's imagefolder.
_IMAGE_FOLDER = "metadata.jsonl"
# Other tools call val valid.
_SPLITS = ("train", "val", "valid", "trainval", "test")
_MAX_LIST_BYTES = 1 << 20


def load_folder(
    root: Path,
    split: str = WHOLE,
    *,
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """The labelled pictures of a folder, in the order of their list or of their names.

    Labels come from ``labels.csv``, ``labels.jsonl`` or ``metadata.jsonl`` (see
    ``read_label_file``), else from
    ``x.txt`` beside ``x.jpg`` (names with commas or line breaks between them), else from the
    folder that each picture lies in. Splits are ``train.csv`` or folders named ``train`` and so on.

    Args:
        root: the folder, or the list in it.
        split: ``all`` where there are none.
        strict: take missing images and entries that cannot be used for an error; otherwise they
            are left out and said in ``problems``.
        check_files: look whether listed images are there.
        follow_links: take images also where links lead out of the folder.

    Raises:
        DataError: there are no labels, or what holds them cannot be read.
    """
    log = FaultLog(strict=strict)
    folder, file = _place(root, split)
    declared = _declared(folder, root)
    table = _from_pictures(folder, log) if file is None else read_label_file(file, log)
    categories = _categories(table, declared, file or folder, log)
    pictures = PictureFolder(folder, check_files=check_files, log=log, follow_links=follow_links)
    found = find_pictures(table, folder, pictures, log)
    name = root.stem if root.is_file() else f"{folder.name} {split}"
    return table_images(name, categories, found, display_path(file or folder), log)


def find_folder_splits(root: Path) -> tuple[str, ...]:
    """The splits of a folder, ``all`` if it is not divided; nothing is opened."""
    if root.is_file():
        return (WHOLE,)
    found = tuple(s for s in _SPLITS if _list_of(root, s) is not None or (root / s).is_dir())
    return (WHOLE,) if not found or _list_of(root, WHOLE) is not None else found


def recognise_folder(root: Path) -> tuple[str, ...]:
    """The splits of a folder that has a list of labels; any other may be a folder of photos."""
    if root.is_file():
        return (WHOLE,) if root.suffix.lower() in LABEL_FILE_SUFFIXES else ()
    splits = find_folder_splits(root)
    return tuple(split for split in splits if _list_of(root, split) is not None)


def _list_of(root: Path, split: str) -> Path | None:
    stems = ("labels", "_classes") if split == WHOLE else (split,)
    names = [f"{stem}{end}" for stem in stems for end in LABEL_FILE_SUFFIXES]
    names += [_IMAGE_FOLDER] if split == WHOLE else []
    return next((file for name in names if (file := root / name).is_file()), None)


def _place(root: Path, split: str) -> tuple[Path, Path | None]:
    """The folder of the pictures, and the list of their labels if there is one."""
    if not root.exists():
        raise DataError(f"There is no folder {display_path(root)}.")
    if split not in (splits := find_folder_splits(root)):
        raise DataError(
            f"{display_path(root)} has no split {split!r}; it has: {', '.join(splits)}."
        )
    if root.is_file():
        return root.parent, root
    if (file := _list_of(root, split)) is not None:
        return root, file
    folder = root if split == WHOLE else root / split
    return folder, _list_of(folder, WHOLE)


def _declared(folder: Path, root: Path) -> tuple[str, ...]:
    for file in (folder / CATEGORIES_FILE, root / CATEGORIES_FILE):
        if file.is_file():
            return tuple(
                name.strip()
                for name in read_text(file, _MAX_LIST_BYTES).splitlines()
                if name.strip()
            )
    return ()


def _from_pictures(folder: Path, log: FaultLog) -> LabelTable:
    """Labels from text files beside the pictures; if there is none at all, from the folders."""
    batches = list(scan([folder], pair_raw=False))
    names = {path.relative_to(folder).as_posix(): path for b in batches for path in b.paths}
    left_out = left_out_text(file for batch in batches for file in batch.left_out)
    if not names:
        what = f"no pictures that can be opened. {left_out}" if left_out else "no pictures."
        raise DataError(f"{display_path(folder)} holds {what}")
    if left_out:
        log.note(left_out)
    texts = {name: text for name, path in names.items() if (text := _text_of(path)) is not None}
    table = LabelTable()
    for name in names:
        if not texts:
            _add_by_folder(table, name, log)
        elif name not in texts:
            log.add("Images without a text file, which do not count", name)
        elif (labels := read_caption(texts[name], log)) is not None:
            table.rows[name] = labels
    if not texts:
        _add_by_links(table, folder)
    if not table.rows:
        needs = (
            f"{display_path(folder)} has no labels: it needs labels.csv, labels.jsonl, a text "
            "file beside each picture, or a folder per category."
        )
        raise DataError(" ".join([needs, *log.problems()]))
    return table


def _text_of(path: Path) -> Path | None:
    candidates = (path.with_suffix(".txt"), path.with_name(f"{path.name}.txt"))
    return next((c for c in candidates if c.is_file() and c.name != CATEGORIES_FILE), None)


def _add_by_folder(table: LabelTable, name: str, log: FaultLog) -> None:
    category, slash, _ = name.partition("/")
    if slash:
        table.rows[name] = LabelRow([category])
    else:
        log.add("Images that lie in no category's folder, which do not count", name)


def _add_by_links(table: LabelTable, folder: Path) -> None:
    """A picture that links put into more folders has their categories, too."""
    for name, other in other_names(folder, table.rows):
        category, slash, _ = other.partition("/")
        present = table.rows[name].present
        if slash and category not in present:
            present.append(category)


def _categories(
    table: LabelTable, declared: tuple[str, ...], place: Path, log: FaultLog
) -> Categories:
    """Those that are declared; else all names that can be one, each spelling of a thing once."""
    names = declared or table.categories
    if not names:
        names = spelt_once(name for row in table.rows.values() for name in row.named())
    try:
        return Categories(names)
    except ConfigError as error:
        reasons = " ".join([f"The categories of {display_path(place)}: {error}", *log.problems()])
        raise DataError(reasons) from error
