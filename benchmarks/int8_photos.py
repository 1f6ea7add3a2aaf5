"""How many labelled photos it takes to say what int8 costs a model.

    python benchmarks/_int8_at_any_loss.py models quantize MODEL --dataset KIND --data FOLDER
    python benchmarks/int8_photos.py MODEL KIND FOLDER [SPLIT]

The model and its int8 network are run over all photos of a split;
then the loss of mean average precision is reckoned on photos drawn at random, a few hundred times
for each number of them. What counts is how far that lies from the loss on all.
"""

from __future__ import annotations

import math
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.api.config import EvaluateConfig
from engine.api.evaluation import EvaluationRequest
from engine.metrics.ranking import average_precision
from engine.records import int8_networks
from engine.records.evaluations import EvaluationRun
from engine.service.local import LocalEngine

_COUNTS = (8, 16, 32, 64, 100, 150, 200, 300, 400, 600, 800)
_DRAWS = 300


def main() -> None:
    """Run both, and say how far the loss is off."""
    model, kind, folder, *split = sys.argv[1:]
    int8_networks.MOST_LOSS, int8_networks.LEAST_CORRELATION = math.inf, -1.0
    request = EvaluationRequest(
        kind, Path(folder), split[0] if split else "val", model, EvaluateConfig(decode="fast")
    )
    plain, int8 = (_run(request, precision) for precision in ("float", "int8"))
    if plain.ids != int8.ids:
        raise SystemExit("The two runs saw different photos.")
    everything = np.arange(len(plain.ids))
    whole = _loss(plain, int8, everything)
    sys.stdout.write(f"on all {len(everything):,} photos int8 loses {whole:.2f} mAP\n")
    chance = np.random.default_rng(0)
    for count in (count for count in _COUNTS if count < len(everything)):
        losses = np.array(
            [
                _loss(plain, int8, chance.choice(everything, count, replace=False))
                for _ in range(_DRAWS)
            ]
        )
        off = np.quantile(np.abs(losses - whole), [0.5, 0.95])
        far = float((np.abs(losses - whole) > 0.3).mean())
        sys.stdout.write(
            f"{count:5} photos: off by {off[0]:.2f} (median), {off[1]:.2f} (19 of 20); "
            f"more than 0.3 off {100 * far:.0f} %\n"
        )


def _run(request: EvaluationRequest, precision: str) -> EvaluationRun:
    with (
        closing(LocalEngine("cpu", precision=precision)) as engine,
        engine.evaluation(request) as work,
    ):
        if work.model.is_int8 is not (precision == "int8"):
            raise SystemExit("Make the int8 network first: csra models quantize")
        for _ in work.evaluator.run(engine.pool):
            pass
        return work.as_run(work.evaluator.so_far)


def _loss(plain: EvaluationRun, int8: EvaluationRun, rows: NDArray[np.intp]) -> float:
    before, after = (
        float(np.nanmean(average_precision(run.logits[rows], run.targets[rows], run.ignored[rows])))
        for run in (plain, int8)
    )
    return 100.0 * (before - after)


if __name__ == "__main__":
    main()
