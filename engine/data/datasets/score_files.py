"""Scores that any program saved: CSV, JSON lines, NumPy arrays and Parquet."""

from __future__ import annotations

import csv
import importlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import DataError
from engine.data.datasets.array_files import (
    CATEGORY_KEYS,
    NAME_KEYS,
    ignored_as_in,
    key_of,
    load_array,
    load_arrays,
    names_in,
    truth_of,
)
from engine.data.datasets.label_cells import plain
from engine.data.datasets.labelled import IgnoredAs
from engine.data.datasets.reading import is_number, listed, parse_json, text_lines
from engine.texts import display_name, display_text, reason_text

FloatColumns = NDArray[np.floating]
#: Endings of the files that are read here.
SCORE_FILE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".npz", ".npy", ".parquet")

_CATEGORY_COLUMNS = ("category", "label", "class", "tag", "classname", "categoryname", "labelname")
_SCORE_COLUMNS = ("score", "confidence", "probability", "prob", "logit", "value")
_LOGITS, _PROBABILITIES = "logits", "probabilities"
_SCALES = {
    **dict.fromkeys(("logits", "logit"), _LOGITS),
    **dict.fromkeys(("probabilities", "probability", "probs", "prob"), _PROBABILITIES),
    **dict.fromkeys(("scores", "predictions", "preds", "yscore", "ypred", "outputs"), ""),
}
_NOTHING = frozenset({"", "nan", "na", "n/a", "null", "none", "?"})
_DELIMITERS = (",", ";", "\t", "|")
_MAX_ENTRIES = 1_000_000_000
_PARQUET_HINT = (
    "Parquet files are read with pyarrow, which is not installed: pip install 'csra-gui[parquet]', "
    "or save the scores as CSV or npz."
)


@dataclass(frozen=True, eq=False)
class SavedScores:
    """What a file says of images and categories.

    Attributes:
        source: the file, for people.
        names: N images as the file calls them; empty if it does not name them.
        categories: C names; empty if the file does not name them.
        values: (N, C) float32 or float64, NaN where the file says nothing.
        scale: ``logits`` or ``probabilities`` if the file says so, else empty.
        targets: (N, C) bool, the truth, if the same file has it.
        ignored: (N, C) bool likewise; true where nobody can say.
        ignored_as: what the file says of those.
    """

    source: str
    names: tuple[str, ...]
    categories: tuple[str, ...]
    values: FloatColumns
    scale: str = ""
    targets: NDArray[np.bool_] | None = None
    ignored: NDArray[np.bool_] | None = None
    ignored_as: IgnoredAs = ""


# In the words of the labels' ids and of score's file of doubtful labels.
_SAMPLES = (
    ", or, where the labels have several rows of a photo (people in WIDER), name the rows in their "
    "order x.jpg#0, x.jpg#1, …"
)


def read_scores(path: Path) -> SavedScores:
    """Read saved scores.

    Args:
        path: CSV with a column of names and one per category, or rows of name, category and score
            (what ``tag --format csv`` writes); JSON lines of a name and scores by category, as a
            dictionary, as a list of label and score, or as plain numbers; ``.npz`` with arrays
            ``scores`` (or ``logits``, ``probabilities``), ``ids`` and ``categories``; ``.npy``;
            or Parquet with the same columns as CSV, or a column of lists.

    Raises:
        DataError: the file cannot be read or is of no such shape; says where and what to do.
    """
    readers: dict[str, Callable[[Path], SavedScores]] = {
        ".csv": _read_csv,
        ".tsv": _read_csv,
        ".jsonl": _read_json_lines,
        ".npz": _read_arrays,
        ".npy": _read_array,
        ".parquet": _read_parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(SCORE_FILE_SUFFIXES)
        raise DataError(f"{display_name(path)} is no file of scores that is read here: {known}.")
    if not path.is_file():
        raise DataError(f"There is no file {display_text(str(path))}.")
    return _checked(reader(path), path)


def _checked(found: SavedScores, path: Path) -> SavedScores:
    name = display_name(path)
    if found.values.ndim != 2 or not found.values.size:
        raise DataError(f"{name} must hold a table of images × categories, and holds none.")
    rows, columns = found.values.shape
    for what, names, count in (
        ("images", found.names, rows),
        ("categories", found.categories, columns),
    ):
        if names and len(names) != count:
            raise DataError(f"{name} names {len(names):,} {what} for {count:,} of the scores.")
        if twice := [one for one, number in Counter(names).items() if number > 1]:
            raise DataError(
                f"{name} names {what} more than once ({len(twice):,}): {listed(twice)}. "
                f"Keep one of each{_SAMPLES if names is found.names else '.'}"
            )
    return found


# Tables: a row per image, or a row per image and category.


def _read_csv(path: Path) -> SavedScores:
    rows = _csv_rows(path)
    first = next(rows, None)
    if first is None:
        raise DataError(f"{display_name(path)} is empty.")
    header = [plain(cell) for cell in first[1]]
    at, long_form = _name_column(header, path), _long_columns(header)
    if long_form is not None:
        error = next((place for place, name in enumerate(header) if key_of(name) == "error"), None)
        pairs = (
            (row[at], row[long_form[0]], row[long_form[1]], f"line {number}")
            for number, row in rows
            if len(row) > max(at, *long_form)
            and not (error is not None and "".join(row[error : error + 1]))
        )
        return _from_pairs(pairs, path, _SCALES.get(f"{key_of(header[long_form[1]])}s", ""))
    categories = [name for place, name in enumerate(header) if place != at]
    if any(not name for name in categories):
        raise DataError(f"A column of {display_name(path)} has no name; name it by its category.")
    names, values = [], []
    for number, row in rows:
        if len(row) != len(header):
            raise DataError(
                f"Line {number} of {display_name(path)} has {len(row)} cells and the first line "
                f"{len(header)}."
            )
        names.append(plain(row[at]))
        cells = [cell for place, cell in enumerate(row) if place != at]
        values.append(_numbers(cells, categories, f"Line {number} of {display_name(path)}"))
    return SavedScores(
        display_name(path), tuple(names), tuple(categories), _stacked(values, len(categories))
    )


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    lines = text_lines(path)
    start = next(lines, "")
    delimiter = max(_DELIMITERS, key=start.count)

    def all_lines() -> Iterator[str]:
        yield start
        yield from lines

    reader = csv.reader(all_lines(), delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(
            f"Line {reader.line_num} of {display_name(path)} is not CSV: {error}."
        ) from error


def _name_column(header: Sequence[str], path: Path) -> int:
    """The first of the usual names that is there; else the first column if it has no name."""
    keys = [key_of(name) for name in header]
    if keys[0] in NAME_KEYS:
        return 0
    found = next((keys.index(key) for key in NAME_KEYS if key in keys), None)
    if found is None and keys[0] in ("", "unnamed:0"):
        return 0  # the index that pandas writes
    if found is None:
        raise DataError(
            f"{display_name(path)} has no column of image names: call one path, file or id."
        )
    return found


def _long_columns(header: Sequence[str]) -> tuple[int, int] | None:
    """Where category and score stand, if there is a row per image and category."""
    keys = [key_of(name) for name in header]
    category = next((keys.index(key) for key in _CATEGORY_COLUMNS if key in keys), None)
    score = next((keys.index(key) for key in _SCORE_COLUMNS if key in keys), None)
    return None if category is None or score is None else (category, score)


def _numbers(cells: Sequence[str], columns: Sequence[str], where: str) -> list[float]:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return [_number(cell, column, where) for cell, column in zip(cells, columns, strict=True)]


def _number(cell: str, column: str, where: str) -> float:
    text = cell.strip()
    if text.lower() in _NOTHING:
        return math.nan
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise DataError(
            f"{where}: {display_text(text)!r} under {display_text(column)!r} is no number. Leave "
            "out columns that are no category's scores."
        ) from None


def _from_pairs(pairs: Iterable[tuple[Any, Any, Any, str]], path: Path, scale: str) -> SavedScores:
    """From rows of image, category, score and where they stand."""
    names: dict[str, int] = {}
    categories: dict[str, int] = {}
    rows, columns, values = [], [], []
    known: dict[tuple[int, int], str] = {}
    for name, category, value, where in pairs:
        row = names.setdefault(plain(str(name)), len(names))
        if not (text := plain(str(category))):
            continue  # an image without any label
        column = categories.setdefault(text, len(categories))
        if (first := known.setdefault((row, column), where)) is not where:
            raise DataError(
                f"{display_name(path)} gives {display_text(text)!r} of {display_text(str(name))} "
                f"two scores: {first} and {where}. Keep one of each{_SAMPLES}"
            )
        rows.append(row)
        columns.append(column)
        values.append(_number(str(value), "score", f"{display_name(path)}, {where}"))
    table = _empty(len(names), len(categories), path)
    table[rows, columns] = values
    return SavedScores(display_name(path), tuple(names), tuple(categories), table, scale)


def _read_json_lines(path: Path) -> SavedScores:
    names: dict[str, int] = {}
    categories: dict[str, int] = {}
    entries: list[tuple[int, Any]] = []
    scale = ""
    for number, line in enumerate(text_lines(path), start=1):
        if not line.strip():
            continue
        where = f"Line {number} of {display_name(path)}"
        row = parse_json(line.encode(errors="surrogatepass"), where, allow_nan=True)
        fields = {key_of(key): value for key, value in row.items()} if isinstance(row, dict) else {}
        if fields.get("error"):
            continue  # what could not be read has no scores
        name = next((fields[key] for key in NAME_KEYS if key in fields), None)
        key = next((key for key in (*_SCALES, "labels") if key in fields), None)
        if not isinstance(name, str | int) or key is None:
            raise DataError(
                f"{where} needs the image's name and its scores: "
                '{"path": "x.jpg", "scores": {"cat": 0.9}}.'
            )
        if str(name) in names:
            raise DataError(
                f"{where} names {display_text(str(name))} a second time. Keep one{_SAMPLES}"
            )
        scale = _SCALES.get(key, "")
        entries.append((names.setdefault(str(name), len(names)), fields[key]))
        for category in _json_pairs(fields[key], where):
            categories.setdefault(category, len(categories))
    values = _json_values(entries, categories, path)
    return SavedScores(display_name(path), tuple(names), tuple(categories), values, scale)


def _json_pairs(value: Any, where: str) -> dict[str, float]:
    """Scores by category; nothing for plain numbers."""
    if isinstance(value, list) and all(value is None or is_score(value) for value in value):
        return {}
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        fields = [{key_of(key): inner for key, inner in one.items()} for one in value]
        value = {
            next((one[key] for key in _CATEGORY_COLUMNS if key in one), None): next(
                (one[key] for key in _SCORE_COLUMNS if key in one), None
            )
            for one in fields
        }
    if isinstance(value, dict) and all(
        isinstance(name, str) and (score is None or is_score(score))
        for name, score in value.items()
    ):
        return {name: math.nan if score is None else score for name, score in value.items()}
    raise DataError(f"{where} has scores that are neither by category nor a list of numbers.")


def is_score(value: object) -> bool:
    """Whether a value from JSON may be a score; NaN and infinities are."""
    return is_number(value) or isinstance(value, float)


def _json_values(
    entries: Sequence[tuple[int, Any]], categories: dict[str, int], path: Path
) -> FloatColumns:
    if not categories:
        widths = {len(value) for _, value in entries}
        if len(widths) > 1:
            raise DataError(f"{display_name(path)} has lists of different lengths.")
        lists = [[math.nan if one is None else one for one in value] for _, value in entries]
        return _stacked(lists, max(widths, default=0))
    table = _empty(len(entries), len(categories), path)
    for row, value in entries:
        for name, score in _json_pairs(value, display_name(path)).items():
            table[row, categories[name]] = score
    return table


# Arrays.


def _read_arrays(path: Path) -> SavedScores:
    arrays = load_arrays(path)
    key = next((key for key in _SCALES if key in arrays), None)
    if key is None:
        raise DataError(
            f"{display_name(path)} has no array of scores: call it scores, logits or "
            f"probabilities. It has {listed(arrays)}."
        )
    targets, ignored = truth_of(arrays, path)
    return SavedScores(
        display_name(path),
        names_in(arrays, NAME_KEYS),
        names_in(arrays, CATEGORY_KEYS),
        _as_floats(arrays[key], path),
        _SCALES[key],
        targets,
        ignored,
        ignored_as_in(arrays),
    )


def _read_array(path: Path) -> SavedScores:
    array = _as_floats(load_array(path), path)
    return SavedScores(display_name(path), (), (), array)


def _as_floats(array: NDArray[Any], path: Path) -> FloatColumns:
    if array.dtype.kind not in "fiub":
        raise DataError(f"The scores in {display_name(path)} are no numbers.")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


# Parquet.


def _read_parquet(path: Path) -> SavedScores:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise DataError(_PARQUET_HINT) from None
    try:
        table = parquet.read_table(path)
        header = [str(name) for name in table.column_names]
        columns = {name: table.column(place) for place, name in enumerate(header)}
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these kinds
        raise DataError(f"{display_name(path)} cannot be read: {reason_text(error)}.") from error
    at, long_form = _name_column(header, path), _long_columns(header)
    names = [str(name) for name in columns[header[at]].to_pylist()]
    if long_form is not None:
        category, score = (columns[header[place]].to_pylist() for place in long_form)
        pairs = zip(
            names, category, score, (f"row {i}" for i in range(1, len(names) + 1)), strict=True
        )
        return _from_pairs(pairs, path, _SCALES.get(f"{key_of(header[long_form[1]])}s", ""))
    rest = [name for place, name in enumerate(header) if place != at]
    lists = next((name for name in rest if key_of(name) in _SCALES), None)
    if lists is not None and len(rest) == 1:
        entries = list(enumerate(columns[lists].to_pylist()))
        values = _json_values(entries, {}, path)
        return SavedScores(display_name(path), tuple(names), (), values, _SCALES[key_of(lists)])
    try:
        arrays = [np.asarray(columns[name].to_numpy(), dtype=np.float64) for name in rest]
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{display_name(path)} has a column that is no category's scores: {error}."
        ) from error
    return SavedScores(display_name(path), tuple(names), tuple(rest), np.stack(arrays, axis=1))


def _stacked(rows: Sequence[Sequence[float]], width: int) -> FloatColumns:
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)


def _empty(rows: int, columns: int, path: Path) -> NDArray[np.float64]:
    if rows * columns > _MAX_ENTRIES:
        raise DataError(f"{display_name(path)}: {rows:,} × {columns:,} scores are too many.")
    return np.full((rows, columns), np.nan)
