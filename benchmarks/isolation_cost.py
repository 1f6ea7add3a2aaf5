"""What it costs that a process which decodes photos can do nothing else any more.

One decoding process with the system's limits (seccomp, Landlock, few open files) and one without
read the same photos in turn, for the model's size; whoever is first changes with each photo. Also
the time that each needs to start and read its first photo. Medians. Linux, where the limits are.

    python benchmarks/isolation_cost.py [FOLDER] [--photos N] [--rounds N] [--starts N]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.data.decoding.pool import DecodePool, DecodeRequest  # noqa: E402
from engine.isolation.confinement import OFF_VARIABLE  # noqa: E402

_KINDS = ("confined", "free")
_SIDE = 448


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "resources" / "samples")
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=5)
    options = parser.parse_args()
    found = [path for path in options.folder.rglob("*") if path.suffix.lower() in (".jpg", ".png")]
    photos = sorted(found)[: options.photos]
    result = {"photos": len(photos), "load": round(os.getloadavg()[0], 1)}
    result |= _each(photos, options.rounds) | _starts(photos[0], options.starts)
    print(json.dumps(result, indent=2))
    return 0


@contextlib.contextmanager
def _pool(kind: str, photo: Path) -> Iterator[DecodePool]:
    """One whose process has started, as it takes the limits or not when it does."""
    os.environ.pop(OFF_VARIABLE, None)
    if kind == "free":
        os.environ[OFF_VARIABLE] = "1"
    with DecodePool(1) as pool:
        _decode(pool, photo)
        yield pool


def _decode(pool: DecodePool, photo: Path) -> float:
    begun = time.perf_counter()
    pool.submit(DecodeRequest(photo, _SIDE, "squash")).result()
    return time.perf_counter() - begun


def _each(photos: Sequence[Path], rounds: int) -> dict[str, float]:
    taken: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    with contextlib.ExitStack() as stack:
        pools = {kind: stack.enter_context(_pool(kind, photos[0])) for kind in _KINDS}
        for turn in range(rounds):
            for place, photo in enumerate(photos):
                for kind in _KINDS if (turn + place) % 2 else reversed(_KINDS):
                    taken[kind].append(_decode(pools[kind], photo))
    return _compared("a photo, ms", taken)


def _starts(photo: Path, starts: int) -> dict[str, float]:
    taken: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    for _ in range(starts):
        for kind in _KINDS:
            begun = time.perf_counter()
            with _pool(kind, photo):
                taken[kind].append(time.perf_counter() - begun)
    return _compared("start and first photo, ms", taken)


def _compared(what: str, taken: dict[str, list[float]]) -> dict[str, float]:
    middle = {kind: statistics.median(all_) for kind, all_ in taken.items()}
    found = {f"{what}, {kind}": round(1000 * each, 2) for kind, each in middle.items()}
    return found | {f"{what}, ratio": round(middle["confined"] / middle["free"], 3)}


if __name__ == "__main__":
    sys.exit(main())
