"""What was found in photos as rows of Parquet: what clusters write, and what comes back from them.

A row per photo, whoever wrote it::

    path    string               as it was given
    size    int64                of the file in bytes, before it was read
    mtime   timestamp[ns, UTC]   when the file was changed, before it was read
    sha256  string               of the file's bytes, in hexadecimal; null if nobody asked for it
    model   string               its name, for people
    width   int32                of the upright photo in pixels; null if it could not be read
    height  int32
    labels  list<string>         categories whose score reached the threshold, best first
    scores  list<float16>        of all categories, 0 to 1; null if the photo could not be read
    error   string               why it could not be read; null if nothing was wrong

``scores`` alone would be numbers without names, so the file's metadata say which categories they
are of: ``csra.categories`` (a JSON list), ``csra.model``, ``csra.model_id`` and ``csra.format``.
pyarrow is imported only by what needs it; nothing in such a file is ever unpickled.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.api.values import FloatArray, Prediction
from engine.texts import display_text

#: Raised when old readers could not read what is written now.
FORMAT = 1
#: Rows that lie together in a file and are read together: some megabytes.
ROWS_AT_ONCE = 4096

_FORMAT, _MODEL, _MODEL_ID, _CATEGORIES = (
    b"csra.format",
    b"csra.model",
    b"csra.model_id",
    b"csra.categories",
)
_INT64 = np.iinfo(np.int64)
_HINT = (
    "Parquet files need pyarrow, which is not installed: pip install 'csra-gui[parquet]', or take "
    "JSON lines or CSV."
)


@dataclass(frozen=True, slots=True)
class TaggedBy:
    """Which model the rows of a file are of.

    Attributes:
        model: its name, for people.
        model_id: its fingerprint (``ModelInfo.id``).
        categories: what the scores are of, in their order.
    """

    model: str
    model_id: str
    categories: Categories


@dataclass(frozen=True, slots=True)
class FileLook:
    """A file as it was before it was read.

    Attributes:
        size: in bytes; ``None`` if the file did not say.
        mtime_ns: when it was changed, in ns since 1970; ``None`` likewise.
        sha256: of its bytes, in hexadecimal; ``None`` if nobody asked for it.
    """

    size: int | None = None
    mtime_ns: int | None = None
    sha256: str | None = None

    @classmethod
    def at(cls, path: Path) -> FileLook:
        """How it looks now; nothing is known of one that is away."""
        try:
            status = path.stat()
        except (OSError, ValueError):  # ValueError: a NUL in the name
            return cls()
        is_known = _INT64.min < status.st_mtime_ns < _INT64.max
        return cls(status.st_size, status.st_mtime_ns if is_known else None)


@dataclass(frozen=True, slots=True, eq=False)
class TagRow:
    """One row; either scores or an error, never both.

    Attributes:
        path: as ``written_path`` writes it.
        look: of the file.
        width: of the upright photo in pixels; 0 on error.
        height: likewise.
        labels: categories whose score reached the threshold, best first.
        scores: (C,) in [0, 1]; empty on error.
        error: why it could not be read; ``None`` if nothing was wrong.
    """

    path: str
    look: FileLook
    width: int
    height: int
    labels: tuple[str, ...]
    scores: FloatArray
    error: str | None


def tag_row(
    prediction: Prediction,
    categories: Categories,
    threshold: float | Sequence[float],
    look: FileLook,
) -> TagRow:
    """The row of a photo.

    Args:
        prediction: what a model said.
        categories: of the model.
        threshold: from which score on a category is among the labels, one for all or each.
        look: of the file, taken before it was read: what changes then is seen as changed.
    """
    return TagRow(
        path=written_path(prediction.path),
        look=look,
        width=prediction.width,
        height=prediction.height,
        labels=tuple(label.category for label in prediction.labels(categories, threshold)),
        scores=prediction.scores,
        error=prediction.error,
    )


def written_path(path: Path | str) -> str:
    """A path as text alone; bytes that are no UTF-8 become a backslash, an x and two digits."""
    return os.fspath(path).encode(errors="surrogateescape").decode(errors="backslashreplace")


def tag_schema(by: TaggedBy) -> Any:
    """The ``pyarrow.Schema`` of the rows of a model.

    Raises:
        DataError: pyarrow is not installed.
    """
    pa = pyarrow()
    metadata = {
        _FORMAT: str(FORMAT).encode(),
        _MODEL: by.model.encode(),
        _MODEL_ID: by.model_id.encode(),
        _CATEGORIES: json.dumps(list(by.categories)).encode(),
    }
    return pa.schema(
        [
            ("path", pa.string()),
            ("size", pa.int64()),
            ("mtime", pa.timestamp("ns", tz="UTC")),
            ("sha256", pa.string()),
            ("model", pa.string()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("labels", pa.list_(pa.string())),
            ("scores", pa.list_(pa.float16())),
            ("error", pa.string()),
        ],
        metadata,
    )


def tagged_by(metadata: Mapping[bytes, bytes] | None, name: str) -> TaggedBy:
    """Which model the rows are of, by the metadata of a schema.

    Args:
        metadata: as a file has them.
        name: of the file, for people.

    Raises:
        DataError: it is no such file, or one of a later version.
    """
    found = metadata or {}
    if _FORMAT not in found or _CATEGORIES not in found:
        raise DataError(
            f"{name} does not say what its scores are of: it is no result of csra tag. Choose a "
            "file that csra tag --format parquet or --ray wrote."
        )
    try:
        version, names = int(found[_FORMAT]), json.loads(found[_CATEGORIES])
        if version > FORMAT:
            raise DataError(f"{name} was written by a later version. Update this program.")
        if not (isinstance(names, list) and all(isinstance(each, str) for each in names)):
            raise ValueError("no list of names")
        model = display_text(found.get(_MODEL, b"").decode())
        return TaggedBy(model, found.get(_MODEL_ID, b"").decode(), Categories(tuple(names)))
    except (ValueError, RecursionError, ConfigError) as error:
        raise DataError(
            f"{name} does not say in order what its scores are of: it is damaged. Make it again."
        ) from error


def tag_table(rows: Sequence[TagRow], by: TaggedBy, schema: Any = None) -> Any:
    """The rows as a ``pyarrow.Table``.

    Args:
        rows: of one model.
        by: which.
        schema: of ``tag_schema``, if it is made already.

    Raises:
        DataError: pyarrow is not installed.
    """
    pa = pyarrow()
    schema = tag_schema(by) if schema is None else schema
    sound = [row.error is None for row in rows]
    columns = [
        [row.path for row in rows],
        [row.look.size for row in rows],
        [row.look.mtime_ns for row in rows],
        [row.look.sha256 for row in rows],
        [by.model] * len(rows),
        [row.width if is_sound else None for row, is_sound in zip(rows, sound, strict=True)],
        [row.height if is_sound else None for row, is_sound in zip(rows, sound, strict=True)],
        [row.labels for row in rows],
        None,
        [row.error for row in rows],
    ]
    arrays = [
        _scores(rows) if column is None else pa.array(column, field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _scores(rows: Sequence[TagRow]) -> Any:
    """Lists of halves, without a Python number for each score."""
    pa = pyarrow()
    lengths = [len(row.scores) if row.error is None else 0 for row in rows]
    ends: list[int | None] = [0, *accumulate(lengths)]
    # An offset that is null makes the list that begins there null.
    starts = [None if row.error is not None else end for row, end in zip(rows, ends, strict=False)]
    values = [row.scores.astype(np.float16) for row in rows if row.error is None]
    flat = np.concatenate(values) if values else np.zeros(0, np.float16)
    offsets = pa.array([*starts, ends[-1]], pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(flat))


class TagRowsWriter:
    """Writes rows to a Parquet file, a group at a time; leaving the block ends the file.

    Args:
        file: its path; it is no Parquet file before the end.
        by: which model the rows are of.

    Raises:
        DataError: pyarrow is not installed.
        OSError: the file cannot be written.
    """

    def __init__(self, file: Path, by: TaggedBy) -> None:
        self._by, self._schema = by, tag_schema(by)
        self._writer = _parquet().ParquetWriter(os.fspath(file), self._schema, **WRITE_OPTIONS)
        self._rows: list[TagRow] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._write()
        finally:
            self._writer.close()

    def add(self, row: TagRow) -> None:
        """Write one, with those before it or soon."""
        self._rows.append(row)
        if len(self._rows) >= ROWS_AT_ONCE:
            self._write()

    def _write(self) -> None:
        if self._rows:
            self._writer.write_table(tag_table(self._rows, self._by, self._schema))
            self._rows = []


#: For ``pyarrow.parquet``: halves are smaller with their bytes apart, names in a dictionary.
WRITE_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": ["model", "labels.list.element", "error"],
    "use_byte_stream_split": ["scores.list.element"],
}


def write_tag_rows(file: Path, rows: Iterable[TagRow], by: TaggedBy) -> None:
    """Write all rows to one file, which is not written atomically.

    Raises:
        DataError: pyarrow is not installed.
        OSError: the file cannot be written.
    """
    with TagRowsWriter(file, by) as writer:
        for row in rows:
            writer.add(row)


def pyarrow() -> Any:
    """The package.

    Raises:
        DataError: it is not installed.
    """
    return _imported("pyarrow")


def _parquet() -> Any:
    return _imported("pyarrow.parquet")


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise DataError(_HINT) from None
