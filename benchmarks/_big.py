"""How fast a large library is exported, and how much memory that takes.

    python benchmarks/export_speed.py [--images 1000000] [--formats csv jsonl coco official]

The library is made up: 20 categories, scores of a model for every image, and a decision on every
tenth. Its files do not exist, so formats with pictures in them are not measured, and COCO has no
sizes. Each format runs in a process of its own, whose greatest resident memory is told.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.api.categories import shipped_categories
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.formats import FORMATS
from engine.interchange.exporting.job import export
from engine.interchange.exporting.values import WhichLabels
from engine.library.connections import connect_writing, transaction
from engine.library.opening import open_library
from engine.library.values import LibraryModel

MODEL = LibraryModel("benchmark", "Benchmark", shipped_categories("voc"))
_PER_FOLDER = 5000
_TOP = Path(tempfile.gettempdir()) / "csra-no-such-photos"


def main() -> None:
    """Make the library, and measure each format in a fresh process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--formats", nargs="+", default=["csv", "jsonl", "coco", "official"])
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        measure(options.one, options.formats[0])
        return
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "library.db")
        make_library(library, options.images)
        for name in options.formats:
            command = [sys.executable, __file__, "--one", str(library), "--formats", name]
            subprocess.run(command, check=True)


def make_library(path: Path, count: int) -> None:
    """A library of so many images."""
    with open_library(path) as library:
        library.add_model(MODEL)
    rng = np.random.default_rng(0)
    connection = connect_writing(path, 5.0)
    with transaction(connection):
        folders = range(1, count // _PER_FOLDER + 2)
        connection.executemany(
            "INSERT INTO folders (id, path) VALUES (?, ?)",
            ((i, os.fsencode(_TOP / f"{i:05}")) for i in folders),
        )
        connection.executemany(
            "INSERT INTO images (id, folder_id, name, size, mtime_ns) VALUES (?, ?, ?, 1, 1)",
            ((i, i // _PER_FOLDER + 1, b"IMG_%07d.jpg" % i) for i in range(1, count + 1)),
        )
        connection.executemany(
            "INSERT INTO scores VALUES (1, ?, ?)",
            (
                (i, (rng.random(len(MODEL.categories)) ** 4).astype("<f2").tobytes())
                for i in range(1, count + 1)
            ),
        )
        connection.executemany(
            "INSERT INTO decisions VALUES (?, ?, 'accepted', 'me', 1)",
            ((i, MODEL.categories[i % 20]) for i in range(10, count + 1, 10)),
        )
    connection.close()


def measure(path: Path, name: str) -> None:
    """Export all of it in one format, and say what that took."""
    with open_library(path) as library:
        ids = library.ids_below(_TOP, recursive=True)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        target = path.parent / f"out-{name}{FORMATS[name].suffix}"
        start = time.perf_counter()
        for _ in export(library, ExportChoice(ids, WhichLabels.BOTH, MODEL), name, target):
            pass
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    files = [target] if target.is_file() else list(target.iterdir())
    size = sum(file.stat().st_size for file in files) / 1e6
    sys.stdout.write(
        f"{name}: {len(ids):,} photos in {seconds:.1f} s ({len(ids) / seconds:,.0f}/s), "
        f"{size:,.0f} MB, peak memory {peak:.0f} MiB (before: {before:.0f} MiB)\n"
    )
    for file in files:
        file.rename(Path("/tmp/bigexp") / file.name)


if __name__ == "__main__":
    main()
