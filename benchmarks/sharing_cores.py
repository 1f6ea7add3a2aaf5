"""How decoders and a network share the cores: so many decoding processes, so many threads.

    python benchmarks/sharing_cores.py [--photos 40] [--rounds 5] [--decoders 1 2] [--threads 1 2]

Tags photos of 12 megapixels and of 640 pixels with the model that ships on ONNX Runtime, in every
combination, in turn and in one process. Model and decoders are there before the clock starts. The
table has medians of photos per second, and of the milliseconds of processor that one took, which
others on the machine disturb least (Linux only); "decoding" and "network" are what each does alone
with all cores, and "one after the other" is the rate of a program that does first all of one, then
all of the other. Run it with ``taskset`` to see another number of cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# As the program itself does.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from engine.data.decoding.pool import DecodePool  # noqa: E402
from engine.inference.graphs import find_graph  # noqa: E402
from engine.inference.onnx_backend import OnnxBackend  # noqa: E402
from engine.inference.predict import decode_request, predict  # noqa: E402
from engine.inference.weights import ModelWeights, read_weights  # noqa: E402
from engine.records.catalogue import find_model  # noqa: E402
from engine.resources import resource_path  # noqa: E402

_SIZES = {"12 megapixels": (4000, 3000), "640 pixels": (640, 480)}
#: Different files of each size, so that no cache of a decoder helps; copies of them are links.
_FILES = 10


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--decoders", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    weights = read_weights(find_model(None))
    with tempfile.TemporaryDirectory() as scratch:
        for name, size in _SIZES.items():
            photos = _photos(Path(scratch), size, options.photos)
            work = _ways(weights, photos, options.decoders, options.threads)
            _compare(name, len(photos), work, options.rounds)


class _Plain(argparse.RawDescriptionHelpFormatter):
    """Leaves the text above as it is."""


def _ways(
    weights: ModelWeights, photos: Sequence[Path], decoders: Sequence[int], threads: Sequence[int]
) -> dict[str, Callable[[], object]]:
    """What is measured: name → do it once."""
    graph = find_graph(weights.record.config)
    if graph is None:
        raise SystemExit("The model that ships has no graph here.")
    preprocess = weights.record.config.preprocess
    pools = {count: DecodePool(count) for count in decoders}
    backends = {count: OnnxBackend(weights, graph, count) for count in threads}
    requests = [decode_request(path, preprocess) for path in photos]
    side = preprocess.input_size
    most = backends[max(threads)]
    batch = np.random.default_rng(0).integers(0, 256, (4, side, side, 3), dtype=np.uint8)

    def decode() -> None:
        for _ in pools[max(decoders)].map(requests):
            pass

    def compute() -> None:
        for start in range(0, len(photos), len(batch)):
            most.run(batch[: len(photos) - start])

    def tag(pool: DecodePool, backend: OnnxBackend) -> None:
        for _ in predict(backend, pool, "", photos, preprocess):
            pass

    work: dict[str, Callable[[], object]] = {"decoding alone": decode, "network alone": compute}
    for a, b in product(decoders, threads):
        work[f"{a} decoders, {b} threads"] = lambda p=pools[a], r=backends[b]: tag(p, r)
    return work


def _compare(name: str, photos: int, work: dict[str, Callable[[], object]], rounds: int) -> None:
    seen: dict[str, list[tuple[float, float]]] = {way: [] for way in work}
    for number in range(rounds + 1):  # the first one warms up
        for way, do in work.items():
            start, used = time.perf_counter(), _processor()
            do()
            if number:
                seen[way].append((time.perf_counter() - start, _processor() - used))
    medians = {
        way: tuple(statistics.median(column) for column in zip(*values, strict=True))
        for way, values in seen.items()
    }
    alone = [medians[f"{what} alone"] for what in ("decoding", "network")]
    medians["one after the other"] = tuple(map(sum, zip(*alone, strict=True)))
    load = os.getloadavg()[0]
    sys.stdout.write(f"{name}, median of {rounds}, load {load:.1f}:   photos/s   ms each\n")
    for way, (wall, cpu) in medians.items():
        sys.stdout.write(f"  {way:24} {photos / wall:6.1f} {1000 * cpu / photos:6.1f}\n")
    sys.stdout.flush()


def _processor() -> float:
    """Seconds of processor that this process and its decoders took so far."""
    ticks = 0
    lists = Path("/proc/self/task").glob("*/children")
    for child in (pid for one in lists for pid in one.read_text(encoding="ascii").split()):
        fields = Path(f"/proc/{child}/stat").read_text(encoding="ascii").rpartition(")")[2]
        ticks += sum(map(int, fields.split()[11:13]))
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _photos(folder: Path, size: tuple[int, int], count: int) -> list[Path]:
    samples = sorted(resource_path("samples").glob("*.jpg"))
    files = []
    for number in range(min(count, _FILES)):
        file = folder / f"{size[0]}-{number}.jpg"
        with Image.open(samples[number % len(samples)]) as image:
            photo = image.convert("RGB").resize(size)
        grain = Image.effect_noise(size, 20).convert("RGB")
        Image.blend(photo, grain, 0.1).save(file, quality=90)
        files.append(file)
    return [files[number % len(files)] for number in range(count)]


if __name__ == "__main__":
    main()
