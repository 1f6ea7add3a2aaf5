"""Lists of pictures and their labels: CSV in its usual shapes, and JSON lines."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from engine.api.errors import DataError
from engine.api.values import DEFAULT_THRESHOLD
from engine.data.datasets.label_cells import labels_of, plain, score_of
from engine.data.datasets.reading import NOT_UTF8, FaultLog, is_number, parse_json, text_lines
from engine.data.kinds import IMAGE_SUFFIXES
from engine.texts import display_path, is_text

#: More than this no table may list; the labels of each take half a kilobyte or more.
MAX_PICTURES = 5_000_000
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
_LABEL_HEADERS_SET = frozenset(_LABEL_HEADERS)
_SCORE_HEADERS = frozenset(
    {"score", "confidence", "probability", "prob", "conf", "labelscore", "labelconfidence"}
)
_ERROR_HEADERS = frozenset({"error"})
_DELIMITERS = (",", ";", "\t", "|")
_UNREADABLE = "Images that could not be read when they were labelled"
_NO_SCORE = "Scores that are no number from 0 to 1; their label is unknown"
TWICE = "Images listed more than once; the first counts"
_TOO_LOW = f"Labels with a score below {DEFAULT_THRESHOLD:g}, which do not count"
_OTHER_ENCODING = "Rows that are not UTF-8, and in which other encoding they are cannot be told"
_SAVE_AS_UTF8 = "What they say is not known. Save the file as UTF-8"
# Bytes that are not UTF-8 become characters that no text has.
_MARKED = "surrogateescape"
_YES = frozenset({"1", "1.0", "true", "yes", "x"})
_NO = frozenset({"", "0", "0.0", "false", "no"})
_UNKNOWN = "?"
_JSON_NAMES = ("category", "label", "name", "tag", "class")
_JSON_LABELS = ("labels", "label", "tags", "categories", "category", "classes", "keywords")
_NOT_COUNTED = str.maketrans("", "", " -_")
# Of our own exports: what is known of a label; where there is none, of all that is not listed.
_END = "end"
_BOX_WIDTH = 6
_STATE_HEADER = "state"
_STATES = ("present", "absent", "unknown")


@dataclass(slots=True)
class LabelRow:
    """What is known of one picture.

    Attributes:
        present: categories that it has.
        unknown: categories of which nobody can say.
        absent: categories that it is said not to have.
        rejected: those of them of which a person said so.
        is_partial: whether nobody can say of what is listed nowhere; else it is absent.
    """

    present: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    is_partial: bool = False

    def add(self, label: str, score: float | None, log: FaultLog, where: str) -> None:
        """Take in a label that has a score from 0 to 1; ``None`` if what it has makes no sense."""
        if score is None:
            log.add(_NO_SCORE, where)
            self.unknown.append(sys.intern(label))
        elif score < DEFAULT_THRESHOLD:
            log.add(_TOO_LOW, label)
        else:
            self.present.append(sys.intern(label))

    def leave_open(self, other: LabelRow) -> None:
        """Take nothing for absent that another row of the same picture has."""
        self.unknown.extend(name for name in other.present if name not in self.present)

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

    def row(self, name: str, new: LabelRow | None = None) -> LabelRow:
        """The labels of a picture; if it has none yet, those given or empty ones.

        Raises:
            DataError: that would be too many pictures to be meant.
        """
        if name not in self.rows:
            if len(self.rows) >= MAX_PICTURES:
                raise DataError(f"A table of more than {MAX_PICTURES:,} pictures cannot be used.")
            self.rows[name] = LabelRow() if new is None else new
        return self.rows[name]


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
    first = next(rows, None)
    if first is None:
        raise DataError(f"{display_path(path)} lists no images.")
    header = [cell.strip() for cell in first[1]]
    if PurePosixPath(header[0]).suffix.lower() in IMAGE_SUFFIXES:
        rows = _in_utf8(chain([first], rows), 0, log)
        return _pairs(rows, _headless(first[1]), log)
    columns = [_header(name) for name in header]
    is_list = not _LABEL_HEADERS_SET.isdisjoint(columns)  # so other columns may be called anything
    if not is_list and not all(map(is_text, header)):
        raise DataError(f"Line {first[0]} of {display_path(path)} is {NOT_UTF8}")
    places = [i for i, name in enumerate(columns) if name in _PATH_HEADERS] or [
        i for i, name in enumerate(columns) if name in _ID_HEADERS
    ]
    if not places or len(header) < 2:
        raise DataError(
            f"{display_path(path)} has no column of paths: name it path, or begin with a picture."
        )
    rows = _in_utf8(rows, places[0], log)
    labels = [columns.index(name) for name in _LABEL_HEADERS if name in columns]
    if labels and _STATE_HEADER in columns:
        source = columns.index("source") if "source" in columns else None
        stated = (places[0], labels[0], columns.index(_STATE_HEADER))
        return _stated(rows, stated, source, log)
    if labels:
        score = next((i for i, name in enumerate(columns) if name in _SCORE_HEADERS), None)
        error = next((i for i, name in enumerate(columns) if name in _ERROR_HEADERS), None)
        is_ours = score is not None and columns[labels[0]] == "category" and "model" in columns
        shape = _Columns(places[0], labels[0], len(header), score, error, is_ours)
        return _pairs(rows, shape, log)
    return _wide(header, rows, places[0], log)


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that holds anything, whatever stands between the cells."""
    lines: Iterator[str] = text_lines(path, errors=_MARKED)
    start = next(lines, "")
    first_line = 1
    if start.strip().lower().removeprefix("sep=") in _DELIMITERS and "=" in start:
        first_line = 2  # how spreadsheets are told
        delimiter = start.strip()[-1] if start.strip()[-1] != "=" else "\t"
    else:
        delimiter, lines = _delimiter(start), chain([start], lines)
    # What is added is a row of its own, unless a quoted cell that is never closed takes it in.
    added = chain(lines, [_END])
    reader = csv.reader(added, delimiter=delimiter, skipinitialspace=True)
    line, last = first_line, (first_line, [_END])
    try:
        for row in reader:
            if any(cell.strip() for cell in last[1]) and line > first_line:
                yield last
            last = line, row
            line = first_line + reader.line_num
    except csv.Error as error:
        raise DataError(f"Line {line} of {display_path(path)} is not CSV: {error}.") from error
    if last[1] != [_END]:
        raise DataError(
            f"Line {last[0]} of {display_path(path)} has a quotation mark that is never closed."
        )


def _in_utf8(
    rows: Iterable[tuple[int, list[str]]], path_column: int, log: FaultLog
) -> Iterator[tuple[int, list[str]]]:
    """Rows with "?" in place of cells that are not UTF-8; without those whose path is not."""
    for number, row in rows:
        if is_text("".join(row)):
            yield number, row
            continue
        log.add(_OTHER_ENCODING, f"line {number}", _SAVE_AS_UTF8)
        cells = [cell if is_text(cell) else _UNKNOWN for cell in row]
        if path_column < len(row) and cells[path_column] == row[path_column]:
            yield number, cells


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
    """Where things stand in a row of so many cells: path, label, and where they are score, error.

    With ``is_one`` a cell holds one label, whatever marks are in it.
    """

    path: int
    label: int
    width: int
    score: int | None = None
    error: int | None = None
    is_one: bool = False

    def labels(self, row: Sequence[str]) -> list[str]:
        """The labels of a row; with an empty one where it is not of the shape of the header."""
        cell = _cell(row, self.label)
        found = [cell] if cell and self.is_one else labels_of(cell)
        is_odd = len(row) <= self.label or any(cell.strip() for cell in row[self.width :])
        return [*found, ""] if is_odd else found


def _headless(cells: Sequence[str]) -> _Columns:
    """Path and label, or as in RetinaNet's lists path, the corners of a box, and label."""
    has_box = len(cells) == _BOX_WIDTH and all(not c.strip() or _is_number(c) for c in cells[1:5])
    return _Columns(0, _BOX_WIDTH - 1, _BOX_WIDTH) if has_box else _Columns(0, 1, 2)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


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
            labels = table.row(name)
            score = score_of(_cell(row, columns.score))
            for label in columns.labels(row):
                labels.add(label, score, log, f"line {number}")
    for name in unreadable:
        log.add(_UNREADABLE, name)
        table.rows.pop(name, None)
    return table


def _stated(
    rows: Iterable[tuple[int, Sequence[str]]],
    columns: tuple[int, int, int],
    source: int | None,
    log: FaultLog,
) -> LabelTable:
    """Rows of path, label and state, perhaps with who says so."""
    table = LabelTable()
    for number, row in rows:
        name, label, state = (_cell(row, column) for column in columns)
        if not name or state not in _STATES:
            log.add("Rows without a path or a known state", f"line {number}")
            continue
        labels = table.row(name)
        if label == _UNKNOWN:
            labels.present.append("")  # which no category has
        elif not label:
            labels.is_partial = state == "unknown"
        else:
            places = {"present": labels.present, "absent": labels.absent}
            # One text for the same label of a million pictures.
            label = sys.intern(label)
            places.get(state, labels.unknown).append(label)
            if state == "absent" and _cell(row, source) == "person":
                labels.rejected.append(label)
    return table


def _cell(row: Sequence[str], column: int | None) -> str:
    return plain(row[column]) if column is not None and column < len(row) else ""


def _wide(
    header: Sequence[str],
    rows: Iterable[tuple[int, Sequence[str]]],
    path_column: int,
    log: FaultLog,
) -> LabelTable:
    names = {i: plain(name) for i, name in enumerate(header) if i != path_column and name}
    table = LabelTable(categories=tuple(names.values()))
    for number, row in rows:
        name = plain(row[path_column]) if len(row) > path_column else ""
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
    for number, line in enumerate(text_lines(path, errors=_MARKED), start=1):
        if not line.strip():
            continue
        if not is_text(line):
            log.add(_OTHER_ENCODING, f"line {number}", _SAVE_AS_UTF8)
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
        values = [entries[key] for key in _JSON_LABELS if key in entries]
        value = next((v for v in values if v), values[0] if values else None)
        score = next((v for key, v in entries.items() if key in _SCORE_HEADERS), None)
        where = f"line {number}"
        labels = _json_labels(value, score, log, where) if isinstance(name, str) else None
        if isinstance(name, str) and entries.get("error"):
            log.add(_UNREADABLE, name)
        elif not isinstance(name, str) or labels is None:
            log.add("Lines without path and labels", where)
        else:
            for key, names in (
                ("rejected", labels.absent),
                ("rejected", labels.rejected),
                ("absent", labels.absent),
                ("unknown", labels.unknown),
            ):
                names.extend(_texts(entries.get(key)))
            labels.is_partial = entries.get("complete") is False
            _add(table, name, labels, log)
    return table


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else []
    return [sys.intern(text.strip()) for text in items if isinstance(text, str) and text.strip()]


def _json_labels(value: Any, score: Any, log: FaultLog, where: str) -> LabelRow | None:
    """The labels in a list, each by its score, or ``None`` if it is no such list."""
    labels = LabelRow()
    if isinstance(value, str):
        for text in labels_of(value):
            labels.add(text, _json_score(score), log, where)
        return labels
    if isinstance(value, dict) and value and all(is_number(v) for v in value.values()):
        value = [{"category": name, "score": number} for name, number in value.items()]
    if not isinstance(value, list):
        return None
    for label in value:
        entry = label if isinstance(label, dict) else {"category": label}
        entry = {_header(key): inner for key, inner in entry.items()}
        name = next((entry[key] for key in _JSON_NAMES if key in entry), None)
        if not isinstance(name, str):
            return None
        if "source" in entry:  # ours are labels whatever the model says
            labels.present.append(sys.intern(name.strip()))
        else:
            scores = (inner for key, inner in entry.items() if key in _SCORE_HEADERS)
            labels.add(name.strip(), _json_score(next(scores, None)), log, where)
    return labels


def _json_score(value: Any) -> float | None:
    if value is None:
        return 1.0
    return score_of(str(value)) if isinstance(value, str) or is_number(value) else None


def _add(table: LabelTable, name: str, labels: LabelRow, log: FaultLog) -> None:
    if name in table.rows:
        log.add(TWICE, name)
        table.rows[name].leave_open(labels)
    else:
        table.row(name, labels)
