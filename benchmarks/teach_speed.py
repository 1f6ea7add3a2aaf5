"""How long it takes to teach the shipped model a new label, and how well it then ranks.

Photos of one category of VOC2007 val and others play the person's part: the category is taught
under another name, as if the model did not know it. The first teaching looks at every photo, the
second one finds what a photo looks like on the disk.

    python benchmarks/teach_speed.py VOCDEVKIT [--photos 200] [--showing 20] [--category boat]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("devkit", type=Path)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--showing", type=int, default=20)
    parser.add_argument("--category", default="boat")
    parser.add_argument("--ranked", type=int, default=100, help="other photos to rank")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(options, Path(folder)), indent=2))
    return 0


def measure(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    import numpy as np

    from engine.api.categories import Categories
    from engine.api.teaching import TeachReport, TeachRequest
    from engine.data.datasets.registry import load_dataset
    from engine.metrics.ranking import average_precision
    from engine.service.local import LocalEngine

    val = load_dataset("voc2007", options.devkit, "val")
    truth = val.targets[:, val.categories.index_of(options.category)]
    unclear = val.ignored[:, val.categories.index_of(options.category)]
    order = np.random.default_rng(0).permutation(np.flatnonzero(~unclear))
    showing = order[truth[order]][: options.showing]
    others = order[~truth[order]][: options.photos - options.showing]
    rows = np.concatenate([showing, others])
    engine = LocalEngine()
    model = engine.open_model()
    categories = Categories((*model.categories, "taught"))
    targets = np.zeros((len(rows), len(categories)), dtype=np.bool_)
    targets[:, -1] = truth[rows]
    known = np.zeros_like(targets)
    known[:, -1] = True
    paths = tuple(val.paths[row] for row in rows)
    request = TeachRequest(
        None, "taught", folder / "taught.safetensors", categories, paths, targets, known, folder
    )
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        report = list(engine.teach(request))[-1]
        seconds.append(round(time.perf_counter() - started, 1))
    assert isinstance(report, TeachReport)
    rest = np.setdiff1d(order, rows)[: options.ranked]
    taught = engine.open_model(str(report.file))
    found = engine.predict(taught.id, [val.paths[row] for row in rest])
    scores = np.stack([prediction.scores for prediction in found])
    place = model.categories.index_of(options.category)
    precisions = average_precision(scores[:, [place, -1]], np.stack([truth[rest]] * 2, axis=1))
    engine.close()
    return {
        "photos": len(rows),
        "showing it": len(showing),
        "seconds, first teaching": seconds[0],
        "seconds, the same photos again": seconds[1],
        "other photos ranked": len(rest),
        "of these show it": int(truth[rest].sum()),
        "average precision, taught": round(float(precisions[1]), 3),
        "average precision of the model that knew it": round(float(precisions[0]), 3),
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


if __name__ == "__main__":
    sys.exit(main())
