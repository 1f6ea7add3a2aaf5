"""Import results of tagging into a new library: time, rows per second, resident memory at quarters.

    python benchmarks/import_results.py [--rows 1000000] [--categories 80] [--format parquet]

Files without content stand for photos (an import looks at their size and time alone), 1000 in a
folder; results are ten parts. The preview and the import are timed by themselves, each in a process
of its own, so that the memory is theirs; a tenth of the photos has an error in its row. At the end
the same import is done once more, which finds everything there. Memory is told of Linux alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.api.categories import Categories
from engine.interchange.importing.tag_files import find_tag_files
from engine.interchange.importing.tag_values import TagWish
from engine.interchange.importing.tags import import_tags, preview_tags
from engine.library.opening import open_library
from engine.library.values import LibraryModel
from engine.records.tag_rows import FileLook, TaggedBy, TagRow, write_tag_rows

PARTS, IN_FOLDER, EVERY_ERROR = 10, 1000, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--categories", type=int, default=80)
    parser.add_argument("--format", choices=("parquet", "jsonl"), default="parquet")
    parser.add_argument("--below", type=Path, help="where the temporary folder is made")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step is not None:
        run(options.step, options.below, model(options.categories), options.rows)
        return
    with tempfile.TemporaryDirectory(dir=options.below, prefix="import-results-") as folder:
        place = Path(folder)
        begun = time.perf_counter()
        make(place, options.rows, model(options.categories), options.format)
        size = sum(path.stat().st_size for path in (place / "results").iterdir())
        print(
            f"{options.rows:,} rows, {options.categories} categories, {options.format}: "
            f"{size / 1e6:,.0f} MB, made in {time.perf_counter() - begun:.0f} s"
        )
        for step in ("preview", "import", "again"):
            command = [sys.executable, __file__, "--step", step, "--below", str(place)]
            more = ["--rows", str(options.rows), "--categories", str(options.categories)]
            subprocess.run([*command, *more], check=True)
        library = (place / "library.db").stat().st_size
        print(f"library: {library / 1e6:,.0f} MB")


def model(count: int) -> LibraryModel:
    return LibraryModel("measured", "Measured", Categories(tuple(f"c{n}" for n in range(count))))


def make(place: Path, count: int, of: LibraryModel, form: str) -> None:
    (place / "results").mkdir()
    random = np.random.default_rng(0)
    share = -(-count // PARTS)
    for part in range(PARTS):
        numbers = range(part * share, min((part + 1) * share, count))
        rows = made(place / "photos", numbers, len(of.categories), random)
        target = place / "results" / f"part-{part:02}.{form}"
        if form == "parquet":
            write_tag_rows(target, rows, TaggedBy(of.name, of.fingerprint, of.categories))
            continue
        with target.open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(json_line(row, of) + "\n")


def made(photos: Path, numbers: range, width: int, random: np.random.Generator) -> Iterator[TagRow]:
    for number in numbers:
        folder = photos / f"{number // IN_FOLDER:04}"
        if number % IN_FOLDER == 0 or number == numbers.start:
            folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{number % IN_FOLDER:03}.jpg"
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        is_bad = number % EVERY_ERROR == EVERY_ERROR - 1
        scores = random.random(0 if is_bad else width, dtype=np.float32)
        error = "The file is cut off." if is_bad else None
        yield TagRow(str(path), FileLook.at(path), 1, 1, (), scores, error)


def json_line(row: TagRow, of: LibraryModel) -> str:
    labels = [
        {"category": name, "score": round(float(score), 6)}
        for name, score in zip(of.categories, row.scores, strict=False)
    ]
    at = row.look.mtime_ns
    looks = {"size": row.look.size, "mtime": None if at is None else at / 1e9}
    whose = {"model": of.name, "model_id": of.fingerprint}
    return json.dumps({"path": row.path, **whose, "labels": labels, "error": row.error, **looks})


def run(step: str, place: Path, of: LibraryModel, count: int) -> None:
    files = find_tag_files([place / "results"])
    with open_library(place / "library.db") as library:
        work = (preview_tags if step == "preview" else import_tags)(library, files, TagWish(), [of])
        begun, at = time.perf_counter(), [f"{resident_mb():.0f}"]
        try:
            while True:
                progress = next(work)
                if progress.rows * 4 >= count * len(at) and len(at) < 5:
                    at.append(f"{resident_mb():.0f}")
        except StopIteration as end:
            report = end.value
        took = time.perf_counter() - begun
    print(
        f"{step}: {took:.1f} s, {report.rows / took:,.0f} rows/s; MB resident at the start and the "
        f"quarters: {', '.join(at)}; {report.text()} (load {os.getloadavg()[0]:.1f})"
    )


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
