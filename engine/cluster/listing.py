"""Which photos a job is about: of folders, of a list, of a column of a Parquet file."""

from __future__ import annotations

import codecs
import hashlib
import importlib
import os
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.api.errors import DataError
from engine.cluster.places import is_remote, local_path, opened, storage
from engine.data.kinds import is_picture
from engine.data.scan import scan
from engine.records.tag_rows import pyarrow
from engine.texts import display_path, display_text, reason_text

_LINES_AT_ONCE = 65_536


@dataclass
class Found:
    """What a walk came upon besides photos; of a thousand million files, so it is counted.

    Attributes:
        left_out: files of kinds that cannot be opened, by kind.
        skipped: places that could not be looked at, by the reason.
    """

    left_out: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Wanted:
    """Where the photos of a job are named.

    Args:
        places: folders and files, here or on a storage that fsspec opens.
        list_file: a text file with a path per line, or a Parquet file; instead of places.
        column: of the Parquet file.
        recursive: also folders in folders.
        follow_links: also where links lead out of the folders.
        pair_raw: a RAW beside its JPEG is no photo of its own.
    """

    places: tuple[str, ...] = ()
    list_file: str | None = None
    column: str = "path"
    recursive: bool = False
    follow_links: bool = True
    pair_raw: bool = True

    def paths(self, found: Found) -> Iterator[str]:
        """The photos, in the same order each time; those of this machine with their whole path.

        Args:
            found: gets what else there is.

        Raises:
            DataError: something that is named is not there, or cannot be read.
        """
        if self.list_file is not None:
            is_table = self.list_file.lower().endswith((".parquet", ".pq"))
            lines = _column(self.list_file, self.column) if is_table else _lines(self.list_file)
            yield from map(_whole, lines)
            return
        local = [local_path(place) for place in self.places if not is_remote(place)]
        if local:
            yield from self._of_folders(local, found)
        for place in self.places:
            if is_remote(place):
                yield from self._of_storage(place)

    def _of_folders(self, roots: list[Path], found: Found) -> Iterator[str]:
        for root in roots:
            if not root.exists():
                raise DataError(f"There is no file or folder {display_path(root)!r}.")
        walk = scan(
            roots,
            recursive=self.recursive,
            follow_links=self.follow_links,
            pair_raw=self.pair_raw,
        )
        for batch in walk:
            found.left_out.update(file.kind for file in batch.left_out)
            found.skipped.update(problem.message for problem in batch.skipped)
            yield from map(_whole, map(os.fspath, batch.paths))

    def _of_storage(self, place: str) -> Iterator[str]:
        filesystem, path = storage(place)
        try:
            if filesystem.isfile(path):
                names = [path]
            else:
                names = filesystem.find(path, maxdepth=None if self.recursive else 1)
        except OSError as error:
            raise DataError(
                f"{display_text(place)} cannot be looked into: {reason_text(error)}."
            ) from error
        if not names and not filesystem.exists(path):
            raise DataError(f"There is no file or folder {display_text(place)!r}.")
        for name in sorted(names):
            if name == path or is_picture(name.rsplit("/", 1)[-1]):
                yield str(filesystem.unstrip_protocol(name))


def _whole(path: str) -> str:
    return path if is_remote(path) else os.path.abspath(local_path(path))  # noqa: PTH100 - links


def _lines(place: str) -> Iterator[str]:
    """The lines of a text; bytes that are no UTF-8 stay what they are."""
    with opened(place) as file:
        for number, raw in enumerate(file):
            line = raw.removeprefix(codecs.BOM_UTF8) if number == 0 else raw
            text = os.fsdecode(line.rstrip(b"\r\n"))
            if text.strip():
                yield text


def _column(place: str, column: str) -> Iterator[str]:
    parquet = _parquet()
    with opened(place) as source:
        try:
            file = parquet.ParquetFile(source)
            if column not in file.schema_arrow.names:
                names = ", ".join(file.schema_arrow.names)
                raise DataError(
                    f"{display_text(place)} has no column {column!r}, but {display_text(names)}. "
                    "Name the one with the paths with --column."
                )
            for batch in file.iter_batches(_LINES_AT_ONCE, columns=[column]):
                for value in batch.column(0).to_pylist():
                    if value:
                        yield os.fsdecode(value)
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{display_text(place)} is no Parquet file with paths: {display_text(str(error))}."
            ) from error


class InputList:
    """The photos of a job in a Parquet file: a group of rows for each part.

    Args:
        file: open for reading; stays open.
    """

    def __init__(self, file: Any) -> None:
        self._file = _parquet().ParquetFile(file)

    @property
    def parts(self) -> int:
        """How many there are."""
        return int(self._file.num_row_groups)

    def part(self, place: int) -> list[str]:
        """The paths of a part."""
        column = self._file.read_row_group(place, columns=["path"]).column("path")
        return [os.fsdecode(path) for path in column.to_pylist()]


@dataclass(frozen=True)
class ListFacts:
    """How long a list is, and a digest of it.

    Attributes:
        photos: how many.
        digest: SHA-256 of all paths in order, hexadecimal.
    """

    photos: int
    digest: str


def facts_of(paths: Iterable[str]) -> ListFacts:
    """What ``write_list`` would tell of the paths."""
    taker = _Facts()
    for path in paths:
        taker.add(path)
    return taker.facts


def write_list(file: Path, paths: Iterable[str], rows_per_part: int) -> ListFacts:
    """Write a list for ``InputList``, a part at a time.

    Raises:
        DataError: pyarrow is not installed.
        OSError: the file cannot be written.
    """
    pa, taker = pyarrow(), _Facts()
    # Names need not be UTF-8.
    form = pa.schema([("path", pa.binary())])
    with _parquet().ParquetWriter(os.fspath(file), form, compression="zstd") as writer:
        for part in _groups(paths, rows_per_part):
            for path in part:
                taker.add(path)
            rows = pa.array([os.fsencode(path) for path in part], pa.binary())
            writer.write_table(pa.table([rows], schema=form), row_group_size=rows_per_part)
    return taker.facts


class _Facts:
    def __init__(self) -> None:
        self._digest, self._count = hashlib.sha256(), 0

    def add(self, path: str) -> None:
        self._digest.update(os.fsencode(path) + b"\0")
        self._count += 1

    @property
    def facts(self) -> ListFacts:
        return ListFacts(self._count, self._digest.hexdigest())


def _groups(items: Iterable[str], size: int) -> Generator[list[str], None, None]:
    group: list[str] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _parquet() -> Any:
    pyarrow()  # says what to install
    return importlib.import_module("pyarrow.parquet")
