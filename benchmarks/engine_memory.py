"""What the engine's process keeps of the memory that its threads have freed, and what that costs.

    python benchmarks/engine_memory.py [--jobs 320] [--rounds 3] [--photos FOLDER] [--json FILE]

Compares glibc's own number of places that memory is taken from (eight for each processor) with the
two that the program asks for, each round in fresh processes, in turns. A job tags some photos,
explains one, writes a model file, or imports one and opens it, now and then in two threads at once,
as a window asks for it. Printed are the memory that is the process's own after a quarter of the
jobs and after all, in MiB, and the seconds of a processor for tagging the same photos before and
after them. Linux with glibc.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

#: glibc's M_ARENA_MAX; 0 stands for what it does by itself.
_M_ARENA_MAX = -8
KINDS = {"by itself": 0, "two": 2}
_TAGGED = 60
_WRITTEN = "csra-lite0-voc"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photos", type=Path, default=ROOT / "resources" / "samples")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--arenas", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arenas is not None:
        with tempfile.TemporaryDirectory() as folder:
            os.environ |= {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_CACHE_HOME": folder}
            print(json.dumps(_measure(options, Path(folder))))
        return 0
    found: dict[str, list[dict[str, float]]] = {name: [] for name in KINDS}
    for number in range(options.rounds):
        for name, arenas in list(KINDS.items())[:: 1 if number % 2 else -1]:
            command = [sys.executable, __file__, "--arenas", str(arenas)]
            command += ["--jobs", str(options.jobs), "--photos", str(options.photos)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            found[name].append(json.loads(done.stdout))
            print(f"{name}: {found[name][-1]}", flush=True)
    middle = {
        name: {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        for name, rounds in found.items()
    }
    print(f"Medians of {options.rounds} rounds: {json.dumps(middle, indent=2)}")
    if options.json:
        options.json.write_text(json.dumps({"rounds": found, "medians": middle}, indent=2) + "\n")
    return 0


def _measure(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """In this process: memory and time; models go into the empty ``folder``, its home."""
    if options.arenas:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, options.arenas)
    from engine.api.config import PredictConfig
    from engine.api.values import ModelImport
    from engine.records.models import default_store
    from engine.service.local import LocalEngine

    photos = sorted(options.photos.glob("*.jpg"))
    engine = LocalEngine()
    model = engine.open_model(None)
    chance = random.Random(1)

    def tag(paths: list[Path]) -> None:
        for _ in engine.predict(model.id, paths, PredictConfig()):
            pass

    numbers = itertools.count()

    def write_model() -> None:
        engine.export_model(_WRITTEN, folder / f"{next(numbers)}.safetensors")

    def import_model() -> None:
        name = engine.import_model(ModelImport(strangers, name=f"number {next(numbers)}"))
        engine.close_model(engine.open_model(name).id)
        default_store().remove(name)

    def jobs(count: int) -> None:
        work: list[Callable[[], object]] = [
            lambda: tag(chance.choices(photos, k=3)),
            lambda: tag(chance.choices(photos, k=12)),
            lambda: engine.explain(model.id, chance.choice(photos)),
            write_model,
            import_model,
        ]
        for _ in range(count):
            kind = chance.choice(work)
            threads = [threading.Thread(target=kind) for _ in range(chance.choice((1, 1, 2)))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    strangers = folder / "strangers.safetensors"
    engine.export_model(_WRITTEN, strangers)
    some = (photos * _TAGGED)[:_TAGGED]
    tag(some)
    before_s = _used_s(lambda: tag(some))
    jobs(options.jobs // 4)
    first = _own_mib()
    jobs(options.jobs - options.jobs // 4)
    last = _own_mib()
    after_s = _used_s(lambda: tag(some))
    engine.close()
    return {
        "own_mib_after_a_quarter": first,
        "own_mib_after_all": last,
        "tag_processor_s_before": before_s,
        "tag_processor_s_after": after_s,
    }


def _used_s(work: Callable[[], object]) -> float:
    """Seconds of processors that this process spends on it, without its decoders'."""
    before = os.times()
    work()
    after = os.times()
    return round(after.user + after.system - before.user - before.system, 2)


def _own_mib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) >> 10


if __name__ == "__main__":
    sys.exit(main())
