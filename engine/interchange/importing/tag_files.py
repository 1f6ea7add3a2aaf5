"""Reading what ``csra tag`` writes: Parquet parts, JSON lines and CSV; a piece at a time.

All of it may come from others: nothing in it is run or unpacked as an object, no line, text or list
may be longer than makes sense, and what is wrong with one row costs that row alone.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.api.errors import DataError
from engine.interchange.importing.tag_parquet import read_parquet
from engine.interchange.importing.tag_values import HalfArray, ReadRow, Refusal
from engine.library.values import LibraryModel
from engine.texts import display_name, display_path, reason_text

#: Endings of the files that are read.
SUFFIXES = (".parquet", ".jsonl", ".ndjson", ".csv")
#: So many rows are a piece.
PIECE = 1000
_LONGEST_LINE = 32 << 20
_LONGEST_CELL = 1 << 20
_INT64 = np.iinfo(np.int64)
# What a writer of tables puts an apostrophe before; see ``engine.cli.output``.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

#: A model by its name and its fingerprint, of which one may be empty.
FindModel = Callable[[str, str], LibraryModel | None]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some rows of a file.

    Attributes:
        rows: in their order.
        share: of the file that is read with them, 0 to 1.
    """

    rows: Sequence[ReadRow]
    share: float


def find_tag_files(paths: Sequence[Path]) -> list[Path]:
    """The files that are named, and those in folders that are, in the order of their names.

    Files whose names begin with a dot or an underscore are somebody's work that is not done.

    Raises:
        DataError: there is no such file or folder, or nothing in it that is read.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = sorted(
                Path(folder, name)
                for folder, folders, names in os.walk(path)
                for name in _open_names(folders, names)
            )
            if not below:
                raise DataError(
                    f"There are no results in {display_path(path)}. Choose a folder with files "
                    f"that csra tag wrote ({', '.join(SUFFIXES)})."
                )
            found += below
        elif path.is_file() and path.suffix.lower() in SUFFIXES:
            found.append(path)
        elif path.exists():
            raise DataError(
                f"{display_path(path)} is none of the files that are read. Choose one that csra "
                f"tag wrote ({', '.join(SUFFIXES)})."
            )
        else:
            raise DataError(f"There is no file or folder {display_path(path)}.")
    return list(dict.fromkeys(found))


def _open_names(folders: list[str], names: list[str]) -> list[str]:
    folders[:] = [folder for folder in folders if not folder.startswith((".", "_"))]
    return [
        name
        for name in names
        if not name.startswith((".", "_")) and name.lower().endswith(SUFFIXES)
    ]


def read_tag_file(path: Path, find: FindModel) -> Iterator[Piece]:
    """The rows of one file.

    Args:
        path: of the file.
        find: says which model is meant.

    Raises:
        DataError: it cannot be read, or not to its end; what came before is sound.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            for part, share in read_parquet(path, find):
                yield Piece(part, share)
            return
        read = _csv_rows if suffix == ".csv" else _json_rows
        with path.open("rb") as file:
            size = max(os.fstat(file.fileno()).st_size, 1)
            rows: list[ReadRow] = []
            for row in read(file, path, find):
                rows.append(row)
                if len(rows) == PIECE:
                    yield Piece(rows, min(file.tell() / size, 1.0))
                    rows = []
            yield Piece(rows, 1.0)
    except OSError as error:
        reason = reason_text(error)
        raise DataError(f"{display_name(path)} could not be read: {reason}.") from error


def _lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise DataError(
                f"{display_name(path)} has a line of more than {_LONGEST_LINE >> 20} MiB; the rest "
                "of it is left out."
            )
        yield line.removeprefix(b"\xef\xbb\xbf")


# JSON lines.


def _json_rows(file: BinaryIO, path: Path, find: FindModel) -> Iterator[ReadRow]:
    for line in _lines(file, path):
        if line.strip():
            yield _json_row(line, find)


def _json_row(line: bytes, find: FindModel) -> ReadRow:
    try:
        said = json.loads(line)
        where, error = said["path"], said.get("error")
        if not isinstance(where, str) or not where or not isinstance(error, str | None):
            raise TypeError
        model = find(str(said.get("model") or ""), str(said.get("model_id") or ""))
        labels = [] if error is not None else said["labels"]
        pairs = [(label["category"], label["score"]) for label in labels]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ReadRow(line[:200].decode(errors="replace"), fault=Refusal.BAD_ROW)
    size, mtime = said.get("size"), said.get("mtime")
    return _row(where, model, pairs, error, (size, mtime, said.get("sha256")))


# CSV: a row for each label.


def _csv_rows(file: BinaryIO, path: Path, find: FindModel) -> Iterator[ReadRow]:
    csv.field_size_limit(_LONGEST_CELL)
    texts = (line.decode(errors="replace") for line in _lines(file, path))
    table = csv.reader(texts)
    try:
        header = [name.strip().lower() for name in next(table, [])]
        if not {"path", "category", "score"} <= set(header):
            raise DataError(
                f"{display_name(path)} has no columns path, category and score: csra tag did not "
                "write it."
            )
        last: tuple[dict[str, str], list[tuple[object, object]]] | None = None
        for cells in table:
            if not cells or [cell.strip().lower() for cell in cells] == header:
                continue  # tables that were put one behind the other
            said = dict(zip(header, map(_plain, cells), strict=False))
            pair = (said.get("category", ""), said.get("score", ""))
            if last is not None and _same(last[0], said) and pair[0]:
                last[1].append(pair)
                continue
            if last is not None:
                yield _csv_row(*last, find)
            last = (said, [pair] if pair[0] else [])
        if last is not None:
            yield _csv_row(*last, find)
    except csv.Error as error:
        raise DataError(
            f"{display_name(path)} is no table from line {table.line_num:,} on ({error}); the rest "
            "of it is left out."
        ) from error


def _same(one: dict[str, str], other: dict[str, str]) -> bool:
    return all(one.get(name) == other.get(name) for name in ("path", "model", "error"))


def _csv_row(said: dict[str, str], pairs: list[tuple[object, object]], find: FindModel) -> ReadRow:
    where = said.get("path", "")
    if not where:
        return ReadRow(",".join(said.values())[:200], fault=Refusal.BAD_ROW)
    model = find(said.get("model", ""), said.get("model_id", ""))
    looks = (said.get("size"), said.get("mtime"), said.get("sha256"))
    return _row(where, model, pairs, said.get("error") or None, looks)


def _plain(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from running it."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA_STARTS) else cell


# Both.


def _row(
    path: str,
    model: LibraryModel | None,
    pairs: Sequence[tuple[object, object]],
    error: str | None,
    looks: tuple[object, object, object],
) -> ReadRow:
    size, seconds, digest = _number(looks[0]), _number(looks[1]), looks[2]
    try:
        mtime_ns = None if seconds is None else round(seconds * 1e9)
        mtime_ns = mtime_ns if mtime_ns is None or abs(mtime_ns) < _INT64.max else None
        length = None if size is None or size != int(size) else int(size)
    except OverflowError:
        mtime_ns = length = None
    scores, fault = (None, None) if error is not None else _scores(pairs, model)
    is_partial = scores is not None and model is not None and len(pairs) < len(model.categories)
    return ReadRow(
        path,
        model,
        scores,
        length,
        mtime_ns,
        digest.strip().lower() if isinstance(digest, str) else "",
        error,
        is_partial,
        fault,
    )


def _number(value: object) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # an integer of hundreds of digits
        return None


def _scores(
    pairs: Sequence[tuple[object, object]], model: LibraryModel | None
) -> tuple[HalfArray | None, Refusal | None]:
    if model is None:
        return None, Refusal.UNKNOWN_MODEL
    scores = np.zeros(len(model.categories), dtype=np.float16)
    seen = set()
    for name, value in pairs:
        score = _number(value)
        if not isinstance(name, str) or name not in model.categories:
            return None, Refusal.UNKNOWN_MODEL  # a model of this name, but another one
        if score is None or not 0.0 <= score <= 1.0 or name in seen:
            return None, Refusal.BAD_SCORES
        seen.add(name)
        scores[model.categories.index_of(name)] = score
    return scores, None
