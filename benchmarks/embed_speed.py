"""How fast labels are written into photos, safely, against ExifTool alone on the same photos.

ExifTool alone is one process for all of them, as here, that replaces each photo by itself: no
journal, no undo, nothing compared, nothing forced to the disk. Also timed: a second write, which
finds all as it should be, and the undo.

    python benchmarks/embed_speed.py [--photos N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.interchange.exporting.choice import ExportChoice  # noqa: E402
from engine.interchange.writing import job  # noqa: E402
from engine.interchange.writing.values import Target, WriteOptions, WriteReport  # noqa: E402
from engine.library.opening import open_library  # noqa: E402
from engine.library.values import Verdict, Wish, look_at  # noqa: E402
from engine.metadata.exiftool import find_exiftool  # noqa: E402

LABELS = ("dog", "person", "Grandma")
SAMPLES = sorted((ROOT / "resources" / "samples").glob("*.jpg"))
TAGS = ("XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList", "IPTC:Keywords")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    count = options.photos
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        rates = {"exiftool": rate(count, lambda: run_exiftool(copies(place / "theirs", count)))}
        photos = copies(place / "ours", count)
        with open_library(place / "library.db") as library:
            ids = library.add_images([file for path in photos if (file := look_at(path))])
            wishes = [Wish(image, label, Verdict.ADDED) for image in ids for label in LABELS]
            library.decide(wishes, who="me", caption="Benchmark")
            choice = ExportChoice(library.ids_below(place / "ours", recursive=True))
            how = WriteOptions(Target.EMBED, may_change_photos=True)
            for what in ("write", "write again"):
                rates[what] = rate(count, lambda: run(job.write(library, choice, how)))
            rates["undo"] = rate(count, lambda: run(job.undo(library)))
    ratio = rates["exiftool"] / rates["write"]
    for what, per_second in rates.items():
        sys.stdout.write(f"{what:12} {per_second:9,.1f} photos per second\n")
    sys.stdout.write(f"ExifTool alone is {ratio:.1f} times as fast as the safe write.\n")
    if options.json:
        options.json.write_text(json.dumps({"photos": count, **rates, "ratio": ratio}))
    return 0


def copies(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    return [
        Path(shutil.copy(SAMPLES[n % len(SAMPLES)], folder / f"IMG_{n:06}.jpg"))
        for n in range(count)
    ]


def run_exiftool(photos: list[Path]) -> None:
    """Write the same into each photo in place."""
    tags = [f"-{tag}={label}" for tag in TAGS for label in LABELS]
    command = [str(find_exiftool()), "-config", "", "-q", "-overwrite_original", *tags]
    subprocess.run([*command, str(photos[0].parent)], check=True)


def run(steps: job.Steps) -> WriteReport:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            report: WriteReport = end.value
            return report


def rate(count: int, work: Callable[[], object]) -> float:
    """So many photos per second."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main())
