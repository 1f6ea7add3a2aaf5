"""Reading tags in Parquet with bounds: columns of plain types alone, and none larger than sensible.

pyarrow is imported here when it is needed. What a file says beside columns and our own few words,
such as the metadata of pandas or types of other programs, is not looked at.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.api.errors import DataError
from engine.interchange.importing.tag_values import HalfArray, ReadRow, Refusal
from engine.library.values import LibraryModel
from engine.records.tag_rows import TaggedBy, pyarrow, tagged_by
from engine.texts import display_name

_LONGEST_TEXT = 32 << 10
_SCORES_AT_ONCE = 4 << 20
_MOST_ROWS_AT_ONCE = 1000
_LARGEST_HEADER = 64 << 20
_MOST_PARTS = 1_000_000
# What pyarrow raises beside its own: damage that it comes upon late is an error of reading.
_OF_DAMAGE = (OSError, ValueError, LookupError, TypeError, MemoryError)
_TEXTS = ("path", "error", "sha256")
_NEEDED = ("path", "scores")
_READ = (*_TEXTS, "size", "mtime", "scores")


def read_parquet(
    path: Path, find: Callable[[str, str], LibraryModel | None]
) -> Iterator[tuple[list[ReadRow], float]]:
    """Some rows at a time, and which share of the file is read with them.

    Args:
        path: of the file.
        find: the model that is known here by a name and a fingerprint.

    Raises:
        DataError: pyarrow is not installed, or the file is damaged or no result of ``csra tag``.
        OSError: it cannot be read.
    """
    arrow, name = pyarrow(), display_name(path)
    parquet = importlib.import_module("pyarrow.parquet")
    try:
        with path.open("rb") as stream:
            limits = {
                "thrift_string_size_limit": _LARGEST_HEADER,
                "thrift_container_size_limit": _MOST_PARTS,
            }
            file = parquet.ParquetFile(stream, **limits)
            schema = file.schema_arrow
            by = tagged_by(schema.metadata, name)
            _check(arrow, schema, file.metadata, by, name)
            model = _model(by, find, name)
            # A text that is there a thousand times is unpacked once.
            texts = [column for column in _TEXTS if column in schema.names]
            file = parquet.ParquetFile(
                stream, metadata=file.metadata, read_dictionary=texts, **limits
            )
            yield from _rows(arrow, file, model, name)
    except (arrow.ArrowException, *_OF_DAMAGE) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk, not of the file
            raise
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(
            f"{name} is damaged ({first}); what could not be read of it is left out. Make it again."
        ) from error


def _model(
    by: TaggedBy, find: Callable[[str, str], LibraryModel | None], name: str
) -> LibraryModel | None:
    """Who scored: as it is known here, else as the file says."""
    known = find(by.model, by.model_id)
    if known is not None and known.categories.names != by.categories.names:
        if by.model_id:
            raise DataError(
                f"{name} gives {by.model} other categories than are known here; it is left out."
            )
        known = None
    if known is None and by.model_id:
        return LibraryModel(by.model_id, by.model, by.categories)
    return known


def _check(arrow: Any, schema: Any, metadata: Any, by: TaggedBy, name: str) -> None:
    """Refuse what no tagging writes, before anything of it is unpacked."""
    lacking = [column for column in _NEEDED if column not in schema.names]
    if lacking:
        raise DataError(f"{name} has no column {lacking[0]}: it is no result of csra tag.")
    if len(set(schema.names)) != len(schema.names):
        raise DataError(f"{name} has two columns of one name: it is no result of csra tag.")
    types = arrow.types
    for column in set(_READ) & set(schema.names):
        kind = schema.field(column).type
        if column in _TEXTS:
            kind = kind.value_type if types.is_dictionary(kind) else kind
            is_right = types.is_string(kind) or types.is_large_string(kind)
        elif column == "scores":
            is_list = types.is_list(kind) or types.is_large_list(kind)
            is_right = is_list and types.is_floating(kind.value_type)
        else:
            is_right = types.is_integer(kind) or (column == "mtime" and types.is_timestamp(kind))
        if not is_right:
            raise DataError(
                f"{name} has a column {column} of another type: it is no result of csra tag."
            )
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group)
        for place in range(rows.num_columns):
            chunk = rows.column(place)
            first = chunk.path_in_schema.partition(".")[0]
            if first == "scores" and chunk.num_values > rows.num_rows * len(by.categories):
                raise DataError(
                    f"{name} has more scores than its {len(by.categories):,} categories: it is "
                    "damaged."
                )
            if first in _TEXTS and chunk.total_uncompressed_size > (
                (1 << 20) + _LONGEST_TEXT * rows.num_rows
            ):
                raise DataError(f"{name} has texts that are too long: it is damaged.")


def _rows(
    arrow: Any, file: Any, model: LibraryModel | None, name: str
) -> Iterator[tuple[list[ReadRow], float]]:
    count = 1 if model is None else len(model.categories)
    at_once = max(1, min(_MOST_ROWS_AT_ONCE, _SCORES_AT_ONCE // count))
    columns = [column for column in _READ if column in file.schema_arrow.names]
    whole, done = max(file.metadata.num_rows, 1), 0
    # A reader of the whole file keeps something of each group of rows until it has ended.
    batches = (
        batch
        for group in range(file.num_row_groups)
        for batch in file.iter_batches(at_once, [group], columns, use_threads=False)
    )
    for batch in batches:
        texts = {column: _text_column(arrow, batch, column, name) for column in _TEXTS}
        numbers = {column: _number_column(arrow, batch, column) for column in ("size", "mtime")}
        scores = _score_column(batch, 0 if model is None else count)
        rows = []
        for place, path in enumerate(texts["path"]):
            error, digest = texts["error"][place], texts["sha256"][place] or ""
            sound, fault = (None, None) if error is not None else scores[place]
            if model is None and error is None:
                fault = Refusal.UNKNOWN_MODEL
            size, mtime = numbers["size"][place], numbers["mtime"][place]
            if not path:
                rows.append(ReadRow("", fault=Refusal.BAD_ROW))
                continue
            rows.append(
                ReadRow(path, model, sound, size, mtime, digest.strip().lower(), error, fault=fault)
            )
        done += len(rows)
        yield rows, min(done / whole, 1.0)


def _text_column(arrow: Any, batch: Any, column: str, name: str) -> list[str | None]:
    if column not in batch.schema.names:
        return [None] * batch.num_rows
    values = batch.column(column)
    compute = importlib.import_module("pyarrow.compute")
    texts = values.dictionary if arrow.types.is_dictionary(values.type) else values
    longest = compute.max(compute.binary_length(texts)).as_py() or 0
    if longest > _LONGEST_TEXT:
        raise DataError(f"{name} has texts that are too long: it is damaged.")
    found: list[str | None] = values.to_pylist()
    return found


def _number_column(arrow: Any, batch: Any, column: str) -> list[int | None]:
    if column not in batch.schema.names:
        return [None] * batch.num_rows
    values = batch.column(column)
    if arrow.types.is_timestamp(values.type):
        values = values.cast(arrow.timestamp("ns", tz=values.type.tz))
    found: list[int | None] = values.cast(arrow.int64()).to_pylist()
    return found


def _score_column(batch: Any, count: int) -> list[tuple[HalfArray | None, Refusal | None]]:
    """The scores of each row, or what is wrong with them; no Python number is made of any."""
    lists = batch.column("scores")
    starts = lists.offsets.to_numpy()
    there = lists.is_valid().to_numpy(zero_copy_only=False)
    flat = np.asarray(lists.values.to_numpy(zero_copy_only=False), dtype=np.float32)
    with np.errstate(invalid="ignore"):
        is_sound = (flat >= 0) & (flat <= 1)  # NaN, which stands for what is missing too, is not
    halves = flat.astype(np.float16)
    found: list[tuple[HalfArray | None, Refusal | None]] = []
    for place in range(len(lists)):
        part = slice(int(starts[place]), int(starts[place + 1]))
        whole = bool(there[place]) and part.stop - part.start == count > 0
        if whole and bool(is_sound[part].all()):
            found.append((halves[part], None))
        else:
            found.append((None, Refusal.BAD_SCORES))
    return found
