"""What a map costs: ours against Grad-CAM of the package pytorch-grad-cam, and the first map.

Both explain the same photo with the same network, in one process, in turn, and both lay each map
over the network's square input. Grad-CAM's target layer is the backbone's output, the features
that our heads read too.

- *ours*: one forward pass, then the map of local probability of each category.
- *ours, photo known*: the maps alone, as in the window once a photo is shown: its position scores
  are at hand.
- *Grad-CAM*: one forward and one backward pass per category. The backward pass goes no further than
  the target layer, as its weights alone ask for gradients: the fastest way to use the package.
- *Grad-CAM, as it comes*: all weights ask for gradients, as after loading any model.

The table has medians of wall time and of CPU time of the process; ratios are those of CPU time,
which neighbours on the machine disturb least.

*First map* is the wait for the map of a photo that the engine has never seen, decoding in a warm
decode process, forward pass, map and colours included, by wall time.

    pip install -e ".[bench]"
    python benchmarks/explanation_speed.py [--model NAME] [--photos DIR] [--rounds R] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# As the program itself does.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from grad_cam import as_input, package_cam  # noqa: E402

from engine.api.values import PositionScores  # noqa: E402
from engine.checkpoints.loading import open_checkpoint  # noqa: E402
from engine.data.decoding.pool import DecodePool  # noqa: E402
from engine.explain.evidence import local_probability, on_photo  # noqa: E402
from engine.explain.render import OverlayStyle, overlay_pixels  # noqa: E402
from engine.inference.predict import decode_request, position_scores  # noqa: E402
from engine.pytorch.torch_backend import TorchBackend  # noqa: E402
from engine.records.catalogue import find_model  # noqa: E402
from engine.resources import resource_path  # noqa: E402
from engine.service.local import LocalEngine  # noqa: E402

COUNTS = (1, 20)
SETS_OF_MAPS = {1: "1 map", 20: "20 maps"}


@dataclass(frozen=True)
class Cost:
    """Medians over rounds, in milliseconds."""

    wall: float
    cpu: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="default: the model that ships")
    parser.add_argument("--photos", type=Path, default=resource_path("samples"))
    parser.add_argument("--most", type=int, default=50, help="photos to wait for a first map of")
    parser.add_argument("--rounds", type=int, default=9, help="of the comparison; 0 leaves it out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    photos = sorted(options.photos.glob("*.jpg"))[: options.most]
    model = find_model(options.model)
    costs = compare(model, photos[0], options.rounds) if options.rounds else {}
    waits = first_maps(model, photos)
    print(table(costs, waits))
    if options.json:
        values = {name: {"wall ms": c.wall, "CPU ms": c.cpu} for name, c in costs.items()}
        options.json.write_text(json.dumps({"costs": values, "first map ms": waits}, indent=2))
    return 0


def compare(model: Path, photo: Path, rounds: int) -> dict[str, Cost]:
    """All ways in turn, round by round; the first round warms up."""
    work = ways(model, photo)
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for i in range(rounds + 1):
        for name, run in work.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            if i:
                taken = time.perf_counter() - wall, time.process_time() - cpu
                seen[name].append((1000 * taken[0], 1000 * taken[1]))
    return {
        name: Cost(*(statistics.median(column) for column in zip(*times, strict=True)))
        for name, times in seen.items()
    }


def ways(model: Path, photo: Path) -> dict[str, Callable[[], object]]:
    """What is measured: name → do it once."""
    device = torch.device("cpu")
    first = open_checkpoint(model)
    preprocess = first.record.config.preprocess
    with DecodePool(1) as pool:
        image = pool.submit(decode_request(photo, preprocess)).result()
    backend = TorchBackend(first.classifier, device)
    known = position_scores(backend, first.id, photo, image)
    pixels = as_input(image, first.classifier)
    side = preprocess.input_size
    every = range(len(first.record.config.categories))

    def ours(count: int) -> None:
        maps_of(position_scores(backend, first.id, photo, image), every[:count], side)

    work: dict[str, Callable[[], object]] = {}
    for count in COUNTS:
        caption = SETS_OF_MAPS[count]
        work[f"ours, {caption}"] = lambda n=count: ours(n)
        work[f"ours, photo known, {caption}"] = lambda n=count: maps_of(known, every[:n], side)
        for name, whole in (("Grad-CAM", False), ("Grad-CAM, as it comes", True)):
            cam = package_cam(open_checkpoint(model).classifier, whole=whole)
            work[f"{name}, {caption}"] = lambda c=cam, n=count: [c(pixels, i) for i in every[:n]]
    return work


def maps_of(scores: PositionScores, categories: Sequence[int], side: int) -> list[object]:
    return [on_photo(local_probability(scores, c), side, side) for c in categories]


def first_maps(model: Path, photos: Sequence[Path]) -> list[float]:
    """Milliseconds until the first map of each photo is coloured; the first photo warms up."""
    waits = []
    with closing(LocalEngine("cpu", num_workers=1)) as engine:
        info = engine.open_model(str(model))
        for photo in (photos[-1], *photos):
            start = time.perf_counter()
            scores = engine.explain(info.id, photo)
            size = fitted(scores.width, scores.height)
            values = on_photo(local_probability(scores, 0), *size, scores.content)
            overlay_pixels(values, OverlayStyle(threshold=0.5))
            waits.append(1000 * (time.perf_counter() - start))
    return waits[1:]


def fitted(width: int, height: int, side: int = 1024) -> tuple[int, int]:
    """About as large as a photo is in the window."""
    share = min(1.0, side / max(width, height))
    return max(1, round(width * share)), max(1, round(height * share))


def table(costs: dict[str, Cost], waits: Sequence[float]) -> str:
    heads = ["| | wall, ms | CPU, ms | times ours (CPU) |", "|---|---|---|---|"]
    lines = heads if costs else []
    for name, cost in costs.items():
        base = costs[f"ours, {name.rpartition(', ')[2]}"]
        lines.append(f"| {name} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.cpu / base.cpu:.2f} |")
    low, middle, high = np.quantile(waits, [0.1, 0.5, 0.9])
    lines.append("")
    lines.append(
        f"First map of a photo not seen before: median {middle:.0f} ms, 10th and 90th of a hundred "
        f"{low:.0f} and {high:.0f} ms ({len(waits)} photos, {torch.get_num_threads()} threads)."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
