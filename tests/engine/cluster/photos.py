"""Folders of tiny photos for jobs, and what the parts of a job say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_photos(folder: Path, count: int) -> list[Path]:
    """So many photos of different pixels, named in order; every seventh is torn."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    paths = []
    for place in range(count):
        path = folder / f"{place:05}.jpg"
        Image.fromarray(random.integers(0, 256, (40, 60, 3), np.uint8)).save(path, quality=60)
        if place % 7 == 6:
            path.write_bytes(path.read_bytes()[:100])
        paths.append(path)
    return paths


def rows_in(output: Path) -> list[dict[str, object]]:
    """The rows of all parts, in order."""
    from pyarrow import parquet

    files = sorted(output.glob("part-*.parquet"))
    return [row for file in files for row in parquet.read_table(file).to_pylist()]
