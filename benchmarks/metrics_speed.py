"""How fast the evaluation is against a plain loop over images and categories.

The loop is ours, written after the facts of the official evaluation: it copies the scores of each
category into lists, image by image, ranks them and walks down the ranks for average precision, and
walks over all images once more for precision and recall, and once more for the top three. It stands
for how such code is usually written; it is not the official code, which is not in here.

Both run on the same random data in the same process, in turn, and must agree to 1e-9. The ratio
is that of the medians of CPU time, which neighbours on the machine disturb least.

    python benchmarks/metrics_speed.py [--images N] [--categories C] [--rounds R] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from engine.metrics.bootstrap import bootstrap_intervals  # noqa: E402
from engine.metrics.checks import finished  # noqa: E402
from engine.metrics.report import paper_metrics  # noqa: E402

Numbers = dict[str, float]
Scores = NDArray[np.float32]
Targets = NDArray[np.bool_]
SIX = ("CP", "CR", "CF1", "OP", "OR", "OF1")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=40_000)
    parser.add_argument("--categories", type=int, default=80)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    scores, targets = random_data(options.images, options.categories)
    result = compare(scores, targets, options.rounds)
    result["bootstrap of 1,000 resamples, 5,000 x 20, seconds"] = time_bootstrap()
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def random_data(images: int, categories: int) -> tuple[Scores, Targets]:
    """Scores that know something of targets, of which 3.6 % are true, as in COCO."""
    generator = np.random.default_rng(0)
    targets = generator.random((images, categories)) < 0.036
    logits = generator.normal(size=targets.shape) - 3.0 + 4.0 * targets
    return (1.0 / (1.0 + np.exp(-logits))).astype(np.float32), targets


def compare(scores: Scores, targets: Targets, rounds: int) -> dict[str, object]:
    """Time both ways in turn; an error if they disagree."""
    ways: dict[str, Callable[[], Numbers]] = {
        "vectorised": lambda: vectorised(scores, targets),
        "plain loop": lambda: plain_loop(scores, targets),
    }
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        numbers = {}
        for name, way in ways.items():
            cpu_start, wall_start = time.process_time(), time.perf_counter()
            numbers[name] = way()
            cpu[name].append(time.process_time() - cpu_start)
            wall[name].append(time.perf_counter() - wall_start)
        for key, value in numbers["plain loop"].items():
            if abs(value - numbers["vectorised"][key]) > 1e-9:
                raise SystemExit(f"{key} differs: {numbers}")
    medians = {name: statistics.median(values) for name, values in cpu.items()}
    return {
        "images": len(scores),
        "categories": scores.shape[1],
        "rounds": rounds,
        "CPU seconds, median": medians,
        "wall seconds, median": {name: statistics.median(v) for name, v in wall.items()},
        "ratio": medians["plain loop"] / medians["vectorised"],
    }


def time_bootstrap() -> float:
    scores, targets = random_data(5000, 20)
    start = time.process_time()
    finished(bootstrap_intervals(scores, targets))
    return time.process_time() - start


def vectorised(scores: Scores, targets: Targets) -> Numbers:
    """The program's own evaluation, which computes four definitions of AP and more besides."""
    report = paper_metrics(scores, targets)
    labels, top3 = report.labels.as_dict(), report.top3.as_dict()
    numbers = {"mAP": report.mean_average_precision}
    for name in SIX:
        numbers[name] = labels[name] or 0.0
        numbers[f"top-3 {name}"] = top3[name] or 0.0
    return numbers


def plain_loop(scores: Scores, targets: Targets) -> Numbers:
    images, categories = scores.shape
    precisions = []
    for c in range(categories):
        column, truth = [], []
        for i in range(images):
            column.append(scores[i][c])
            truth.append(targets[i][c])
        found, total = 0, 0.0
        for rank, i in enumerate(np.argsort(-np.array(column), kind="stable"), start=1):
            if truth[i]:
                found += 1
                total += found / rank
        precisions.append(total / found)
    numbers = {"mAP": sum(precisions) / categories, **plain_labels(scores, targets, None)}
    top3 = plain_labels(scores, targets, 3)
    return {**numbers, **{f"top-3 {name}": value for name, value in top3.items()}}


def plain_labels(scores: Scores, targets: Targets, top: int | None) -> Numbers:
    images, categories = scores.shape
    predicted, correct, positives = ([0] * categories for _ in range(3))
    for i in range(images):
        kept = range(categories) if top is None else np.argsort(-scores[i], kind="stable")[:top]
        for c in range(categories):
            positives[c] += bool(targets[i][c])
        for c in kept:
            if scores[i][c] >= 0.5:
                predicted[c] += 1
                correct[c] += bool(targets[i][c])
    predicted = [max(1, count) for count in predicted]
    cp = sum(a / b for a, b in zip(correct, predicted, strict=True)) / categories
    cr = sum(a / b for a, b in zip(correct, positives, strict=True)) / categories
    op, overall = sum(correct) / sum(predicted), sum(correct) / sum(positives)
    f1 = (2 * cp * cr / (cp + cr), 2 * op * overall / (op + overall))
    return dict(zip(SIX, (cp, cr, f1[0], op, overall, f1[1]), strict=True))


if __name__ == "__main__":
    sys.exit(main())
