"""How fast a large library is exported, and how much memory that takes.

    python benchmarks/export_speed.py [--images 1000000] [--formats csv jsonl coco official]
    python benchmarks/export_speed.py --photos [--copies] --images 10000 --formats voc imagefolder

The library is made up: 20 categories, scores of a model for every image, and a decision on every
tenth. Its files do not exist unless ``--photos`` makes them (of 49 kB, all alike), which formats
with pictures in them need; else COCO has no sizes. Each format runs in a process of its own, whose
greatest resident memory is told.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.api.categories import shipped_categories
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.formats import FORMATS
from engine.interchange.exporting.job import export
from engine.interchange.exporting.values import ExportOptions, WhichLabels
from engine.library.connections import connect_writing, transaction
from engine.library.opening import open_library
from engine.library.values import LibraryModel

MODEL = LibraryModel("benchmark", "Benchmark", shipped_categories("voc"))
_PER_FOLDER = 5000
_PHOTOS = "photos"


def main() -> None:
    """Make the library, and measure each format in a fresh process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--formats", nargs="+", default=["csv", "jsonl", "coco", "official"])
    parser.add_argument("--photos", action="store_true")
    parser.add_argument("--copies", action="store_true")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        measure(options.one, options.formats[0], copies=options.copies)
        return
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "library.db")
        make_library(library, options.images)
        if options.photos:
            make_photos(library.parent, options.images)
        for name in options.formats:
            command = [sys.executable, __file__, "--one", str(library), "--formats", name]
            subprocess.run([*command, *(["--copies"] if options.copies else [])], check=True)


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
            ((i, os.fsencode(path.parent / _PHOTOS / f"{i:05}")) for i in folders),
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


def make_photos(top: Path, count: int) -> None:
    """The files of a library that lies in the folder."""
    photo = top / "photo.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(photo, quality=95)
    data = photo.read_bytes()
    for i in range(1, count + 1):
        file = top / _PHOTOS / f"{i // _PER_FOLDER + 1:05}" / f"IMG_{i:07}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def measure(path: Path, name: str, *, copies: bool) -> None:
    """Export all of it in one format, and say what that took."""
    with open_library(path) as library:
        ids = library.ids_below(path.parent / _PHOTOS, recursive=True)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        target = path.parent / f"out-{name}{FORMATS[name].suffix}"
        start = time.perf_counter()
        choice, how = ExportChoice(ids, WhichLabels.BOTH, MODEL), ExportOptions(copies=copies)
        for _ in export(library, choice, name, target, how):
            pass
        seconds = time.perf_counter() - start
    how_put = " (copies)" if copies else ""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    files = [target] if target.is_file() else [f for f in target.rglob("*") if f.is_file()]
    size = sum(file.lstat().st_size for file in files) / 1e6
    sys.stdout.write(
        f"{name}{how_put}: {len(ids):,} photos in {seconds:.1f} s "
        f"({len(ids) / seconds:,.0f}/s), {size:,.0f} MB, "
        f"peak memory {peak:.0f} MiB (before: {before:.0f} MiB)\n"
    )
    shutil.rmtree(target) if target.is_dir() else target.unlink()


if __name__ == "__main__":
    main()
