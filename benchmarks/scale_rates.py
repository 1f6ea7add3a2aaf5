"""Measures the rates that ``scale.py`` reckons with, and keeps them in ``scale_rates.json``.

    python benchmarks/scale_rates.py [--photos 40] [--rows 50000] [--files 50000]

All rates are by the second of processor, not of the clock, so that others on the machine disturb
least; what waits for a disk or a network is not in them. What a photo costs is the difference of
two runs of ``csra tag`` of which one has more photos, so that starting counts for nothing. Photos
of 12 megapixels and of 640 pixels are made from the samples with grain. Rows have the scores of the
samples, each moved at random, so that they do not compress better than real ones. Needs pyarrow,
and some hundred megabytes of room for a while.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from engine.api.categories import Categories  # noqa: E402
from engine.api.values import FloatArray, Prediction  # noqa: E402
from engine.cli.output import CsvWriter, JsonLinesWriter  # noqa: E402
from engine.data.scan import scan  # noqa: E402
from engine.data.shards import Shard  # noqa: E402
from engine.records.tag_rows import (  # noqa: E402
    FileLook,
    TaggedBy,
    TagRow,
    tag_row,
    write_tag_rows,
)
from engine.resources import resource_path  # noqa: E402
from engine.service.local import LocalEngine  # noqa: E402

RATES = Path(__file__).with_name("scale_rates.json")
_SIZES = {"12 megapixels": (4000, 3000), "640 pixels": (640, 480)}
_MADE = 10
_HASHED_MB = 256


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("--photos", type=int, default=40, help="of each size, by the longer run")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--output", type=Path, default=RATES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="csra-scale-") as scratch:
        place = Path(scratch)
        rates = {"machine": _machine(), "photos": _tagging(place, options.photos)}
        rates |= _files(place, options.files) | _results(place, options.rows)
    rates["load"] = f"{os.getloadavg()[0]:.0f}"
    options.output.write_text(json.dumps(rates, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(options.output.read_text(encoding="utf-8"))


class _Plain(argparse.RawDescriptionHelpFormatter):
    """Leaves the text above as it is."""


def _machine() -> dict[str, object]:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _tagging(place: Path, count: int) -> dict[str, object]:
    """Of each size: seconds of processor for a photo, its bytes, and the memory of a run."""
    found: dict[str, object] = {}
    for name, size in _SIZES.items():
        photos = _made(place / name, size, count)
        few, _ = _run("tag", *photos[: count // 4])
        all_of_them, peak = _run("tag", *photos)
        found[name] = {
            "processor_s": (all_of_them - few) / (count - count // 4),
            "bytes": sum(photo.stat().st_size for photo in photos) / count,
            "start_s": few - (all_of_them - few) / (count - count // 4) * (count // 4),
            "peak_mb": peak,
        }
    return found


def _run(*arguments: object) -> tuple[float, float]:
    """Seconds of processor of a command with its children, and the most memory that one had."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "main.py", *map(str, arguments)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, after.ru_maxrss / 1024


def _made(folder: Path, size: tuple[int, int], count: int) -> list[Path]:
    folder.mkdir()
    samples = sorted(resource_path("samples").glob("*.jpg"))
    grain = Image.effect_noise(size, 20).convert("RGB")
    for number in range(min(count, _MADE)):
        with Image.open(samples[number % len(samples)]) as image:
            photo = image.convert("RGB").resize(size)
        Image.blend(photo, grain, 0.1).save(folder / f"{number}.jpg", quality=90)
    for number in range(_MADE, count):  # hard links: each is read and decoded
        (folder / f"{number}.jpg").hardlink_to(folder / f"{number % _MADE}.jpg")
    return [folder / f"{number}.jpg" for number in range(count)]


def _files(place: Path, count: int) -> dict[str, object]:
    """How fast folders are walked, shards told and bytes hashed."""
    folder = place / "many"
    for number in range(count):
        if number % 1000 == 0:
            (folder / f"{number // 1000}").mkdir(parents=True)
        (folder / f"{number // 1000}" / f"IMG_{number:06}.jpg").touch()
    walked: list[Path] = []
    walk_s = _seconds(lambda: walked.extend(p for batch in scan(folder) for p in batch.paths))
    assert len(walked) == count
    shard_s = _seconds(lambda: list(Shard(0, 1000).part(walked, [folder])))
    (place / "large").write_bytes(os.urandom(_HASHED_MB << 20))
    code = "import hashlib, sys; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')"
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([sys.executable, "-c", code, str(place / "large")], check=True)
    hash_s = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return {
        "walk_files_per_s": count / walk_s,
        "shard_paths_per_s": count / shard_s,
        "sha256_mb_per_s": _HASHED_MB * 1.048576 / hash_s,
    }


@dataclass(frozen=True, eq=False)
class _Found:
    by: TaggedBy
    logits: FloatArray
    folder: Path

    def predictions(self, count: int) -> list[Prediction]:
        rng = np.random.default_rng(0)
        made = []
        for number in range(count):
            logits = self.logits[number % len(self.logits)]
            moved = logits + rng.normal(0, 1, logits.shape)
            scores = (1 / (1 + np.exp(-moved))).astype(np.float32)
            path = self.folder / f"{number // 1000}" / f"IMG_{number:06}.jpg"
            made.append(Prediction(path, self.by.model_id, scores, 4000, 3000))
        return made


def _results(place: Path, count: int) -> dict[str, object]:
    """What a row takes on the disk, in each format and in a library, and how fast that is."""
    found = _scored(place / "many")
    predictions = found.predictions(count)
    names, target = found.by.categories, place / "rows.parquet"

    def rows() -> list[TagRow]:
        return [tag_row(one, names, 0.5, FileLook.at(one.path)) for one in predictions]

    made = rows()
    write_s = _seconds(lambda: write_tag_rows(target, made, found.by))
    sizes: dict[str, float] = {"parquet": target.stat().st_size / count}
    for name, writer in (("jsonl", JsonLinesWriter), ("csv", CsvWriter)):
        file = place / f"rows.{name}"
        with file.open("w", encoding="utf-8", newline="") as text:
            take = writer(text, found.by.model, names, 0.5)
            for one in predictions:
                take.write(one)
        sizes[name] = file.stat().st_size / count
    library = place / "library.db"
    import_s, _ = _run("import-tags", target, "--library", library)
    kept = sum(file.stat().st_size for file in place.glob("library.db*"))
    return {
        "categories": len(names),
        "bytes_per_row": sizes,
        "parquet_rows_per_s": count / write_s,
        "library_bytes_per_photo": kept / count,
        "import_rows_per_s": count / import_s,
    }


def _scored(folder: Path) -> _Found:
    """The model that ships, and what it says of the samples."""
    with LocalEngine("cpu") as engine:
        model = engine.open_model()
        samples = sorted(resource_path("samples").glob("*.jpg"))
        scores = np.stack([one.scores for one in engine.predict(model.id, samples)])
        by = TaggedBy(model.full_name, model.id, Categories(tuple(model.categories)))
    sound = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
    return _Found(by, np.log(sound / (1 - sound)).astype(np.float32), folder)


def _seconds(work: Callable[[], object]) -> float:
    """Of processor, of all threads here."""
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
