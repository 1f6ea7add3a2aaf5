"""How fast dates and cameras are read from photos and kept, against ExifTool on the same files.

Timed: reading and keeping at full speed, the same with the rests that it takes behind a window, and
what a second start costs, which reads no photo. ExifTool, if installed, has the first folder.

    python benchmarks/camera_facts.py [--photos N] [--json FILE]
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

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.library.opening import open_library  # noqa: E402
from engine.library.store import Library  # noqa: E402
from engine.library.values import look_at  # noqa: E402
from engine.metadata.camera_reading import AskedFile, read_and_keep  # noqa: E402

IN_A_FOLDER = 2000
CHUNK = 1000
#: So long is a photo in this, most of it pixels that nobody looks at.
BYTES = 8192
_DATE = b"2024:05:01 12:30:05"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        photos = make_photos(place, options.photos)
        rates: dict[str, float] = {}
        for what, rest in (("read and keep", 0.0), ("behind a window", 1.0)):
            with open_library(place / f"{rest}.db") as library:
                asked = registered(library, photos)
                rates[what] = len(asked) / timed(lambda: run(library, asked, rest))  # noqa: B023
                rates["second start"] = len(asked) / timed(lambda: load(library, asked))  # noqa: B023
        if shutil.which("exiftool"):
            some = min(options.photos, IN_A_FOLDER)
            rates["ExifTool"] = some / timed(lambda: ask_exiftool(photos[0].parent))
    for what, rate in rates.items():
        sys.stdout.write(f"{what:16} {rate:9,.0f} photos per second\n")
    if "ExifTool" in rates:
        ratio = rates["read and keep"] / rates["ExifTool"]
        sys.stdout.write(f"Reading and keeping is {ratio:.1f} times as fast as ExifTool.\n")
    if options.json:
        options.json.write_text(json.dumps({"photos": options.photos, "rates": rates}))
    return 0


def make_photos(place: Path, count: int) -> list[Path]:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Acme", "X100"
    detail = exif.get_ifd(0x8769)
    detail[0x9003], detail[0xA434] = _DATE.decode(), "50mm f/2"
    detail[0x829A], detail[0x829D] = IFDRational(1, 250), IFDRational(28, 10)
    detail[0x8827], detail[0x920A] = 400, IFDRational(50, 1)
    one = place / "one.jpg"
    Image.new("RGB", (400, 300), "red").save(one, exif=exif)
    content = one.read_bytes()
    content += bytes(max(0, BYTES - len(content)))
    photos = []
    for number in range(count):
        folder = place / "photos" / f"{number // IN_A_FOLDER:04}"
        folder.mkdir(parents=True, exist_ok=True)
        photo = folder / f"IMG_{number:06}.jpg"
        day, second = number // 60 % 28 + 1, number % 60
        photo.write_bytes(content.replace(_DATE, b"2024:05:%02d 12:30:%02d" % (day, second)))
        photos.append(photo)
    return photos


def registered(library: Library, photos: list[Path]) -> list[AskedFile]:
    files = [file for photo in photos if (file := look_at(photo)) is not None]
    ids = library.add_images(files)
    return [AskedFile(i, i, file) for i, file in zip(ids, files, strict=True)]


def run(library: Library, asked: list[AskedFile], rest: float) -> None:
    found = sum(len(part.facts) for part in read_and_keep(library, asked, rest=rest))
    assert found == len(asked), "some photos were not read"


def load(library: Library, asked: list[AskedFile]) -> None:
    for first in range(0, len(asked), CHUNK):
        ids = [each.image_id for each in asked[first : first + CHUNK]]
        known = library.dates_and_cameras(ids)
        assert len(known.image_ids) == len(ids) and known.cameras[0] == "Acme X100"


def ask_exiftool(folder: Path) -> None:
    command = ["exiftool", "-r", "-fast2", "-csv", "-q", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
