from __future__ import annotations

import os
from pathlib import Path

from engine.records.feature_cache import cached_bytes, note_use, shrink_cache


def kept(folder: Path, *, used: dict[str, int]) -> None:
    """Files of 100 bytes, last used so many seconds after 1970."""
    for name, seconds in used.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(100))
        os.utime(file, (seconds, seconds))


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.rglob("*") if file.is_file()}


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    kept(tmp_path, used={"photos/a.features.npy": 3, "pixels-b.npy": 1, "photos/c.npy": 2})
    assert cached_bytes(tmp_path) == 300
    assert shrink_cache(tmp_path, 300) == 0
    note_use(tmp_path / "pixels-b.npy")
    assert shrink_cache(tmp_path, 150) == 200
    assert names(tmp_path) == {"pixels-b.npy"}


def test_emptying_leaves_what_is_not_of_the_cache(tmp_path: Path) -> None:
    kept(tmp_path, used={"a.npy": 1, "notes.txt": 1})
    (tmp_path / "link.npy").symlink_to(tmp_path / "notes.txt")
    assert shrink_cache(tmp_path, 0) == 100
    assert names(tmp_path) == {"notes.txt", "link.npy"}


def test_a_cache_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert cached_bytes(tmp_path / "none") == 0
    assert shrink_cache(tmp_path / "none", 0) == 0
