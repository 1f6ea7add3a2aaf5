"""What facts are measured of photos, and what that costs beside decoding them.

Prints how many photos each fact names, and the time of decoding with and without measuring, for
which each photo is decoded three times, the first time uncounted. With --sheets each
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
from engine.data.decoding.decode import decode, decode_with_more  # noqa: E402
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
        try:
            facts = decode_with_more(path, options.side, "squash", None, facts=True).facts
        except ImageError:
            continue
        if facts is None:
            raise AssertionError("nothing was measured")
        # In turns, so that neither profits from being second.
        for measures in (True, False) if count % 2 else (False, True):
            begun = time.process_time()
            decode_with_more(path, options.side, "squash", None, facts=measures)
            took = time.process_time() - begun
            measuring, decoding = measuring + took * measures, decoding + took * (not measures)
        count += 1
        for fact, name in FACT_NAMES.items():
            if facts & fact:
                named[name].append(path)
    if not count:
        print("no photos there")
        return 1
    print(f"{count} photos: {decoding / count * 1e3:.2f} ms of a processor to decode one, ", end="")
    print(f"{(measuring - decoding) / count * 1e3:.2f} ms more to measure it")
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
