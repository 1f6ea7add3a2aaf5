"""What very many photos cost: tables from measured rates and from prices that you may change.

    python benchmarks/scale.py [--photos 1e9] [--photo-mb 4] [--core-hour 0.04] [--shards 1000]
                               [--rates FILE] [--write]

Prints the tables of ``docs/SCALE.md``; ``--write`` puts them there, between its marks, and a test
holds that they are what this prints without options. Rates come from ``scale_rates.json``, which
``scale_rates.py`` measures; nothing is reckoned from a figure that was not measured or is not an
option. A core is one processor as the system counts them. There is no rate of a graphics card.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
RATES = _HERE / "scale_rates.json"
PAGE = _HERE.parent / "docs" / "SCALE.md"
_MARK, _END = "<!-- scale: python benchmarks/scale.py --write -->", "<!-- end of scale -->"
_LARGE = "12 megapixels"
#: Gigabytes a second that a connection carries at most, by what it is called.
_LINES = {"1 Gbit/s": 0.125, "10 Gbit/s": 1.25, "100 Gbit/s": 12.5}


def main() -> None:
    """Print the tables, or put them into the page."""
    options = _parser().parse_args()
    text = tables(options, json.loads(options.rates.read_text(encoding="utf-8")))
    if not options.write:
        sys.stdout.write(text)
        return
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(_MARK)
    PAGE.write_text(f"{before}{_MARK}\n{text}{_END}{rest.split(_END)[1]}", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--photos", type=float, default=1e9, help="the larger of the two numbers of photos")
    add("--photo-mb", type=float, default=4.0, help="of a photo of 12 megapixels")
    add("--core-hour", type=float, default=0.04, help="price of a core for an hour, in dollars")
    add("--shards", type=int, default=1000)
    add("--rates", type=Path, default=RATES)
    add("--write", action="store_true")
    return parser


def printed() -> str:
    """What it prints without options."""
    return tables(_parser().parse_args([]), json.loads(RATES.read_text(encoding="utf-8")))


def tables(options: argparse.Namespace, rates: dict[str, Any]) -> str:
    """All of it, as Markdown.

    Args:
        options: of the command line.
        rates: as ``scale_rates.py`` keeps them.
    """
    parts = (
        _measured(rates),
        _bytes(options, rates),
        _time(options, rates),
        _saturation(options, rates),
    )
    return "\n".join(parts)


def _measured(rates: dict[str, Any]) -> str:
    machine, sizes = rates["machine"], rates["photos"]
    rows = [
        [
            f"tagging a photo of {name} ({found['bytes'] / 1e6:.1f} MB)",
            f"{_round(1000 * found['processor_s'])} ms of processor",
        ]
        for name, found in sizes.items()
    ]
    row = rates["bytes_per_row"]
    peak = max(found["peak_mb"] for found in sizes.values())
    start_s = min(found["start_s"] for found in sizes.values())
    rows += [
        ["starting, once for each part", f"{start_s:.1f} s of processor"],
        ["memory of the largest process", f"{peak:.0f} MB"],
        [
            "walking through folders that are cached",
            f"{_round(rates['walk_files_per_s'])} files/s",
        ],
        ["telling which shard a path is in", f"{_round(rates['shard_paths_per_s'])} paths/s"],
        ["SHA-256, one core", f"{_round(rates['sha256_mb_per_s'])} MB/s"],
        [f"a row of Parquet ({rates['categories']} scores)", f"{row['parquet']:.0f} bytes"],
        ["a photo in JSON lines, in CSV", f"{row['jsonl']:.0f}, {row['csv']:.0f} bytes"],
        ["writing Parquet", f"{_round(rates['parquet_rows_per_s'])} rows/s"],
        ["a photo in a library", f"{rates['library_bytes_per_photo']:.0f} bytes"],
        ["`csra import-tags`", f"{_round(rates['import_rows_per_s'])} rows/s"],
    ]
    return (
        f"Measured on {machine['date']} with `python benchmarks/scale_rates.py` "
        f"({machine['processor']}, {machine['cores']} cores, Python {machine['python']}, the model "
        f"that ships on ONNX Runtime, a load of {rates['load']} from others). A second is one of "
        "processor: what waits for a disk or a network is not in it, and others on the same cores "
        "make it longer.\n\n" + _table(["", "Measured"], rows)
    )


def _bytes(options: argparse.Namespace, rates: dict[str, Any]) -> str:
    row, counts = rates["bytes_per_row"], (1e6, options.photos)
    each = {
        f"photos of {options.photo_mb:g} MB": options.photo_mb * 1e6,
        "results as Parquet, all scores": row["parquet"],
        "results as JSON lines": row["jsonl"],
        "results as CSV": row["csv"],
        "a library, or many": rates["library_bytes_per_photo"],
    }
    rows = [[name, *(_size(size * count) for count in counts)] for name, size in each.items()]
    return "### Bytes\n\n" + _table(["", *(f"{_count(count)} photos" for count in counts)], rows)


def _time(options: argparse.Namespace, rates: dict[str, Any]) -> str:
    rows = []
    for name, found in rates["photos"].items():
        hours = options.photos * found["processor_s"] / 3600
        rows.append(
            [
                name,
                f"{1 / found['processor_s']:.1f}",
                f"{_round(hours)}",
                *(f"{_round(hours / 24 / cores)}" for cores in (100, 1000, 10_000)),
                f"{1e6 * found['processor_s'] / 3600 * options.core_hour:.2f}",
            ]
        )
    head = [
        "Photos of",
        "photos/s of a core",
        "core-hours",
        *(f"days on {cores:,} cores" for cores in (100, 1000, 10_000)),
        f"$ per million at {options.core_hour:g} a core-hour",
    ]
    return f"### Time and money, {_count(options.photos)} photos\n\n" + _table(head, rows)


def _saturation(options: argparse.Namespace, rates: dict[str, Any]) -> str:
    found = rates["photos"][_LARGE]
    rate, mb = 1 / found["processor_s"], options.photo_mb
    rows = [
        [
            f"{cores:,}",
            f"{_round(cores * rate)}",
            f"{_round(cores * rate * mb / 1000, 2)} GB/s",
            f"{_round(cores * rate * rates['bytes_per_row']['parquet'] / 1e6, 2)} MB/s",
        ]
        for cores in (1, 16, 100, 1000, 10_000)
    ]
    full = [
        [name, f"{_round(limit * 1000 / mb)}", f"{_round(limit * 1000 / mb / rate)}"]
        for name, limit in _LINES.items()
    ]
    walk_s = options.photos / rates["walk_files_per_s"]
    share = walk_s * options.shards / (options.photos * found["processor_s"])
    most = math.floor(0.01 * found["processor_s"] * rates["walk_files_per_s"])
    return (
        f"### What saturates first\n\nPhotos of {_LARGE} and {mb:g} MB. What so many cores ask of "
        "everything around them:\n\n"
        + _table(["Cores", "photos/s", "read", "written as Parquet"], rows)
        + "\nSo many cores fill a connection, of one machine or of the storage:\n\n"
        + _table(["", "photos/s", "cores"], full)
        + f"\nEvery part walks through all folders: {_round(walk_s / 60)} minutes for "
        f"{_count(options.photos)} names at the rate above. With {options.shards:,} parts that is "
        f"{100 * share:.0f} % of the time that tagging takes; up to {most} parts at most 1 %, "
        "however many photos there are.\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in lines)


def _round(value: float, digits: int = 2) -> str:
    """With so many digits that count."""
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, places):,.{max(0, places)}f}"


def _size(count: float) -> str:
    for unit, size in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9)):
        if count >= size:
            return f"{_round(count / size)} {unit}"
    return f"{_round(count / 1e6)} MB"


def _count(count: float) -> str:
    power = math.floor(math.log10(count))
    factor = count / 10**power
    return f"{'' if factor == 1 else f'{factor:g} · '}10{str(power).translate(_RAISED)}"


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

if __name__ == "__main__":
    main()
