"""Time and memory per photo over a long run of the real window on photos of mixed kinds.

Makes a folder: of every hundred, 84 are JPEG files of ``--from`` under names of their own, each
made different by a few bytes behind its end; one has 12 megapixels; 12 are PNG, TIFF, HEIC and RAW
(DNG), three each; and three are damaged: two cut, one of ``--damaged``. Then the window opens the
folder in a fresh process with a library of its own, and each time a sixteenth is tagged the memory,
threads, open files and processor time of the window and of each process below it are read; the
table has the quarters. Linux.

    python benchmarks/long_run.py [--photos N] [--from FOLDER…] [--damaged FOLDER] [--minutes M]

With ``--minutes`` it ends after so long, wherever it is.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402

from benchmarks._processes import look  # noqa: E402
from tests.engine.raw_files import dng  # noqa: E402

_PER_FOLDER = 500
_HEIC = ROOT / "tests" / "data" / "heif" / "cat.heic"
_PARTS = 16
_AT_REST_S = 20.0


@dataclass
class Reading:
    """One look at the program.

    Attributes:
        done: photos that the model has been through.
        seconds: since the start of the program.
        load: processes that want a processor, on average of the last minute.
        processes: of each kind the number, resident memory and that with shared pages counted once
            (MB), threads, open files and seconds of a processor, all together.
    """

    done: int
    seconds: float
    load: float = field(default_factory=lambda: round(os.getloadavg()[0], 1))
    processes: dict[str, dict[str, float]] = field(default_factory=dict)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=10_000)
    samples = ROOT / "resources" / "samples"
    parser.add_argument("--from", type=Path, nargs="+", default=[samples], dest="sources")
    parser.add_argument("--damaged", type=Path, help="a folder of files that cannot be read")
    parser.add_argument("--place", type=Path, help="where the photos are made; a temporary folder")
    parser.add_argument("--minutes", type=float, default=24 * 60.0)
    parser.add_argument("--json", type=Path, help="also write the readings to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.place, prefix="csra-long-run-") as name:
        place = Path(name)
        damaged = _files(options.damaged) if options.damaged else []
        begun = time.monotonic()
        make(place / "photos", options.photos, _files(*options.sources), damaged)
        print(f"made {options.photos} photos in {time.monotonic() - begun:.0f} s", flush=True)
        readings = []
        for reading in run(place, options.photos, 60 * options.minutes):
            readings.append(reading)
            print(json.dumps(asdict(reading)), flush=True)
            if options.json:
                options.json.write_text(json.dumps([asdict(r) for r in readings], indent=1))
    print("\n".join(table(readings, options.photos)))
    return 0


# The photos.


def _files(*folders: Path) -> list[Path]:
    return sorted(f for folder in folders for f in folder.rglob("*") if f.is_file())


def make(folder: Path, count: int, sources: list[Path], damaged: list[Path]) -> None:
    """Write the photos, 500 in each folder below this one."""
    real = itertools.cycle([f for f in sources if f.suffix.lower() in {".jpg", ".jpeg"}])
    bad = itertools.cycle(damaged)
    for number in range(count):
        below = folder / f"{number // _PER_FOLDER:03}"
        below.mkdir(parents=True, exist_ok=True)
        suffix, data = photo(number, next(real), next(bad, None))
        (below / f"IMG_{number:05}{suffix}").write_bytes(data)


def photo(number: int, real: Path, bad: Path | None) -> tuple[str, bytes]:
    """The ending and the bytes of one photo; which kind it is goes by its number."""
    place, mark = number % 100, number.to_bytes(4, "big")
    if place < 84:
        return ".jpg", real.read_bytes() + mark
    if place < 86:
        return ".jpg", real.read_bytes()[: 2000 + number]
    if place == 86:
        return (".jpg", real.read_bytes()[:3000]) if bad is None else (bad.suffix, bad.read_bytes())
    if place < 90:  # a box that every reader passes over
        return ".heic", _HEIC.read_bytes() + struct.pack(">I4s", 12, b"free") + mark
    with Image.open(real) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    makers: dict[range, Callable[[Image.Image], tuple[str, bytes]]] = {
        range(90, 93): lambda image: (".png", _saved(image, "PNG")),
        range(93, 96): lambda image: (".tif", _saved(image, "TIFF")),
        range(96, 99): _raw,
        range(99, 100): lambda image: (".jpg", _saved(image.resize((4000, 3000)), "JPEG")),
    }
    suffix, data = next(maker for kind, maker in makers.items() if place in kind)(picture)
    return suffix, data + mark


def _saved(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def _raw(image: Image.Image) -> tuple[str, bytes]:
    even = image.crop((0, 0, image.width // 2 * 2, image.height // 2 * 2))
    return ".dng", dng(np.asarray(even))


# The program.


def run(place: Path, count: int, at_most_s: float) -> Iterator[Reading]:
    """Tag all in the window; a reading when the first are tagged and at each sixteenth."""
    profile = place / "profile"
    environment = {
        **os.environ,
        "CSRA_GUI_PROFILE": str(profile),
        "CSRA_GUI_DATA": str(profile),
        "CSRA_GUI_CACHE": str(profile / "cache"),
        "CSRA_GUI_TELL_DONE": "1",
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(ROOT),
    }
    driver = ROOT / "benchmarks" / "_window_driver.py"
    command = [sys.executable, str(driver), str(time.time()), str(place / "photos")]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    marks = [min(100, count // 10), *(count * part // _PARTS for part in range(1, _PARTS + 1))]
    begun, done = time.monotonic(), 0
    try:
        for line in process.stdout or ():
            said = json.loads(line)
            if "tagged" in said or time.monotonic() - begun > at_most_s:
                print(line.strip(), flush=True)
                break
            done = said.get("done", done)
            while marks and done >= marks[0]:
                marks.pop(0)
                yield Reading(done, round(said["seconds"], 1), processes=look(process.pid))
        time.sleep(_AT_REST_S)  # what is written behind comes to its end
        seconds = round(time.monotonic() - begun, 1)
        yield Reading(done, seconds, processes=look(process.pid))
    finally:
        process.terminate()
        process.wait(60)
        print(*_loud(profile / "csra-gui.log"), sep="\n", flush=True)


def _loud(log: Path) -> Iterator[str]:
    """What the program complained of."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    loud = [line for line in lines if " WARNING " in line or " ERROR " in line]
    yield f"{len(loud)} warnings and errors in the log"
    yield from loud[:20]


# What came of it.


def table(readings: list[Reading], count: int) -> Iterator[str]:
    """The readings at the first, at the quarters and at rest, as a table in Markdown."""
    kinds = sorted({kind for reading in readings for kind in reading.processes})
    head = ["photos", "seconds a photo since the line before", "of processors", "load"]
    head += [f"{kind}: MB resident (threads, files)" for kind in kinds]
    yield "| " + " | ".join(head) + " |"
    yield "|---" * len(head) + "|"
    before = Reading(0, 0.0)
    quarters = {count * quarter // 4 for quarter in range(1, 5)}
    for number, reading in enumerate(readings):
        is_at_rest = number == len(readings) - 1
        step = count // _PARTS
        if number and not is_at_rest and not any(0 <= reading.done - q < step for q in quarters):
            continue
        photos = reading.done - before.done
        cells = [f"{reading.done:,}", "at rest", "", str(reading.load)]
        if photos:
            cells[1] = f"{(reading.seconds - before.seconds) / photos:.3f}"
            cells[2] = f"{(_used(reading) - _used(before)) / photos:.3f}"
        yield "| " + " | ".join([*cells, *(_cell(reading.processes.get(k)) for k in kinds)]) + " |"
        before = reading


def _used(reading: Reading) -> float:
    return sum(values["processor_s"] for values in reading.processes.values())


def _cell(values: dict[str, float] | None) -> str:
    if values is None:
        return "none"
    count = f"{values['processes']:.0f}× " if values["processes"] > 1 else ""
    counts = f"({values['threads']:.0f}, {values['files']:.0f})"
    return f"{count}{values['rss_mb'] / values['processes']:.0f} {counts}"


if __name__ == "__main__":
    sys.exit(main())
