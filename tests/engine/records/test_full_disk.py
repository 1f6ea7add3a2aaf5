"""No room for a file: what was there stays, nothing half made is left, and later it can be written.

The limit is the system's own, on the size of a file: the first bytes fit, the rest does not.
"""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.api.errors import DataError
from engine.inference import photo_features
from engine.records import litter
from engine.records.folders import Record
from engine.records.thumbnail_cache import ThumbnailCache, ThumbnailKey
from engine.records.unfinished import UnfinishedRun, UnfinishedStore
from engine.report.page import write_html

_ROOM = 200
_KEY = ThumbnailKey(Path("/photos/a.jpg"), 1, 2, 160)


@contextlib.contextmanager
def hardly_any_room() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def check(folder: Path, write: Callable[[int], object]) -> None:
    """Write something, fail to write something else in its place, and write that after all."""
    write(1)
    before = contents(folder)
    assert before
    with hardly_any_room(), pytest.raises((DataError, OSError)) as caught:
        write(2)
    assert "large" in str(caught.value) or "File too large" in str(caught.value)
    assert contents(folder) == before
    write(2)
    assert contents(folder) != before


def unfinished(number: int) -> UnfinishedRun:
    rows = np.arange(number * 100)
    logits = np.zeros((len(rows), 3), dtype=np.float32)
    return UnfinishedRun("0" * 16, {"model": "m"}, 500, rows, logits, (), None)


def test_a_report(tmp_path: Path) -> None:
    check(tmp_path, lambda number: write_html(tmp_path / "a.html", f"<p>{number}</p>" * 99))


def test_results_so_far(tmp_path: Path) -> None:
    check(tmp_path, lambda number: UnfinishedStore(tmp_path).save(unfinished(number)))


def test_a_note_on_a_record(tmp_path: Path) -> None:
    store = UnfinishedStore(tmp_path / "records")
    record = Record(tmp_path, None)
    check(tmp_path, lambda number: store.set_note(record.path, f"{number}" * 999))


def test_an_export(tmp_path: Path) -> None:
    check(tmp_path, lambda number: litter.write_noted(tmp_path / "a.png", bytes([number]) * 999))


def test_thumbnails_are_done_without(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path, 1 << 20)
    pixels = np.random.default_rng(0).integers(0, 256, (160, 120, 3), dtype=np.uint8)
    with hardly_any_room():
        cache.store(_KEY, pixels)
    assert contents(tmp_path) == {} and cache.find(_KEY) is None
    cache.store(_KEY, pixels)
    assert cache.find(_KEY) is not None


def test_kept_features_are_not_half_written(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    photo_features._save(file, np.zeros(3))
    before = contents(tmp_path)
    with hardly_any_room(), pytest.raises(OSError, match="large"):
        photo_features._save(file, np.zeros(999))
    assert contents(tmp_path) == before
