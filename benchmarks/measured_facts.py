"""What facts are measured of photos, and what that costs beside decoding them.

Prints how many photos each fact names, and the time of measuring and decoding. With --sheets each
fact gets a picture of up to 60 photos that it names, spread evenly, to be looked at by eye: nothing
else says which are wrong.

    python benchmarks/measured_facts.py FOLDER... [--photos N] [--side 448] [--sheets FOLDER]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import defaultdict
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.api.errors import ImageError  # noqa: E402
from engine.api.facts import FACT_NAMES  # noqa: E402
from engine.data.decoding.decode import decode  # noqa: E402
from engine.data.decoding.measuring import measure  # noqa: E402
from engine.data.scan import scan  # noqa: E402

COLUMNS, CELL, ON_A_SHEET = 10, 120, 60


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--photos", type=int, default=1_000_000, help="so many, drawn by chance")
    parser.add_argument("--side", type=int, default=448, help="of the model's input, in pixels")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheets", type=Path, help="where the pictures go")
    options = parser.parse_args()
    paths = sorted(path for batch in scan(options.folders, recursive=True) for path in batch.paths)
    random.Random(options.seed).shuffle(paths)
    named: dict[str, list[Path]] = defaultdict(list)
    decoding = measuring = 0.0
    count = 0
    for path in paths[: options.photos]:
        begun = time.perf_counter()
        try:
            image = decode(path, options.side, "squash")
        except ImageError:
            continue
        between = time.perf_counter()
        facts = measure(image)
        measuring += time.perf_counter() - between
        decoding += between - begun
        count += 1
        for fact, name in FACT_NAMES.items():
            if facts & fact:
                named[name].append(path)
    if not count:
        print("no photos there")
        return 1
    print(f"{count} photos: {decoding / count * 1e3:.2f} ms to decode one, ", end="")
    print(f"{measuring / count * 1e3:.2f} ms to measure it")
    for name in FACT_NAMES.values():
        print(f"{name:<18} {len(named[name]):6d}")
        if options.sheets and named[name]:
            options.sheets.mkdir(parents=True, exist_ok=True)
            sheet(named[name]).save(options.sheets / f"{name.replace(' ', '-')}.png")
    return 0


def sheet(paths: list[Path]) -> Image.Image:
    """Some photos side by side."""
    some = paths[:: -(-len(paths) // ON_A_SHEET)]
    whole = Image.new("RGB", (COLUMNS * CELL, -(-len(some) // COLUMNS) * CELL), "white")
    for place, path in enumerate(some):
        small = Image.fromarray(decode(path, CELL - 4).pixels)
        whole.paste(small, (place % COLUMNS * CELL + 2, place // COLUMNS * CELL + 2))
    return whole


if __name__ == "__main__":
    sys.exit(main())
