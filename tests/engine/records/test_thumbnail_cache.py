from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.records.thumbnail_cache import ThumbnailCache, ThumbnailKey

SIDE = 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def pixels(seed: int, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)


def key(number: int) -> ThumbnailKey:
    return ThumbnailKey(Path(f"/photos/{number}.jpg"), 1000, number, SIDE)


def use_at(cache: ThumbnailCache, number: int, seconds: float) -> None:
    file = cache.find(key(number))
    assert file is not None
    os.utime(file, (seconds, seconds))


def test_the_files_that_were_used_longest_ago_go_when_the_cache_is_full(folder: Path) -> None:
    cache = ThumbnailCache(folder, 10**9)
    for number in range(10):
        cache.store(key(number), pixels(number))
    for number in range(10):
        use_at(cache, number, 1_000_000.0 + number)
    each = cache.total() / 10
    cache = ThumbnailCache(folder, round(8.5 * each))  # as at the next start of the program
    assert cache.find(key(0)) is not None  # which counts as use
    cache.store(key(10), pixels(10))
    left = [number for number in range(11) if cache.find(key(number)) is not None]
    assert {0, 10} <= set(left) and 1 not in left and 2 not in left
    assert cache.total() <= cache.limit
    assert cache.total() == sum(file.stat().st_size for file in files(folder))


def test_a_lower_limit_counts_at_once_and_none_at_all_stores_nothing(folder: Path) -> None:
    cache = ThumbnailCache(folder, 10**9)
    for number in range(6):
        cache.store(key(number), pixels(number))
    cache.set_limit(cache.total() // 2)
    assert 0 < len(files(folder)) <= 3
    cache.set_limit(0)
    cache.store(key(9), pixels(9))
    assert not files(folder)


def test_clearing_says_what_it_freed_and_leaves_other_files_alone(folder: Path) -> None:
    cache = ThumbnailCache(folder, 10**9)
    for number in range(3):
        cache.store(key(number), pixels(number))
    size = sum(file.stat().st_size for file in files(folder))
    strange = folder / "notes.txt"
    strange.write_text("mine")
    assert ThumbnailCache(folder, 10**9).clear() == size
    assert files(folder) == [strange]


def test_remains_of_a_program_that_was_killed_go(folder: Path) -> None:
    cache = ThumbnailCache(folder, 10**9)
    cache.store(key(1), pixels(1))
    (file,) = files(folder)
    old, young = (file.with_name(f".csra-tmp-{name}") for name in ("old", "young"))
    old.touch()
    young.touch()
    os.utime(old, (1.0, 1.0))
    ThumbnailCache(folder, 10**9).total()
    assert files(folder) == sorted([file, young])


def test_the_folder_is_for_its_owner_alone(folder: Path) -> None:
    cache = ThumbnailCache(folder, 10**9)
    cache.store(key(1), pixels(1))
    (file,) = files(folder)
    assert file.parent.stat().st_mode & 0o077 == 0


def test_there_is_room_until_the_cache_is_nearly_full(folder: Path) -> None:
    cache = ThumbnailCache(folder, 10**9)
    assert cache.has_room()
    cache.store(key(1), pixels(1))
    assert not ThumbnailCache(folder, cache.total()).has_room()
    assert not ThumbnailCache(folder, 0).has_room()
