"""How fast similar photos are found, at the size that people work at, and near-duplicates.

Descriptors are drawn around as many centres as a library has scenes. They are kept in a library
made for it in a temporary folder. "First" is a question after the start, which reads them, "next"
the median of further ones. "Read ahead" is what a window does before, while it is idle, and "first
after that" the question that comes then. Beside them stands what one plain product of a float32
array with a vector takes in NumPy, everything in memory, and the ratio of both. Memory at the peak
is what a first question allocates, counted by tracemalloc.

    python benchmarks/similar_photos.py [--images N] [--rounds R] [--kept-mb M] [--groups]
"""

from __future__ import annotations

import argparse
import collections
import resource
import statistics
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from engine.api.categories import Categories  # noqa: E402
from engine.api.values import Descriptor, Prediction  # noqa: E402
from engine.inference.descriptors import LENGTH  # noqa: E402
from engine.library.neighbours import KEPT_BYTES, DescriptorIndex, near_duplicates  # noqa: E402
from engine.library.opening import open_library  # noqa: E402
from engine.library.store import Library  # noqa: E402
from engine.library.values import ImageFile, LibraryModel  # noqa: E402

BATCH = 2000
#: Photos that are alike, as those of one afternoon are.
SCENE = 20
KIND = "drawn"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--kept-mb", type=float, default=KEPT_BYTES / 2**20)
    parser.add_argument("--groups", action="store_true", help="near-duplicates, too")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        open_library(Path(folder) / "library.db") as library,
    ):
        ids, values = fill(library, options.images)
        print(f"{options.images:,} images of {LENGTH} bytes")
        index = DescriptorIndex(library, KIND, int(options.kept_mb * 2**20))
        own = compare(index, ids, options.rounds)
        if options.images <= 200_000:  # all of it as float32 is two gigabytes a million
            alone = plain_product(values, options.rounds)
            print(f"  ratio of next to it     {own / alone:8.1f}")
        if options.groups:
            group(index, ids)
    return 0


def fill(library: Library, count: int) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    rng = np.random.default_rng(0)
    model = LibraryModel("m", "Drawn", Categories(("any",)))
    library.add_model(model)
    ids, parts = [], []
    for first in range(0, count, BATCH):
        some = min(BATCH, count - first)
        centres = rng.normal(size=(-(-some // SCENE), LENGTH)).repeat(SCENE, axis=0)[:some]
        drawn = centres + rng.uniform(0.1, 1.0, (some, 1)) * rng.normal(size=(some, LENGTH))
        tops = np.abs(drawn).max(axis=1, keepdims=True)
        parts.append(np.rint(drawn * (127 / tops)).astype(np.int8))
        files = [ImageFile(Path(f"/photos/{first + i:07}.jpg"), 1, 1) for i in range(some)]
        ids += library.add_images(files)
        score = np.array([0.5], dtype=np.float32)
        library.record_predictions(
            "m",
            [
                Prediction(file.path, "m", score, descriptor=Descriptor(KIND, row))
                for file, row in zip(files, parts[-1], strict=True)
            ],
        )
    return np.array(ids, dtype=np.int64), np.concatenate(parts)


def compare(index: DescriptorIndex, ids: NDArray[np.int64], rounds: int) -> float:
    rng = np.random.default_rng(1)
    times = []
    for _ in range(rounds + 1):
        asked = [int(rng.choice(ids))]
        start = time.perf_counter()
        found = index.similarities(asked, ids)
        assert found is not None
        np.argsort(-found, kind="stable")
        times.append(time.perf_counter() - start)
    print(f"  first question          {times[0] * 1000:8.1f} ms")
    print(f"  next                    {statistics.median(times[1:]) * 1000:8.1f} ms")
    ahead = DescriptorIndex(index.library, index.kind)
    start = time.perf_counter()
    collections.deque(ahead.read_ahead(), maxlen=0)
    read = time.perf_counter()
    ahead.similarities([int(ids[-1])], ids)
    print(f"  read ahead              {(read - start) * 1000:8.1f} ms")
    print(f"  first after that        {(time.perf_counter() - read) * 1000:8.1f} ms")
    del ahead
    tracemalloc.start()  # apart, since it makes all slower
    DescriptorIndex(index.library, index.kind).similarities([int(ids[0])], ids)
    print(f"  memory at the peak      {tracemalloc.get_traced_memory()[1] / 2**20:8.1f} MB")
    tracemalloc.stop()
    return statistics.median(times[1:])


def plain_product(values: NDArray[np.int8], rounds: int) -> float:
    wide = values.astype(np.float32)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        wide @ wide[0]
        times.append(time.perf_counter() - start)
    print(f"  a float32 product alone {statistics.median(times) * 1000:8.1f} ms")
    return statistics.median(times)


def group(index: DescriptorIndex, ids: NDArray[np.int64]) -> None:
    start = time.perf_counter()
    work = near_duplicates(index, ids)
    while True:
        try:
            next(work)
        except StopIteration as end:
            groups = end.value
            break
    print(f"  near-duplicates         {time.perf_counter() - start:8.1f} s, {len(groups):,} groups")
    print(f"  peak of the process     {peak_mb():8.1f} MB")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
