"""Very many rows: memory does not grow with their number."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from engine.interchange.importing.tag_values import TagWish
from engine.interchange.importing.tags import import_tags, preview_tags
from engine.library.opening import open_library
from engine.records.tag_rows import FileLook, TagRow, write_tag_rows
from tests.engine.interchange.importing.tag_parts import BY, MODEL, make_photo, result

PHOTOS = 200


def resident_bytes():
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
@pytest.mark.parametrize("step", [preview_tags, import_tags])
@pytest.mark.parametrize("rows", [8_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_all_rows_take_no_more_memory_than_a_quarter_of_them(tmp_path, step, rows):
    pytest.importorskip("pyarrow")
    photos = [make_photo(tmp_path / "photos" / f"{n}.jpg") for n in range(PHOTOS)]
    scores = np.full(len(MODEL.categories), 0.5, np.float32)
    look = FileLook.at(photos[0])

    def made():
        for number in range(rows):
            # Most are of photos that are not there, each with a name and a fault of its own.
            is_there = number % (rows // PHOTOS) == 0
            path = photos[number // (rows // PHOTOS)] if is_there else f"/gone/{number}.jpg"
            error = f"fault {number}" if number % 3 == 1 else None
            yield TagRow(str(path), look, 1, 1, (), scores[: 0 if error else None], error)

    write_tag_rows(tmp_path / "r.parquet", made(), BY)
    with open_library(tmp_path / "l.db") as library:
        work = step(library, [tmp_path / "r.parquet"], TagWish(), [MODEL])
        while next(work).rows < rows // 4:
            pass
        after_a_quarter = resident_bytes()
        report = result(work)
        grown = resident_bytes() - after_a_quarter
    assert report.rows == rows
    assert report.imported == sum(n % 3 != 1 for n in range(0, rows, rows // PHOTOS))
    assert grown < 30e6
