"""Lists of pictures and their labels: CSV in its usual shapes, and JSON lines."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from engine.api.errors import DataError
from engine.api.values import DEFAULT_THRESHOLD
from engine.data.datasets.reading import FaultLog, parse_json, read_text
from engine.data.kinds import IMAGE_SUFFIXES
from engine.texts import display_path

#: Endings of the files that are read here.
LABEL_FILE_SUFFIXES = (".csv", ".jsonl")

_PATH_HEADERS = frozenset(
    {"path", "image", "images", "file", "filename", "filepath", "imgpath", "imagepath", "imagename"}
    | {"imagefile", "imagefilename", "img", "imgname", "photo", "picture", "name"}
)
# Where no column of the above is there: kaggle and Open Images name photos without an ending.
_ID_HEADERS = frozenset({"imageid", "id", "photoid"})
# What our own CSV calls category goes before what it calls label, which is the same in other words.
_LABEL_HEADERS = (
    "category", "categories", "label", "labels", "tag", "tags", "class", "classes",
    "classname", "categoryname", "labelname", "keyword", "keywords",
)  # fmt: skip
_SCORE_HEADERS = frozenset({"score", "confidence", "probability", "prob"})
_ERROR_HEADERS = frozenset({"error"})
_DELIMITERS = (",", ";", "\t", "|")
_UNREADABLE = "Images that could not be read when they were labelled"
_TOO_LOW = f"Labels with a score below {DEFAULT_THRESHOLD:g}, which do not count"
_YES = frozenset({"1", "1.0", "true", "yes", "x"})
_NO = frozenset({"", "0", "0.0", "false", "no"})
_UNKNOWN = "?"
_JSON_LABELS = ("labels", "label", "tags", "categories", "category", "classes", "keywords")
_NOT_COUNTED = str.maketrans("", "", " -_")
_BETWEEN_LABELS = re.compile(r"[;,\n]")
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
# What our own CSV puts an apostrophe before, so that no spreadsheet runs it.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# Of our own exports: what is known of a label; where there is none, of all that is not listed.
_STATE_HEADER = "state"
_STATES = ("present", "absent", "unknown")


@dataclass
class LabelRow:
    """What is known of one picture.

    Attributes:
        present: categories that it has.
        unknown: categories of which nobody can say.
        absent: categories that it is said not to have.
        is_partial: whether nobody can say of what is listed nowhere; else it is absent.
    """

    present: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    is_partial: bool = False

    def named(self) -> list[str]:
        """All categories that are listed."""
        return [*self.present, *self.unknown, *self.absent]


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
            ``;`` or ``,`` between them, with a score if they have one), or a column per category
            with 1, 0 or ? for nobody knows. Labels scored below ``DEFAULT_THRESHOLD`` are absent.
            Our own exports say the state of each label, and of all others, whatever the scores.
        log: is told of rows that cannot be used.

    Raises:
        DataError: the file cannot be read, or is of no such shape.
    """
    if path.suffix.lower() == ".jsonl":
        return _read_json_lines(path, log)
    return _read_csv(path, log)


def _read_csv(path: Path, log: FaultLog) -> LabelTable:
    rows = _csv_rows(path)
    if not rows:
        raise DataError(f"{display_path(path)} lists no images.")
    header = [cell.strip() for cell in rows[0][1]]
    if PurePosixPath(header[0]).suffix.lower() in IMAGE_SUFFIXES:
        return _pairs(rows, _Columns(0, 1), log)
    columns = [_header(name) for name in header]
    places = [i for i, name in enumerate(columns) if name in _PATH_HEADERS] or [
        i for i, name in enumerate(columns) if name in _ID_HEADERS
    ]
    if not places or len(header) < 2:
        raise DataError(
            f"{display_path(path)} has no column of paths: name it path, or begin with a picture."
        )
    labels = [columns.index(name) for name in _LABEL_HEADERS if name in columns]
    if labels and _STATE_HEADER in columns:
        return _stated(rows[1:], (places[0], labels[0], columns.index(_STATE_HEADER)), log)
    if labels:
        score = next((i for i, name in enumerate(columns) if name in _SCORE_HEADERS), None)
        error = next((i for i, name in enumerate(columns) if name in _ERROR_HEADERS), None)
        return _pairs(rows[1:], _Columns(places[0], labels[0], score, error), log)
    return _wide(header, rows[1:], places[0], log)


def _csv_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and cells of each row that holds anything, whatever stands between the cells."""
    text = read_text(path)
    start, _, rest = text.partition("\n")
    first_line = 1
    if start.strip().lower().removeprefix("sep=") in _DELIMITERS and "=" in start:
        text, first_line = rest, 2  # how spreadsheets are told
        delimiter = start.strip()[-1] if start.strip()[-1] != "=" else "\t"
    else:
        delimiter = _delimiter(start)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows, line = [], first_line
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((line, row))
            line = first_line + reader.line_num
    except csv.Error as error:
        raise DataError(f"Line {line} of {display_path(path)} is not CSV: {error}.") from error
    return rows


def _delimiter(start: str) -> str:
    """What divides the first line so that a column of paths, or a picture, comes out."""
    for mark in _DELIMITERS:
        cells = [cell.strip().strip('"') for cell in start.split(mark)]
        is_picture = PurePosixPath(cells[0]).suffix.lower() in IMAGE_SUFFIXES
        if len(cells) > 1 and (
            is_picture or any(_header(c) in _PATH_HEADERS | _ID_HEADERS for c in cells)
        ):
            return mark
    return next((mark for mark in _DELIMITERS[:3] if mark in start), ",")


def _header(name: str) -> str:
    return name.strip().casefold().translate(_NOT_COUNTED)


@dataclass(frozen=True)
class _Columns:
    """Where things stand in a row: path and label, and if they are there score and error."""

    path: int
    label: int
    score: int | None = None
    error: int | None = None


def _pairs(
    rows: Iterable[tuple[int, Sequence[str]]], columns: _Columns, log: FaultLog
) -> LabelTable:
    table = LabelTable()
    unreadable: dict[str, None] = {}
    for number, row in rows:
        name = _cell(row, columns.path)
        if not name:
            log.add("Rows without a path", f"line {number}")
        elif _cell(row, columns.error):
            unreadable[name] = None
        else:
            labels = table.rows.setdefault(name, LabelRow())
            present = _labels_of(_cell(row, columns.label))
            score = _score(_cell(row, columns.score))
            if score is None:
                log.add("Rows whose score is no number; their label is unknown", f"line {number}")
                labels.unknown.extend(present)
            elif score < DEFAULT_THRESHOLD:
                for label in present:
                    log.add(_TOO_LOW, label)
            else:
                labels.present.extend(present)
    for name in unreadable:
        log.add(_UNREADABLE, name)
        table.rows.pop(name, None)
    return table


def _stated(
    rows: Iterable[tuple[int, Sequence[str]]], columns: tuple[int, int, int], log: FaultLog
) -> LabelTable:
    """Rows of path, label and state."""
    table = LabelTable()
    for number, row in rows:
        name, label, state = (_cell(row, column) for column in columns)
        if not name or state not in _STATES:
            log.add("Rows without a path or a known state", f"line {number}")
            continue
        labels = table.rows.setdefault(name, LabelRow())
        if not label:
            labels.is_partial = state == "unknown"
        else:
            places = {"present": labels.present, "absent": labels.absent}
            places.get(state, labels.unknown).append(label)
    return table


def _cell(row: Sequence[str], column: int | None) -> str:
    return _plain(row[column]) if column is not None and column < len(row) else ""


def _score(cell: str) -> float | None:
    """A score of 0 to 1; 1 where there is none, ``None`` if it is no number."""
    try:
        score = float(cell.replace(",", ".")) if cell else 1.0
    except ValueError:
        return None
    return score if math.isfinite(score) else None


def _labels_of(cell: str) -> list[str]:
    """One label or several: divided by semicolons or commas, or as a list of Python or JSON."""
    if cell.startswith("[") and cell.endswith("]"):
        parts = _QUOTED.findall(cell)
        cells = [single or double for single, double in parts] or cell[1:-1].split(",")
    else:
        cells = _BETWEEN_LABELS.split(cell)
    return [label for part in cells if (label := _plain(part))]


def _wide(
    header: Sequence[str],
    rows: Iterable[tuple[int, Sequence[str]]],
    path_column: int,
    log: FaultLog,
) -> LabelTable:
    names = {i: _plain(name) for i, name in enumerate(header) if i != path_column and name}
    table = LabelTable(categories=tuple(names.values()))
    for number, row in rows:
        name = _plain(row[path_column]) if len(row) > path_column else ""
        cells = {column: row[i].strip().lower() for i, column in names.items() if i < len(row)}
        if not name or len(cells) < len(names):
            log.add("Rows that are too short", f"line {number}")
        elif odd := [cell for cell in cells.values() if cell not in _YES | _NO | {_UNKNOWN}]:
            log.add("Rows with a value other than 1, 0 and ?", f"line {number} ({odd[0]:.20})")
        else:
            labels = LabelRow(
                [column for column, cell in cells.items() if cell in _YES],
                [column for column, cell in cells.items() if cell == _UNKNOWN],
            )
            _add(table, name, labels, log)
    return table


def _read_json_lines(path: Path, log: FaultLog) -> LabelTable:
    table = LabelTable()
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = parse_json(line.encode(errors="surrogatepass"), f"line {number}")
        except DataError as error:
            log.add(f"Lines of {display_path(path)} that cannot be used", str(error).rstrip("."))
            continue
        entries = (
            {_header(key): value for key, value in row.items()} if isinstance(row, dict) else {}
        )
        name = next((v for key in entries if key in _PATH_HEADERS and (v := entries[key])), None)
        value = next((entries[key] for key in _JSON_LABELS if key in entries), None)
        labels = _json_labels(value, log) if isinstance(name, str) else None
        if isinstance(name, str) and entries.get("error"):
            log.add(_UNREADABLE, name)
        elif not isinstance(name, str) or labels is None:
            log.add("Lines without path and labels", f"line {number}")
        else:
            rejected, absent, unknown = (
                _texts(entries.get(key)) for key in ("rejected", "absent", "unknown")
            )
            is_partial = entries.get("complete") is False
            _add(table, name, LabelRow(labels, unknown, [*rejected, *absent], is_partial), log)
    return table


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else []
    return [text.strip() for text in items if isinstance(text, str) and text.strip()]


def _json_labels(value: Any, log: FaultLog) -> list[str] | None:
    """The names in a list of labels, or ``None`` if it is no such list."""
    if isinstance(value, str):
        return _labels_of(value)
    if not isinstance(value, list):
        return None
    names: list[str] = []
    for label in value:
        entry = label if isinstance(label, dict) else {"category": label}
        name, score = entry.get("category", entry.get("label")), entry.get("score")
        score = 1.0 if score is None else score
        if not isinstance(name, str) or not isinstance(score, int | float):
            return None
        if score < DEFAULT_THRESHOLD and "source" not in entry:
            log.add(_TOO_LOW, name)
        else:  # ours, with a source, are labels whatever the model says
            names.append(name.strip())
    return names


def _add(table: LabelTable, name: str, labels: LabelRow, log: FaultLog) -> None:
    if name in table.rows:
        log.add("Images listed more than once; the first counts", name)
    else:
        table.rows[name] = labels


def _plain(cell: str) -> str:
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'").startswith(_FORMULA_STARTS) else cell
