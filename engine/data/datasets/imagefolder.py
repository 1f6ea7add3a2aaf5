"""Hugging Face's imagefolder: pictures and ``metadata.csv`` or ``metadata.jsonl`` beside them."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.data.datasets.annotation_places import WHOLE, names_of_split
from engine.data.datasets.category_reader import spelt_once
from engine.data.datasets.label_cells import labels_of
from engine.data.datasets.label_files import TWICE, LabelRow, LabelTable
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.reading import (
    FaultLog,
    is_integer,
    listed,
    parse_json,
    read_text,
    text_lines,
)
from engine.data.datasets.table_images import find_pictures, table_images
from engine.texts import display_path

#: One name per line: what the numbers in a column of labels mean, from 0.
CATEGORIES_FILE = "categories.txt"
_FILES = ("metadata.jsonl", "metadata.csv")
_NAME = "file_name"
_SPLITS = ("train", "val", "test", WHOLE)
# Columns that are labels, the likeliest first.
_USUAL = (
    "labels", "label", "tags", "tag", "categories", "category", "classes", "class", "objects",
    "keywords", "attributes",
)  # fmt: skip
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
# Our own exports say more of a photo than its labels.
_OURS = ("rejected", "absent", "unknown")


@dataclass(frozen=True)
class _Row:
    """One line of the list.

    Attributes:
        where: it stands, for messages.
        cells: column → value; texts in CSV.
    """

    where: str
    cells: Mapping[str, Any]


def with_column(option: str) -> Callable[..., LabelledImages]:
    """The reader for another column of labels."""
    return partial(load_imagefolder, column=option)


def load_imagefolder(
    root: Path,
    split: str = WHOLE,
    *,
    column: str = "",
    strict: bool = False,
    check_files: bool = True,
    follow_links: bool = False,
) -> LabelledImages:
    """The pictures of an imagefolder by one column of labels, in the order of the list.

    A cell is a list of names or of numbers (of lines of ``categories.txt``), or one of them; in CSV
    a list is text, such as ``['cat', 'dog']`` or ``cat|dog``. An empty list is a picture without
    any; an empty cell says nothing, so its labels are unknown. The list is read a line at a time.

    Args:
        root: the folder with the list, or the one above those of the splits.
        split: ``all``, or a folder ``train``, ``val`` (``validation``) or ``test``; where the list
            lies above them, what lies in that folder.
        column: of labels; empty takes ``labels`` or another of the usual names.
        strict: take missing images and rows that cannot be used for an error; otherwise they are
            left out and said in ``problems``.
        check_files: look whether the images are there.
        follow_links: take images also where links lead out of their folder.

    Raises:
        DataError: there is no such split or column, the list is malformed, or nothing is left.
    """
    file = _file(root, split)
    if file is None:
        there = ", ".join(find_imagefolder(root)) or "none"
        raise DataError(
            f"{display_path(root)} has no metadata.csv or metadata.jsonl of the split {split!r}; "
            f"it has: {there}. Give the folder that holds the list and the pictures."
        )
    log = FaultLog(strict=strict)
    folder = file.parent
    declared = _declared(folder, root)
    inside = names_of_split(split) if folder == root and split != WHOLE else ()
    table = _read(file, column, (declared, inside), log)
    categories = _categories(table, declared, file)
    pictures = PictureFolder(folder, check_files=check_files, log=log, follow_links=follow_links)
    found = find_pictures(table, folder, pictures, log)
    return table_images(f"{root.name} {split}", categories, found, display_path(file), log)


def find_imagefolder(root: Path) -> tuple[str, ...]:
    """The splits that have a list, ``all`` for one above the pictures; nothing is opened."""
    if not root.is_dir():
        return ()
    return tuple(split for split in _SPLITS if _file(root, split) is not None)


def _file(root: Path, split: str) -> Path | None:
    names = names_of_split(split)
    folders = [root] if split == WHOLE else [root / name for name in names]
    found = _list_in(folders)
    if found is None and any((root / name).is_dir() for name in names):
        found = _list_in([root])
    return found


def _list_in(folders: list[Path]) -> Path | None:
    files = (folder / name for folder in folders for name in _FILES)
    return next((file for file in files if file.is_file()), None)


def _declared(folder: Path, root: Path) -> tuple[str, ...]:
    for file in (folder / CATEGORIES_FILE, root / CATEGORIES_FILE):
        if file.is_file():
            lines = (line.strip() for line in read_text(file).splitlines())
            return tuple(line for line in lines if line)
    return ()


def _read(
    file: Path, column: str, known: tuple[tuple[str, ...], tuple[str, ...]], log: FaultLog
) -> LabelTable:
    """The labels of the pictures in the wanted folders, if any are named."""
    names, inside = known
    table, there, is_there = LabelTable(), dict[str, None](), False
    rows = _json_rows(file, log) if file.suffix == ".jsonl" else _csv_rows(file, log)
    for row in rows:
        column = column or next((name for name in _USUAL if name in row.cells), "")
        is_there = is_there or column in row.cells
        there.update(dict.fromkeys(row.cells))
        name = row.cells.get(_NAME)
        if not isinstance(name, str) or not name.strip():
            log.add(f"Rows without {_NAME}", row.where)
            continue
        if inside and name.replace("\\", "/").removeprefix("./").partition("/")[0] not in inside:
            continue
        labels = _labels(row, column, names, file)
        if name in table.rows:
            log.add(TWICE, name)
            table.rows[name].leave_open(labels)
        else:
            table.row(name, labels)
    if there and not is_there:
        raise DataError(
            f"{display_path(file)} has no column "
            + (f"{column!r:.80}" if column else f"of labels by a usual name ({', '.join(_USUAL)})")
            + f"; it has: {listed(there)}. Say which after a colon, such as imagefolder:NAME."
        )
    return table


def _csv_rows(file: Path, log: FaultLog) -> Iterator[_Row]:
    reader = csv.reader(text_lines(file))
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if _NAME not in header:
            raise DataError(
                f"{display_path(file)} has no column {_NAME}, as an imagefolder must; line 1 has: "
                f"{listed(header) or 'nothing'}."
            )
        for cells in reader:
            where = f"line {reader.line_num}"
            if len(cells) == len(header):
                yield _Row(where, dict(zip(header, cells, strict=True)))
            elif any(cell.strip() for cell in cells):
                log.add("Rows of another shape than the header", where)
    except csv.Error as error:
        raise DataError(
            f"Line {reader.line_num} of {display_path(file)} is not CSV: {error}."
        ) from error


def _json_rows(file: Path, log: FaultLog) -> Iterator[_Row]:
    for number, line in enumerate(text_lines(file), start=1):
        try:
            value = parse_json(line.encode(), f"line {number}") if line.strip() else {}
        except DataError as error:
            log.add(f"Lines of {display_path(file)} that cannot be used", str(error).rstrip("."))
            continue
        if not isinstance(value, dict):
            log.add(f"Lines of {display_path(file)} that are no objects", f"line {number}")
        elif line.strip():
            yield _Row(f"line {number}", value)


def _labels(row: _Row, column: str, names: tuple[str, ...], file: Path) -> LabelRow:
    value = row.cells.get(column)
    if isinstance(value, dict):  # of objects: the boxes, and what is in each
        value = next((value[key] for key in (*_USUAL, "name") if key in value), None)
    labels = LabelRow()
    if value is None or (isinstance(value, str) and not value.strip()):
        labels.is_partial = True
    else:
        cell = labels_of(_stripped(value)) if isinstance(value, str) else value
        items = cell if isinstance(cell, list) else [cell]
        labels.present = [sys.intern(_named(item, names, row, file)) for item in items]
    for key in _OURS:
        said = row.cells.get(key)
        texts = said if isinstance(said, list) else []
        getattr(labels, key).extend(sys.intern(t) for t in texts if isinstance(t, str))
    labels.absent.extend(labels.rejected)
    labels.is_partial |= row.cells.get("complete") is False
    return labels


def _stripped(cell: str) -> str:
    return "" if cell.strip() in ("[]", "()") else cell.strip()


def _named(item: object, names: tuple[str, ...], row: _Row, file: Path) -> str:
    """The name of a label that is one, or the number of one; empty if it is neither."""
    text = item.strip() if isinstance(item, str) else str(item) if is_integer(item) else ""
    if not _NUMBER.fullmatch(text) or text in names:
        return text
    if int(text) >= len(names):
        raise DataError(
            f"{row.where.capitalize()} of {display_path(file)} has the label {text:.20}, and "
            f"nothing says what it means. Write the names into {CATEGORIES_FILE} beside it, one "
            "per line, that of 0 first."
        )
    return names[int(text)]


def _categories(table: LabelTable, declared: tuple[str, ...], file: Path) -> Categories:
    names = declared or spelt_once(name for row in table.rows.values() for name in row.named())
    try:
        return Categories(names)
    except ConfigError as error:
        raise DataError(f"The categories of {display_path(file)}: {error}") from error
