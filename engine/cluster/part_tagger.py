"""What a worker does for ``tag``: one part of a job after the other, each to a file of its own."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.api.errors import DataError, EngineError
from engine.api.values import Prediction
from engine.cluster.cores import Cores
from engine.cluster.job import Job
from engine.cluster.listing import InputList
from engine.cluster.model_copy import ModelCopy
from engine.cluster.places import fetched, is_remote, is_there, opened, write_whole
from engine.records.tag_rows import FileLook, TaggedBy, TagRow, tag_row, write_tag_rows
from engine.service.local import LocalEngine

#: So many photos are looked at and fetched ahead of those that the model has.
_AHEAD = 64
#: So many of them at once.
_FETCHERS = 8
_BLOCK = 1 << 20


@dataclass(frozen=True)
class TagOrder:
    """What all workers of a job are told.

    Attributes:
        job: what to do.
        model: what with.
        by: what is written beside the rows.
        thresholds: (C,) from which score on a category is among the labels.
        device: ``cpu`` or ``cuda``.
        backend: what runs the network, by its name.
        cpus: cores of a worker.
    """

    job: Job
    model: ModelCopy
    by: TaggedBy
    thresholds: tuple[float, ...]
    device: str
    backend: str
    cpus: float


@dataclass(frozen=True)
class _Look:
    """A photo before the model has it.

    Attributes:
        path: as it goes into the row.
        file: on this machine.
        look: of the file.
        error: why it could not be fetched; ``None`` if it was.
    """

    path: str
    file: Path
    look: FileLook
    error: str | None = None


class PartTagger:
    """An actor of Ray Data; the model is opened with the first part and kept.

    Args:
        order: what to do.
    """

    def __init__(self, order: TagOrder) -> None:
        self._order = order
        self._held = contextlib.ExitStack()
        self._opened: tuple[LocalEngine, InputList] | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Do the parts that are named under "task"; a row of ``outcome_row`` for each."""
        rows = [self._done(int(part)) for part in batch["task"]]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def close(self) -> None:
        """Free the model and its processes."""
        self._opened = None
        self._held.close()

    def _done(self, part: int) -> dict[str, Any]:
        started = time.monotonic()
        try:
            causes = self._written(part)
            refused = ""
            if causes is None:
                causes = self._tag(part)
        except EngineError as error:  # a photo is a row; this is the disk or the model
            causes, refused = {}, str(error)
        return {
            "task": part,
            "photos": self._order.job.rows_of(part),
            "causes": json.dumps(causes),
            "refused": refused,
            "seconds": time.monotonic() - started,
            "worker": worker_name(),
        }

    def _written(self, part: int) -> dict[str, int] | None:
        """The causes of failures in a part that its worker wrote before it died."""
        file = self._order.job.part_file(part)
        return causes_in(file) if is_there(file) else None

    def _tag(self, part: int) -> dict[str, int]:
        order = self._order
        engine, photos = self._opened = self._opened or self._open()
        causes: Counter[str] = Counter()
        rows: list[TagRow] = []
        for chunk in self._looks(photos.part(part)):
            found = engine.predict(order.model.id, [each.file for each in chunk])
            with contextlib.closing(found) as predictions:
                for each, prediction in zip(chunk, predictions, strict=True):
                    row = _row(each, prediction, order)
                    rows.append(row)
                    if row.error is not None:
                        causes[row.error] += 1
        write_whole(order.job.part_file(part), lambda file: write_tag_rows(file, rows, order.by))
        return dict(causes)

    def _open(self) -> tuple[LocalEngine, InputList]:
        order = self._order
        self._held.callback(Cores(order.cpus).close)
        engine = LocalEngine(
            order.device, backend=order.backend, precision=order.job.facts.precision
        )
        self._held.enter_context(engine)
        order.model.open_in(engine)
        return engine, InputList(self._held.enter_context(opened(order.job.list_file)))

    def _looks(self, paths: Sequence[str]) -> Generator[list[_Look], None, None]:
        """Photos in groups, of which the next is looked at and fetched while one is in use."""
        groups = [paths[at : at + _AHEAD] for at in range(0, len(paths), _AHEAD)]
        with (
            tempfile.TemporaryDirectory(prefix="csra-photos-") as folder,
            ThreadPoolExecutor(_FETCHERS) as pool,
        ):
            here = Path(folder)
            hashes = self._order.job.facts.hashes

            def begin(place: int) -> list[Any]:
                names = enumerate(groups[place])
                return [
                    pool.submit(_look, path, here, f"{place % 2}-{i}", hashes) for i, path in names
                ]

            coming = begin(0) if groups else []
            for place in range(len(groups)):
                group = [future.result() for future in coming]
                coming = begin(place + 1) if place + 1 < len(groups) else []
                yield group
                for each in group:
                    if is_remote(each.path):
                        each.file.unlink(missing_ok=True)


def _look(path: str, folder: Path, name: str, hashes: bool) -> _Look:
    file, error = Path(path), None
    if is_remote(path):
        try:
            file, look = fetched(path, folder, name)
        except DataError as reason:
            file, look, error = folder / f"{name}.away", FileLook(), str(reason)
    else:
        look = FileLook.at(file)
    if hashes and error is None and file.is_file():  # a pipe would be waited for
        with contextlib.suppress(OSError, ValueError):  # the decoder says what is wrong with it
            look = replace(look, sha256=_sha256(file))
    return _Look(path, file, look, error)


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _row(photo: _Look, prediction: Prediction, order: TagOrder) -> TagRow:
    row = tag_row(prediction, order.by.categories, order.thresholds, photo.look)
    if not is_remote(photo.path):
        return row
    return replace(row, path=photo.path, error=photo.error or row.error)


def causes_in(place: str) -> dict[str, int]:
    """How many photos of a part could not be read, by cause.

    Raises:
        DataError: it cannot be read.
    """
    with opened(place) as file:
        try:
            table = importlib.import_module("pyarrow.parquet").read_table(file, columns=["error"])
        except ValueError as error:
            raise DataError(
                f"{place} is no part of a job. Delete it, and it is made again."
            ) from error
    return dict(Counter(cause for cause in table.column(0).to_pylist() if cause is not None))


def worker_name() -> str:
    """Which worker this is: its machine and process."""
    return f"{platform.node() or 'localhost'}:{os.getpid()}"
