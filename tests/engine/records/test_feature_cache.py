from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from engine.records.feature_cache import cached_bytes, kept_array, note_use, shrink_cache


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


def npy(folder: Path, values: object) -> bytes:
    np.save(folder / "made.npy", np.asarray(values))
    return (folder / "made.npy").read_bytes()


def test_an_array_that_is_sound_is_mapped_from_its_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 2), dtype=np.float16))
    found = kept_array(tmp_path / "a.npy", (3, None), np.float16)
    assert isinstance(found, np.memmap)
    assert found.tolist() == [[1, 1]] * 3
    assert kept_array(tmp_path / "none.npy", (3, None), np.float16) is None


@pytest.mark.parametrize(
    "what",
    ["empty", "cut", "text", "header", "other sizes", "other axes", "other numbers", "an archive"],
)
def test_an_array_that_is_damaged_goes_so_that_it_is_made_again(what: str, tmp_path: Path) -> None:
    good = npy(tmp_path, np.ones((3, 2), dtype=np.float16))
    with (tmp_path / "archive.npz").open("wb") as file:
        np.savez(file, a=np.ones(3))
    file = tmp_path / "a.npy"
    file.write_bytes(
        {
            "empty": b"",
            "cut": good[:-4],
            "text": b"not this",
            "header": good.replace(b"'shape'", b"'shap((", 1),
            "other sizes": npy(tmp_path, np.ones((4, 2), dtype=np.float16)),
            "other axes": npy(tmp_path, np.ones(3, dtype=np.float16)),
            "other numbers": npy(tmp_path, np.ones((3, 2))),
            "an archive": (tmp_path / "archive.npz").read_bytes(),
        }[what]
    )
    assert kept_array(file, (3, None), np.float16) is None
    assert not file.exists()
