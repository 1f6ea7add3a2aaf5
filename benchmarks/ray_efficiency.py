"""Tagging on a Ray cluster: what one and two workers of one core reach of one process, and memory.

A cluster is started on this machine. Photos of 1024 by 768 pixels are tagged by one process on one
core, by one worker and by two, one after the other and several times over, so that whatever else
the machine does falls on all alike; medians are told. A rate counts from the moment at which every
worker has written its first part, so neither the start of Ray nor that of the model is in it. Where
others use the machine, rates say little; the time of processors for a photo says what Ray adds: of
the workers, Ray's own processes and the one that asks.

    python benchmarks/ray_efficiency.py [--photos 192] [--rounds 3] [--model FILE]
    python benchmarks/ray_efficiency.py --tiny 100000 [--workers 2]

``--tiny`` sends that many pictures of 64 by 64 pixels through a small network of random weights,
and tells at each quarter how many a second there were since the last one, and the memory (Pss) of
the driver and of all workers with their decoders. Each line is JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.getenv("PYTHONPATH"))))

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from engine.cluster.listing import Wanted  # noqa: E402
from engine.cluster.running import Cluster, Workers, connected  # noqa: E402
from engine.cluster.tagging import TagRequest, tag  # noqa: E402
from engine.service.local import LocalEngine  # noqa: E402

SIDE = (1024, 768)
ROWS = 8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="")
    parser.add_argument("--tiny", type=int, default=0, metavar="N")
    parser.add_argument("--workers", type=int, default=2, help="of --tiny")
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)  # a process of its own
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(of_this_process(options.alone, options.model)))
        return 0
    with tempfile.TemporaryDirectory(prefix="ray-efficiency-") as place:
        here = Path(place)
        with connected("local") as cluster:
            if options.tiny:
                tiny(cluster, here, options.tiny, options.workers)
            else:
                efficiency(cluster, here, options)
    return 0


def efficiency(cluster: Cluster, here: Path, options: argparse.Namespace) -> None:
    photos = write_photos(here / "photos", options.photos, SIDE, 85)
    found: dict[str, list[tuple[float, float]]] = {"alone": [], "1 worker": [], "2 workers": []}
    for number in range(options.rounds):
        found["alone"].append(alone(photos, options.model))
        for count, name in ((1, "1 worker"), (2, "2 workers")):
            output = here / f"{number}-{count}"
            request = TagRequest(
                Wanted((str(photos),)), str(output), options.model or None, rows_per_part=ROWS
            )
            found[name].append(steady(cluster, request, count))
        last = {name: values[-1] for name, values in found.items()}
        say(round=number, load=os.getloadavg()[0], rate_and_cpu_ms=last)
    rate, cpu = (
        {name: statistics.median(value[at] for value in values) for name, values in found.items()}
        for at in (0, 1)
    )
    say(
        photos_per_second=rate,
        of_one_process=rate["1 worker"] / rate["alone"],
        of_two_processes=rate["2 workers"] / (2 * rate["alone"]),
        cpu_ms_per_photo=cpu,
        of_one_process_by_cpu=cpu["alone"] / cpu["1 worker"],
        of_two_processes_by_cpu=cpu["alone"] / cpu["2 workers"],
        load=os.getloadavg(),
    )


def steady(cluster: Cluster, request: TagRequest, count: int) -> tuple[float, float]:
    """Photos a second from when every worker has written a part until each has its last one.

    And milliseconds of processors for each, of this process, Ray's and the workers together.
    """
    start, end = (0.0, 0, 0.0), (0.0, 0, 0.0)
    with contextlib.closing(tag(request, cluster, Workers(count))) as reports:
        for report in reports:
            now = (time.perf_counter(), report.done, cpu_s())
            if not start[1] and len(report.workers) == count:
                start = now
            if report.done <= report.total - ROWS * count:
                end = now
    return rate_and_cpu(start, end)


def rate_and_cpu(
    start: tuple[float, int, float], end: tuple[float, int, float]
) -> tuple[float, float]:
    photos = end[1] - start[1]
    return photos / (end[0] - start[0]), 1000 * (end[2] - start[2]) / photos


def alone(photos: Path, model: str) -> tuple[float, float]:
    """The same of one process on one core."""
    command = [sys.executable, __file__, "--alone", str(photos), "--model", model]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    rate, cpu = json.loads(done.stdout)
    return rate, cpu


def of_this_process(photos: Path, model: str) -> tuple[float, float]:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    start = end = (0.0, 0, 0.0)
    with LocalEngine("cpu") as engine:
        opened = engine.open_model(model or None)
        for done, _ in enumerate(engine.predict(opened.id, sorted(photos.iterdir())), 1):
            if done % ROWS == 0:
                end = (time.perf_counter(), done, cpu_s())
                start = start if start[1] else end
    return rate_and_cpu(start, end)


_TICKS: dict[int, int] = {}


def cpu_s() -> float:
    """Time of processors of this process and all that it ever started, in seconds."""
    for pid in with_children([os.getpid()]):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            _TICKS[pid] = sum(map(int, fields[11:13]))  # stays when the process has ended
    return sum(_TICKS.values()) / os.sysconf("SC_CLK_TCK")


def tiny(cluster: Cluster, here: Path, count: int, workers: int) -> None:
    photos = write_photos(here / "photos", count, (64, 64), 50)
    say(written=count, load=os.getloadavg()[0])
    request = TagRequest(
        Wanted((str(photos),), recursive=True), str(here / "out"), str(tiny_model(here)), "torch"
    )
    quarter, since = 1, (time.perf_counter(), 0)
    with contextlib.closing(tag(request, cluster, Workers(workers))) as reports:
        for report in reports:
            now = (time.perf_counter(), report.done)
            if report.done and not since[1]:
                since = now  # the model is open
            elif report.done >= quarter * report.total / 4:
                say(
                    photos=report.done,
                    photos_per_second=(now[1] - since[1]) / (now[0] - since[0]),
                    driver_mb=pss_mb([os.getpid()]),
                    workers_mb=pss_mb(list(with_children(actors()))),
                    load=os.getloadavg()[0],
                )
                quarter, since = quarter + 1, now
    say(report={k: v for k, v in report.as_dict().items() if k not in ("output", "model_id")})
    size = sum(file.stat().st_size for file in (here / "out").glob("*.parquet"))
    say(bytes_per_row=size / count, parts=report.parts)


def tiny_model(here: Path) -> Path:
    import torch

    from engine.api.categories import Categories
    from engine.api.config import HeadConfig, ModelConfig, PreprocessConfig
    from engine.checkpoints.safetensors_model import save_checkpoint
    from engine.models.classifier import Classifier
    from engine.records.model_record import CheckpointRecord

    torch.manual_seed(0)
    config = ModelConfig(
        "timm:test_efficientnet",
        Categories(tuple(f"category {i}" for i in range(80))),
        HeadConfig((1.0,), 0.1),
        PreprocessConfig(64),
    )
    file = here / "tiny.safetensors"
    save_checkpoint(file, Classifier(config).eval(), CheckpointRecord(config, "tiny"))
    return file


def write_photos(folder: Path, count: int, side: tuple[int, int], quality: int) -> Path:
    """So many pictures, a thousand in a folder if there are more; a hundred differ."""
    random, contents = np.random.default_rng(0), list[bytes]()
    for _ in range(min(count, 100)):
        coarse = random.integers(0, 256, (12, 16, 3), np.uint8)
        with tempfile.SpooledTemporaryFile(1 << 20) as file:
            Image.fromarray(coarse).resize(side).save(file, "JPEG", quality=quality)
            file.seek(0)
            contents.append(file.read())
    folder.mkdir()
    for place in range(count):
        below = folder / f"{place // 1000:04}" if count > 1000 else folder
        below.mkdir(exist_ok=True)
        (below / f"{place:07}.jpg").write_bytes(contents[place % len(contents)])
    return folder


def actors() -> list[int]:
    """Ray's workers that have a model."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if file.read_bytes().startswith(b"ray::MapWorker"):
                found.append(int(file.parent.name))
    return found


def with_children(pids: list[int]) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(file.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(file.parent.name))
    for pid in pids:
        yield pid
        yield from with_children(parents.get(pid, []))


def pss_mb(pids: list[int]) -> float:
    """Memory of processes together, what they share counted once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, StopIteration):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            line = next(line for line in text.splitlines() if line.startswith("Pss:"))
            total += int(line.split()[1])
    return round(total / 1024, 1)


def say(**facts: object) -> None:
    def short(value: object) -> object:
        if isinstance(value, dict):
            return {key: short(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [short(each) for each in value]
        return round(value, 3) if isinstance(value, float) else value

    # What is printed while a cluster is there goes to the standard error.
    sys.__stdout__.write(json.dumps(short(facts)) + "\n")
    sys.__stdout__.flush()


if __name__ == "__main__":
    raise SystemExit(main())
