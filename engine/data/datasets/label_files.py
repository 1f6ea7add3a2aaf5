"""Lists of pictures and their labels: CSV in its usual shapes, and JSON lines."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from engine.api.errors import DataError
from engine.api.values import DEFAULT_THRESHOLD
from engine.data.datasets.reading import FaultLog, parse_json, read_bytes, read_text
from engine.data.kinds import IMAGE_SUFFIXES
from engine.texts import display_path

#: Endings of the files that are read here.
LABEL_FILE_SUFFIXES = (".csv", ".jsonl")

_PATH_HEADERS = frozenset({"path", "image", "file", "filename", "file_name", "img_path", "name"})
_LABEL_HEADERS = frozenset({"label", "labels", "category", "categories", "tag", "tags"})
_YES = frozenset({"1", "1.0", "true", "yes", "x"})
_NO = frozenset({"", "0", "0.0", "false", "no"})
_UNKNOWN = "?"
# What our own CSV puts an apostrophe before, so that no spreadsheet runs it.
_FORMULA_STARTS = ("=", "+", "-", "@")


@dataclass
class LabelRow:
    """What is known of one picture.

    Attributes:
        present: categories that it has.
        unknown: categories of which nobody can say.
    """

    present: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass
class LabelTable:
    """Labels by the picture's name in the file, in the order of the file.

    Attributes:
        rows: name → labels.
        categories: the categories that the file declares, in order; else empty.
    """

    rows: dict[str, LabelRow] = field(default_factory=dict)
    categories: tuple[str, ...] = ()


def read_label_file(path: Path, log: FaultLog) -> LabelTable:
    """Read a list of labels.

    Args:
        path: ``.jsonl`` with ``path`` and ``labels`` (names, or ``category`` and ``score`` as
            ``tag`` writes them), or CSV: rows of path and label (repeated, or several labels with
            ``;`` between them), or a column per category with 1, 0 or ? for nobody knows.
        log: is told of rows that cannot be used.

    Raises:
        DataError: the file cannot be read, or is of no such shape.
    """
    if path.suffix.lower() == ".jsonl":
        return _read_json_lines(path, log)
    return _read_csv(path, log)


def _read_csv(path: Path, log: FaultLog) -> LabelTable:
    text = read_text(path)
    start = text.partition("\n")[0]
    delimiter = next((mark for mark in (",", "\t", ";") if mark in start), ",")
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise DataError(f"{display_path(path)} is not a CSV file: {error}.") from error
    if not rows:
        raise DataError(f"{display_path(path)} lists no images.")
    header = [cell.strip() for cell in rows[0]]
    if PurePosixPath(header[0]).suffix.lower() in IMAGE_SUFFIXES:
        return _pairs(rows, (0, 1), log)
    columns = [name.lower() for name in header]
    places = [i for i, name in enumerate(columns) if name in _PATH_HEADERS]
    if not places or len(header) < 2:
        raise DataError(
            f"{display_path(path)} has no column of paths: name it path, or begin with a picture."
        )
    if labels := [i for i, name in enumerate(columns) if name in _LABEL_HEADERS]:
        return _pairs(rows[1:], (places[0], labels[0]), log)
    return _wide(header, rows[1:], places[0], log)


def _pairs(rows: Iterable[Sequence[str]], columns: tuple[int, int], log: FaultLog) -> LabelTable:
    table = LabelTable()
    for number, row in enumerate(rows, start=1):
        name = _plain(row[columns[0]]) if len(row) > columns[0] else ""
        if not name:
            log.add("Rows without a path", f"row {number}")
            continue
        cell = row[columns[1]] if len(row) > columns[1] else ""
        labels = (_plain(part) for part in cell.split(";"))
        table.rows.setdefault(name, LabelRow()).present.extend(label for label in labels if label)
    return table


def _wide(
    header: Sequence[str], rows: Iterable[Sequence[str]], path_column: int, log: FaultLog
) -> LabelTable:
    names = {i: _plain(name) for i, name in enumerate(header) if i != path_column and name}
    table = LabelTable(categories=tuple(names.values()))
    for number, row in enumerate(rows, start=1):
        name = _plain(row[path_column]) if len(row) > path_column else ""
        cells = {column: row[i].strip().lower() for i, column in names.items() if i < len(row)}
        if not name or len(cells) < len(names):
            log.add("Rows that are too short", f"row {number}")
        elif odd := [cell for cell in cells.values() if cell not in _YES | _NO | {_UNKNOWN}]:
            log.add("Rows with a value other than 1, 0 and ?", f"row {number} ({odd[0]:.20})")
        else:
            labels = LabelRow(
                [column for column, cell in cells.items() if cell in _YES],
                [column for column, cell in cells.items() if cell == _UNKNOWN],
            )
            _add(table, name, labels, log)
    return table


def _read_json_lines(path: Path, log: FaultLog) -> LabelTable:
    table = LabelTable()
    for number, line in enumerate(read_bytes(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = parse_json(line, f"line {number}")
        except DataError as error:
            log.add(f"Lines of {display_path(path)} that cannot be used", str(error).rstrip("."))
            continue
        name = row.get("path") if isinstance(row, dict) else None
        labels = _json_labels(row.get("labels"), log) if isinstance(name, str) else None
        if not isinstance(name, str) or labels is None:
            log.add("Lines without path and labels", f"line {number}")
        elif row.get("error"):
            log.add("Images that could not be read when they were labelled", name)
        else:
            _add(table, name, LabelRow(labels), log)
    return table


def _json_labels(value: Any, log: FaultLog) -> list[str] | None:
    """The names in a list of labels, or ``None`` if it is no such list."""
    if not isinstance(value, list):
        return None
    names: list[str] = []
    for label in value:
        entry = label if isinstance(label, dict) else {"category": label}
        name, score = entry.get("category"), entry.get("score", 1.0)
        if not isinstance(name, str) or not isinstance(score, int | float):
            return None
        if score < DEFAULT_THRESHOLD:
            log.add(f"Labels with a score below {DEFAULT_THRESHOLD:g}, which do not count", name)
        else:
            names.append(name.strip())
    return names


def _add(table: LabelTable, name: str, labels: LabelRow, log: FaultLog) -> None:
    if name in table.rows:
        log.add("Images listed more than once; the first counts", name)
    else:
        table.rows[name] = labels


def _plain(cell: str) -> str:
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell


def name_inside(name: str, root: Path) -> str:
    """The name of a picture below ``root``, where the list gives an absolute path to it."""
    if not Path(name).is_absolute():
        return name
    absolute = Path(os.path.abspath(root))  # noqa: PTH100 - must not follow links
    path = Path(name)
    return path.relative_to(absolute).as_posix() if path.is_relative_to(absolute) else name
