"""How fast ResNet-101 with one head runs at 448 pixels: every way to run it here, in turn.

Random weights, so only speed counts. ``python benchmarks/int8_speed.py FOLDER-OF-JPEGS``
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine.api.categories import Categories
from engine.api.config import HeadConfig, ModelConfig
from engine.checkpoints.graph_export import export_graph
from engine.checkpoints.safetensors_model import in_memory
from engine.inference.backends import open_backend
from engine.inference.graphs import Graph, find_graph
from engine.inference.int8 import Int8Maker
from engine.models.classifier import Classifier
from engine.models.registry import backbone_spec
from engine.records.backend_kinds import BACKENDS
from engine.records.model_record import CheckpointRecord

_SIDE, _BATCH, _ROUNDS, _PHOTOS = 448, 4, 4, 12


def main() -> None:
    """Measure and say."""
    torch.manual_seed(0)
    names = Categories(tuple(f"c{number}" for number in range(20)))
    preprocess = backbone_spec("resnet101").preprocess(_SIDE)
    config = ModelConfig("resnet101", names, HeadConfig((1.0,), 0.1, normalize=True), preprocess)
    network = Classifier(config).eval().requires_grad_(requires_grad=False)
    checkpoint = in_memory(network, CheckpointRecord(config, "r101"))
    graph = find_graph(config) or export_graph(checkpoint)
    photos = [_pixels(path) for path in sorted(Path(sys.argv[1]).glob("*.jpg"))[:_PHOTOS]]
    maker = Int8Maker(checkpoint.weights, graph)
    int8 = Graph(maker.make(maker.range_of(photo) for photo in photos[_BATCH:]), {})
    batch = np.stack(photos[:_BATCH])
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (preprocess.mean, preprocess.std))

    def official() -> None:
        with torch.no_grad():
            images = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255.0
            network(((images - mean) / std).contiguous())

    runs: dict[str, Callable[[], object]] = {"PyTorch as the official code runs it": official}
    for title, form in (("float", graph), ("int8", int8)):
        for name in ("onnx", "openvino"):
            backend = open_backend(BACKENDS[name], checkpoint.weights, form)
            runs[f"{title}, {BACKENDS[name].runtime}"] = lambda one=backend: one.run(batch)
    seconds: dict[str, list[float]] = {title: [] for title in runs}
    for _ in range(_ROUNDS):
        for title, run in runs.items():
            started = time.perf_counter()
            run()
            seconds[title].append((time.perf_counter() - started) / _BATCH)
    for title, found in seconds.items():
        middle, best = 1000 * float(np.median(found)), 1000 * min(found)
        sys.stdout.write(f"{title}: {middle:.0f} ms per photo (best {best:.0f})\n")


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((_SIDE, _SIDE)), np.uint8)


if __name__ == "__main__":
    main()
