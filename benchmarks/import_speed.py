"""How fast keywords of many photos are read, mapped, and taken over, and taken back.

    python benchmarks/import_speed.py [--images 100000] [--names 10000] [--no-sidecars]

The photos are tiny JPEGs with XMP within them and, unless asked otherwise, sidecars; each has five
keywords out of many. The greatest resident memory is told.
"""

from __future__ import annotations

import argparse
import io
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.interchange.importing.job import import_labels, read_keywords
from engine.interchange.importing.mapping import KnownLabels, propose
from engine.library.opening import open_library
from engine.metadata.values import Changes
from engine.metadata.xmp import merge

T = TypeVar("T")
_PER_FOLDER = 5000
_KEYWORDS = 5


def main() -> None:
    """Make the photos, and measure each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--names", type=int, default=10_000)
    parser.add_argument("--no-sidecars", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = made(Path(folder), options.images, options.names, beside=not options.no_sidecars)
        with open_library(Path(folder, "library.db")) as library:
            found = timed("read", len(photos), lambda: result(read_keywords(library, photos)))
            known = KnownLabels.of(library)
            names = [use.name for use in found.uses]
            mapping = timed("propose", len(names), lambda: propose(names, known))
            work = import_labels(library, found, mapping, who="me", caption="Import")
            report = timed("import", len(photos), lambda: result(work))
            again = import_labels(library, found, mapping, who="me", caption="Import")
            timed("import again", len(photos), lambda: result(again))
            timed("undo", len(photos), library.undo)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sys.stdout.write(f"{report.text()} Greatest memory {peak:.0f} MiB.\n")


def made(folder: Path, images: int, names: int, *, beside: bool) -> list[Path]:
    """Photos with keywords."""
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "JPEG")
    start, rest = picture.getvalue()[:2], picture.getvalue()[2:]
    photos = []
    for number in range(images):
        place = folder / f"{number // _PER_FOLDER:03}"
        place.mkdir(exist_ok=True)
        path = place / f"{number % _PER_FOLDER:05}.jpg"
        words = [(f"name {(number * _KEYWORDS + i) % names}",) for i in range(_KEYWORDS)]
        packet = merge(None, Changes(add=tuple(words)), path.name).data
        body = b"http://ns.adobe.com/xap/1.0/\0" + packet
        path.write_bytes(start + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + rest)
        if beside:
            path.with_name(f"{path.name}.xmp").write_bytes(packet)
        photos.append(path)
    return photos


def result(work: Generator[object, None, T]) -> T:
    """What a generator returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            value: T = end.value
            return value


def timed(what: str, count: int, work: Callable[[], T]) -> T:
    """Do something and tell how fast it was."""
    start = time.perf_counter()
    value = work()
    took = time.perf_counter() - start
    sys.stdout.write(f"{what:<13} {took:7.1f} s  {count / max(took, 1e-9):9,.0f} per second\n")
    return value


if __name__ == "__main__":
    main()
