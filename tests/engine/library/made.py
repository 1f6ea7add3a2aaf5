"""A library with a copy and labels since, as the tests that damage it want it."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.library import backup
from engine.library.connections import connect_to_copy
from engine.library.opening import open_library
from engine.library.rescue.log import salt_of
from engine.library.schema import TABLES
from engine.library.values import Attribute, Verdict, Wish
from tests.engine.library.parts import ME, MODEL, backed_up, files, filled, prediction

PAGE = 4096
Rows = dict[str, set[tuple[object, ...]]]


@dataclass(frozen=True)
class Made:
    """A closed library with a backup from before, and its files as a crash leaves them."""

    path: Path
    rows: Rows
    main: bytes
    log: bytes


def rows_of(path: Path) -> Rows:
    with contextlib.closing(connect_to_copy(path)) as connection:
        return {table: set(connection.execute(f"SELECT * FROM {table}")) for table in TABLES}


def make(path: Path, count: int = 400, model: str = "cat") -> Made:
    """A library with a backup and labels since; its file and log as they are while it is open."""
    with open_library(path) as library:
        filled(library, count)
        wishes = [Wish(i, model, Verdict.ADDED) for i in range(1, count)]
        library.decide(wishes, who=ME, caption="Add")
        library.rate(range(1, count // 2), Attribute.RATING, "4", caption="Rate")
        backed_up(path)
    with open_library(path) as library:
        late = [Wish(i, "late", Verdict.ACCEPTED) for i in range(1, count // 2)]
        library.decide(late, who=ME, caption="Late")
        library.decide([Wish(3, model, None)], who=ME, caption="Not that", reviewed={3: True})
        library.decide([Wish(4, model, Verdict.REJECTED)], who=ME, caption="Nor that")
        library.undo()
        more = library.add_images(files(count + 50))[count:]
        library.record_predictions(
            MODEL.fingerprint, [prediction(f.path, 1, 0, 1) for f in files(count + 50)[count:]]
        )
        library.decide([Wish(more[0], "new", Verdict.ADDED)], who=ME, caption="New")
        main = path.read_bytes()
        log = path.with_name(f"{path.name}-wal").read_bytes()
    return Made(path, rows_of(path), main, log)


def laid_out(made: Made, folder: Path) -> Made:
    """The same library in another folder."""
    path = folder / "library.db"
    shutil.copyfile(made.path, path)
    shutil.copytree(backup.backups_folder(made.path), backup.backups_folder(path))
    return Made(path, made.rows, made.main, made.log)


def without_copies(made: Made) -> None:
    shutil.rmtree(backup.backups_folder(made.path))


def salt_of_bytes(log: bytes, folder: Path) -> int:
    file = folder / "some-log"
    file.write_bytes(log)
    salt = salt_of(file)
    assert salt is not None
    return salt


def flip(count: int) -> Callable[[bytearray, random.Random], None]:
    def work(data: bytearray, generator: random.Random) -> None:
        for _ in range(count):
            data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)

    return work
