"""Writing predictions as rows of Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from engine.api.values import Prediction
from engine.cli.looks import Looks
from engine.records.tag_rows import FileLook, TaggedBy, TagRowsWriter, tag_row


class ParquetWriter:
    """A row per photo; see ``engine.records.tag_rows``.

    Args:
        rows: take them.
        by: which model they are of.
        threshold: from which score on a category is among the labels.
        paths: of the photos, in the order in which they will come; looked at now, before one is
            read, so that one that changes meanwhile is told from what was tagged.
        hashes: whether files are read once more for their SHA-256.
    """

    def __init__(
        self,
        rows: TagRowsWriter,
        by: TaggedBy,
        threshold: float | Sequence[float],
        paths: Sequence[Path],
        *,
        hashes: bool,
    ) -> None:
        self._rows, self._by, self._threshold = rows, by, threshold
        self._looks, self._done, self._hashes = Looks(paths), 0, hashes

    def write(self, prediction: Prediction) -> None:
        """Take the next one."""
        look = self._looks[self._done]
        self._done += 1
        if self._hashes:
            look = _hashed(prediction.path, look)
        self._rows.add(tag_row(prediction, self._by.categories, self._threshold, look))


def _hashed(path: Path, look: FileLook) -> FileLook:
    """With the hash, unless the file is another by now."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return look
    return replace(look, sha256=digest) if FileLook.at(path) == look else look


@contextmanager
def parquet_writer(
    file: Path,
    by: TaggedBy,
    threshold: float | Sequence[float],
    paths: Sequence[Path],
    *,
    hashes: bool,
) -> Generator[ParquetWriter, None, None]:
    """Write a file; leaving the block ends it."""
    with TagRowsWriter(file, by) as rows:
        yield ParquetWriter(rows, by, threshold, paths, hashes=hashes)
