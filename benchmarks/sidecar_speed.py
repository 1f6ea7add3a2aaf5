"""How fast labels are written beside photos, safely, against a plain loop that is not safe.

The plain loop makes the same bytes and writes each file in place: no journal, no undo, nothing
forced to the disk. Also timed: a second write, which finds all as it should be, the undo, and what
is left to do after the program was killed half-way.

    python benchmarks/sidecar_speed.py [--photos N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.interchange.exporting.choice import ExportChoice  # noqa: E402
from engine.interchange.writing import job  # noqa: E402
from engine.interchange.writing.values import WriteOptions, WriteReport  # noqa: E402
from engine.library.opening import open_library  # noqa: E402
from engine.library.store import Library  # noqa: E402
from engine.library.values import Verdict, Wish, look_at  # noqa: E402
from engine.metadata import xmp  # noqa: E402
from engine.metadata.values import Changes  # noqa: E402

LABELS = ("dog", "person", "Grandma")
IN_A_FOLDER = 2000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        photos = make_photos(place / "photos", options.photos)
        rates = {"plain loop": rate(options.photos, lambda: write_plainly(photos))}
        for photo in photos:
            sidecar(photo).unlink()
        with open_library(place / "library.db") as library:
            fill(library, photos)
            choice = ExportChoice(library.ids_below(place / "photos", recursive=True))
            how = WriteOptions()
            rates["write"] = rate(options.photos, lambda: run(job.write(library, choice, how)))
            rates["write again"] = rate(
                options.photos, lambda: run(job.write(library, choice, how))
            )
            rates["undo"] = rate(options.photos, lambda: run(job.undo(library)))
        rates["rest after a kill"] = rate_after_kill(place, photos)
    ratio = rates["plain loop"] / rates["write"]
    for what, per_second in rates.items():
        sys.stdout.write(f"{what:17} {per_second:9,.0f} sidecars per second\n")
    sys.stdout.write(f"The plain loop is {ratio:.1f} times as fast as the safe write.\n")
    if options.json:
        options.json.write_text(json.dumps({"photos": options.photos, **rates, "ratio": ratio}))
    return 0


def make_photos(folder: Path, count: int) -> list[Path]:
    """Files with names of photos: nobody looks into them."""
    photos = []
    for number in range(count):
        inside = folder / f"trip{number // IN_A_FOLDER}"
        inside.mkdir(parents=True, exist_ok=True)
        photos.append(inside / f"IMG_{number:06}.jpg")
        photos[-1].write_bytes(b"x")
    return photos


def fill(library: Library, photos: list[Path]) -> None:
    ids = library.add_images([file for path in photos if (file := look_at(path))])
    wishes = [Wish(image, label, Verdict.ADDED) for image in ids for label in LABELS]
    library.decide(wishes, who="me", caption="Benchmark")


def sidecar(photo: Path) -> Path:
    return photo.with_name(photo.name + ".xmp")


def write_plainly(photos: list[Path]) -> None:
    changes = Changes(add=tuple((label,) for label in LABELS))
    for photo in photos:
        path = sidecar(photo)
        old = path.read_bytes() if path.exists() else None
        path.write_bytes(xmp.merged(old, changes))


def rate_after_kill(place: Path, photos: list[Path]) -> float:
    """So many sidecars per second when a write goes on that was killed half-way."""
    child = os.fork()
    if not child:
        with open_library(place / "library.db") as library:
            ids = library.ids_below(place / "photos", recursive=True)
            run(job.write(library, ExportChoice(ids), WriteOptions()))
        os._exit(0)
    while not sidecar(photos[len(photos) // 2]).exists():
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open_library(place / "library.db") as library:
        choice = ExportChoice(library.ids_below(place / "photos", recursive=True))
        there = sum(sidecar(photo).exists() for photo in photos)
        return rate(len(photos) - there, lambda: run(job.write(library, choice, WriteOptions())))


def run(steps: job.Steps) -> WriteReport:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            report: WriteReport = end.value
            return report


def rate(count: int, work: Callable[[], object]) -> float:
    """So many pieces per second."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main())
