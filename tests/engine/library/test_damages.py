"""Hundreds of damaged libraries: each ends in a repair or in words, none in a silent new one."""

from __future__ import annotations

import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.library.errors import LibraryError
from engine.library.opening import open_library
from engine.library.repairing import rebuild_library
from tests.engine.library.made import PAGE, Made, flip, laid_out, make, rows_of, salt_of_bytes
from tests.engine.library.parts import MODEL


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made") / "library.db")


def share(
    now: dict[str, set[tuple[object, ...]]], then: dict[str, set[tuple[object, ...]]]
) -> float:
    """How much of the decisions that were there are there."""
    return len(now["decisions"] & then["decisions"]) / len(then["decisions"])


def cut(data: bytearray, generator: random.Random) -> None:
    del data[generator.randrange(1, len(data)) :]


def zero_first(data: bytearray, generator: random.Random) -> None:
    data[:PAGE] = bytes(PAGE)


def zero_some(data: bytearray, generator: random.Random) -> None:
    page = generator.randrange(1, len(data) // PAGE)
    data[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)


def make_text(data: bytearray, generator: random.Random) -> None:
    data[:] = b"Dear diary, " * generator.randint(1, 999)


def make_empty(data: bytearray, generator: random.Random) -> None:
    data.clear()


DAMAGES: dict[str, Callable[[bytearray, random.Random], None]] = {
    "1 bit flipped": flip(1),
    "4 bits flipped": flip(4),
    "64 bits flipped": flip(64),
    "cut": cut,
    "first page zeroed": zero_first,
    "a page zeroed": zero_some,
    "a text": make_text,
    "empty": make_empty,
    "log removed": lambda data, generator: None,
    "log of another": lambda data, generator: None,
}


def damage(made: Made, other: Made, kind: str, seed: int) -> None:
    """Damage a library, as it lies on the disk after a kill where it is about its log."""
    log = made.path.with_name(f"{made.path.name}-wal")
    data = bytearray(made.main if kind.startswith("log") else made.path.read_bytes())
    DAMAGES[kind](data, random.Random(seed))
    made.path.write_bytes(data)
    if kind.startswith("log"):
        lock = made.path.with_name(f"{made.path.name}.lock")
        lock.write_text(f"{salt_of_bytes(made.log, made.path.parent):08x}")
    if kind == "log of another":
        log.write_bytes(other.log)


def outcome(made: Made) -> tuple[str, float]:
    """How opening ends, then a rebuild; how many of the decisions there are in the end."""
    said = "is refused in words"
    try:
        with open_library(made.path) as library:
            said = "opens and says what may be lost" if library.notice else "opens"
            assert library.models(), "a new library, silently"
            try:
                library.stored(library.files(), MODEL.fingerprint)
                library.undo()
                library.redo()
            except LibraryError:
                said = "opens and says later what is damaged"
                raise
    except LibraryError as error:
        assert str(error).endswith(".")
        assert rebuild_library(made.path).text().startswith("Saved")
        open_library(made.path).close()
    return said, share(rows_of(made.path), made.rows)


def damage_many(made: Made, other: Made, folder: Path, seeds: range) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for kind in DAMAGES:
        counts = found.setdefault(kind, Counter())
        least = 1.0
        for seed in seeds:
            place = folder / f"{kind} {seed}"
            place.mkdir()
            one = laid_out(made, place)
            damage(one, other, kind, seed)
            said, kept = outcome(one)
            counts[said] += 1
            least = min(least, kept)
            shutil.rmtree(place)
        counts["least decisions kept, %"] = int(100 * least)
    return found


def test_damaged_libraries_end_in_a_repair_or_in_words(made: Made, tmp_path: Path) -> None:
    other = make(tmp_path / "other.db", 100, "house")
    found = damage_many(made, other, tmp_path, range(1))
    for kind, counts in found.items():
        assert counts["least decisions kept, %"] >= 50, (kind, counts)
    assert found["first page zeroed"]["least decisions kept, %"] == 100
    for kind in ("first page zeroed", "a text", "empty", "log of another"):
        assert found[kind]["is refused in words"], kind
    assert found["log removed"]["opens and says what may be lost"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hundred_damaged_libraries_end_in_a_repair_or_in_words(
    made: Made, tmp_path: Path
) -> None:
    other = make(tmp_path / "other.db", 100, "house")
    found = damage_many(made, other, tmp_path, range(1000, 1020))
    for kind, counts in found.items():
        sys.stdout.write(f"{kind}: {dict(counts)}\n")  # seen with -s
        assert counts["least decisions kept, %"] >= 50, (kind, counts)
    assert found["first page zeroed"]["least decisions kept, %"] == 100
